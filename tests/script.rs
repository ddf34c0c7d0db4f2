//! Scripts read as the machine would: golden fact listings beside small fixtures, and hostile variants of all of them.
//!
//! `UPDATE_GOLDEN=1` rewrites the listings; read the difference line by line.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use wipeproof::discover::{Application, Artifact, Kind, WalkOptions, sniff};
use wipeproof::facts::{ClueKind, NoteKind, Phase, Reading, Site, Text, listing};
use wipeproof::read::read_bytes;
use wipeproof::read::script::{CommandContext, command_line};

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/script");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_none_or(|e| e != "facts"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn read(name: &str, bytes: &[u8]) -> Reading {
    let artifact = Artifact {
        path: name.to_owned(),
        name: name.to_owned(),
        file: PathBuf::from(name),
        size: bytes.len() as u64,
        part: None,
    };
    let app = Application::new(vec![artifact.clone()], Vec::new());
    let kind = sniff(&bytes[..bytes.len().min(4096)], name).or_else(|| sniff(b"", name)).unwrap_or(Kind::JScript);
    read_bytes(&app, &artifact, kind, bytes)
}

fn file_name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

#[test]
fn golden_listings() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = Vec::new();
    for path in fixtures() {
        let got = listing::print(&[read(file_name(&path), &std::fs::read(&path).unwrap())]);
        let golden = PathBuf::from(format!("{}.facts", path.display()));
        if update {
            std::fs::write(&golden, &got).unwrap();
        }
        let want = std::fs::read_to_string(&golden).unwrap_or_default();
        if got != want {
            wrong.push(format!("{}:\n{}", file_name(&path), difference(&want, &got)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn difference(want: &str, got: &str) -> String {
    let lost = want.lines().filter(|l| !got.contains(l)).map(|l| format!("- {l}"));
    let new = got.lines().filter(|l| !want.contains(l)).map(|l| format!("+ {l}"));
    lost.chain(new).collect::<Vec<_>>().join("\n")
}

#[test]
fn encodings_say_the_same() {
    for path in fixtures() {
        let bytes = std::fs::read(&path).unwrap();
        let Ok(text) = std::str::from_utf8(&bytes) else { continue };
        if !text.is_ascii() {
            continue;
        }
        let name = file_name(&path);
        let plain = read(name, &bytes);
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let with_mark: Vec<u8> = [0xff, 0xfe].into_iter().chain(wide.iter().copied()).collect();
        let turned: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let turned_with_mark: Vec<u8> = [0xfe, 0xff].into_iter().chain(turned.iter().copied()).collect();
        let utf8 = [b"\xef\xbb\xbf", bytes.as_slice()].concat();
        for variant in [wide, with_mark, turned, turned_with_mark, utf8] {
            assert_eq!(listing::print(&[read(name, &variant)]), listing::print(std::slice::from_ref(&plain)), "{name}");
        }
    }
}

/// A small generator, so that the damage is the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below.max(1) as u64) as usize
    }
}

#[test]
fn damaged_input_neither_fails_nor_hangs() {
    let all: Vec<(String, Vec<u8>)> =
        fixtures().iter().map(|p| (file_name(p).to_owned(), std::fs::read(p).unwrap())).collect();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for (name, bytes) in &all {
        for round in 0..60 {
            let mut bad = bytes.clone();
            match round % 4 {
                0 => bad.truncate(dice.roll(bytes.len())),
                1 => {
                    for _ in 0..1 + dice.roll(8) {
                        let at = dice.roll(bad.len());
                        bad[at] ^= 1 << dice.roll(8);
                    }
                }
                2 => {
                    let other = &all[dice.roll(all.len())].1;
                    let (at, from) = (dice.roll(bad.len()), dice.roll(other.len()));
                    bad.truncate(at);
                    bad.extend_from_slice(&other[from..]);
                }
                _ => {
                    let (at, end) = (dice.roll(bad.len()), dice.roll(bad.len()));
                    let piece = bad[at.min(end)..at.max(end)].to_vec();
                    for _ in 0..3 {
                        bad.splice(at.min(bad.len())..at.min(bad.len()), piece.iter().copied());
                    }
                }
            }
            if sniff(&bad[..bad.len().min(4096)], name).is_none() {
                continue;
            }
            let reading = read(name, &bad);
            let failed = reading.notes.iter().find(|n| n.kind == NoteKind::Failed);
            assert!(failed.is_none(), "{name} round {round}: {failed:?}");
            let printed = listing::print(std::slice::from_ref(&reading));
            assert!(listing::parse(&printed).is_ok(), "{name} round {round}: the listing does not parse back");
        }
    }
}

#[test]
fn command_lines_of_other_artifacts_are_read_in_their_folder_and_phase() {
    let mut reading = Reading::new("ServiceDefinition.csdef", "csdef");
    let context = CommandContext {
        site: Site::text(6, 9),
        here: Text::parse("{AppDir}\\bin"),
        phase: Some((Phase::Startup, "startup task")),
        variables: &[],
        powershell: false,
    };
    command_line(
        &Text::lit("setup.cmd /q > log.txt 2>&1 && reg add HKLM\\SOFTWARE\\A /v B /d 1 /f"),
        &context,
        &mut reading,
    );
    let lines: Vec<String> = reading
        .facts
        .iter()
        .filter_map(|f| f.as_effect())
        .map(|e| format!("{} {:?} {:?}", e.headline(), e.phase, e.origin))
        .collect();
    assert_eq!(
        lines,
        [
            "create file {AppDir}\\bin\\log.txt Startup Unknown",
            "set-value registry HKLM\\SOFTWARE\\A\\B Startup Constant"
        ]
    );
    let clue = reading.facts.iter().find_map(|f| f.as_clue()).unwrap();
    let started = clue.location.as_ref().unwrap().to_string();
    assert_eq!(
        (clue.kind, clue.key.as_str(), started.as_str()),
        (ClueKind::Starts, "call", "{AppDir}\\bin\\setup.cmd")
    );
}

#[test]
fn after_too_much_repetition_the_rest_is_read_without_values() {
    let four = |i: usize| format!("call :f{i}\n").repeat(4);
    let fan: String = (0..11).map(|i| format!(":f{i}\n{}goto :eof\n", four(i + 1))).collect();
    let rest = "echo x > %A%\\rest.txt\nreg add HKLM\\Software\\Rest /v A /d 1 /f\ngoto :eof\n";
    let text = format!("set A=C:\\Desk\ncall :f0\n{rest}{fan}:f11\ngoto :eof\n");
    let reading = read("rest.cmd", text.as_bytes());
    let found = reading.facts.iter().filter_map(|f| f.as_effect()).map(|e| e.location.to_string());
    assert_eq!(found.collect::<Vec<_>>(), ["{?}\\rest.txt", "HKLM\\Software\\Rest\\A"]);
    assert!(reading.notes.iter().any(|n| n.text.starts_with("from line 3 on")), "{:?}", reading.notes);
}

#[test]
fn loops_and_recursion_end() {
    let deep = format!("{}echo x > a.txt\n", "if exist a ( ".repeat(5_000));
    let fan: String = (0..200)
        .map(|i| format!(":l{i}\ncall :l{}\ncall :l{}\nset v{i}=%v{i}%x\n", (i + 1) % 200, (i + 7) % 200))
        .collect();
    let percent = "%".repeat(200_000);
    let bomb = format!("!macro A\n{}!macroend\n!insertmacro A\n", "!insertmacro A\n".repeat(50));
    let reading = read("bomb.nsi", format!("{bomb}Section\nWriteRegStr HKLM a b c\nSectionEnd\n").as_bytes());
    assert!(reading.notes.iter().any(|n| n.kind == NoteKind::Capped));
    assert_eq!(reading.facts.iter().filter(|f| f.as_effect().is_some()).count(), 1, "the rest is read");
    let cases = [
        ("a.cmd", ":a\nset x=%x%y\necho %x% >> %x%.txt\ngoto a\n".to_owned()),
        ("b.cmd", ":a\ncall :a\ncall :a\n".to_owned()),
        ("c.cmd", deep),
        ("d.cmd", fan),
        ("e.cmd", percent),
        ("h.cmd", "for <a in (b) do echo\nfor &\nfor service in a b; do\n".to_owned()),
        ("f.cmd", "set a=%a%%a%%a%\n".repeat(3_000)),
        ("g.cmd", format!("call {}", "call ".repeat(20_000))),
        ("i.ps1", format!("Set-Content x {}", "(".repeat(20_000))),
        ("j.ps1", "$a = \"$a$a$a\"\nSet-Content $a x\n".repeat(2_000)),
        ("k.ps1", "function f { f; f; Set-Content a b }\nf\n".to_owned()),
        ("l.ps1", format!("{} mkdir x {}", "if ($a) { ".repeat(3_000), "}".repeat(3_000))),
        ("m.ps1", format!("Set-Content x {}", "$(\"".repeat(5_000))),
        ("n.nsi", "!define A \"${A}${A}\"\nWriteRegStr HKLM ${A} a b\nStrCpy $0 $0$0x\n".repeat(500)),
        ("o.iss", "#define A \"{#A}{#A}\"\n[Files]\nSource: \"{#A}\"; DestDir: \"{app}\"\n".repeat(500)),
        ("p.vbs", format!("x = {}\n{}", "f(".repeat(20_000), "a = a & a & \"x\"\nf.CreateTextFile a\n".repeat(2_000))),
        ("q.wxs", format!("<Wix>{}{}</Wix>", "<Directory Id='a'>".repeat(3_000), "</Directory>".repeat(3_000))),
        ("r.asp", "<%<script>".repeat(20_000)),
        ("s.inf", format!("[A]\nAddReg={}\n[B]\n{}", "B,".repeat(300), "HKLM,a,b,,c\n".repeat(300))),
        ("t.nsi", format!("!define A \"{}\"\nWriteRegStr HKLM \"${{A}}\" a b\n", "${A}".repeat(1_000))),
        ("u.nsi", format!("!define K a\nWriteRegStr HKLM $0 a b\n{}", "StrCpy $0 \"$0$APPDATA$0\"\n".repeat(400))),
        ("v.iss", format!("#define A \"{}\"\n[INI]\nFilename: \"{{#A}}\"\n", "{#A}".repeat(1_000))),
        ("w.vbs", "a = a & f(1) & a\nx.CreateTextFile a\n".repeat(400)),
        ("aa.ps1", format!("Set-Content a b {}", " $(".repeat(100_000))),
        ("ab.ps1", format!("Set-Content a b\n{}", "x <# ".repeat(100_000))),
        ("ao.ps1", format!("Set-Content a b\n{}", "x ${a ".repeat(100_000))),
        ("ap.ps1", format!("Set-Content a b\n{}", "x @\"\ny\n".repeat(50_000))),
        ("ac.ps1", format!("Set-Content a b\n{}", "x @\" # > 'y ".repeat(50_000))),
        ("ad.ps1", format!("Set-Content a b\n{}", "a\\b.c".repeat(30_000))),
        ("ae.ps1", format!("Set-Content a b{}", "          ".repeat(50_000))),
        (
            "af.ps1",
            (0..800).map(|i| format!("function f{i} {{ f{}; f{} }}\n", i + 1, (i + 7) % 800)).collect::<String>()
                + "function f800 { Set-Content a b }\n",
        ),
        ("ag.cmd", format!("@if (@X)==(@Y) @end /*\n{}", "*/ /*".repeat(50_000))),
        ("ah.cmd", format!("<# :\n{}", "#> <#\n".repeat(20_000))),
        ("ai.cmd", format!("md {}", "a^".repeat(500_000))),
        ("aj.vbs", format!("x = {}", "\"a\" & ".repeat(200_000))),
        ("ak.wsf", format!("<script language=\"JScript\">var x = {}", "{a:[".repeat(100_000))),
        ("al.iss", format!("[Run]\nFilename: {}", "\"\"".repeat(300_000))),
        ("am.nsi", format!("Section\nFile {}", "\"a\" ".repeat(30_000))),
        ("an.inf", format!("[A]\nCopyFiles={}\n[Strings]\nx=\"%x%\"", "%x%,".repeat(100_000))),
        ("h.reg", format!("REGEDIT4\n[HKEY_CURRENT_USER\\A]\n\"x\"=hex:{}", "00,\\\n".repeat(50_000))),
    ];
    for (name, text) in cases {
        let start = std::time::Instant::now();
        let reading = read(name, text.as_bytes());
        assert!(reading.notes.iter().all(|n| n.kind != NoteKind::Failed), "{name}: {:?}", reading.notes);
        assert!(start.elapsed().as_secs() < 15, "{name} took {:?}", start.elapsed());
    }
}

/// Characters of the code pages of consoles are no UTF-8; what they stand for is not known, but where they stand is.
#[test]
fn code_pages_of_consoles_cost_characters_only() {
    for (name, bytes) in [
        ("a.cmd", b"md \"C:\\Gr\x84\xe1e\\logs\"\r\nmd C:\\plain\r\n".as_slice()),
        ("a.ps1", b"mkdir 'C:\\Gr\x84\xe1e\\logs'\r\nmkdir C:\\plain\r\n"),
        ("a.vbs", b"f.CreateFolder \"C:\\Gr\x84\xe1e\\logs\"\r\nf.CreateFolder \"C:\\plain\"\r\n"),
        (
            "a.nsi",
            b"Section\r\nCreateDirectory \"C:\\Gr\x84\xe1e\\logs\"\r\nCreateDirectory C:\\plain\r\nSectionEnd\r\n",
        ),
        ("a.iss", b"[Dirs]\r\nName: \"C:\\Gr\x84\xe1e\\logs\"\r\nName: \"C:\\plain\"\r\n"),
    ] {
        let reading = read(name, bytes);
        let places: Vec<String> =
            reading.facts.iter().filter_map(|f| f.as_effect()).map(|e| e.location.to_string()).collect();
        assert_eq!(places.len(), 2, "{name}: {places:?}");
        assert!(places[0].starts_with("C:\\Gr") && places[0].ends_with("\\logs"), "{name}: {places:?}");
        assert_eq!(places[1], "C:\\plain", "{name}");
    }
}

#[test]
fn a_circle_of_calls_ends_and_is_said() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/joins/called");
    let app = wipeproof::discover::walk(&[folder], &WalkOptions::default()).unwrap();
    let all = wipeproof::read::read_all(&app);
    for name in ["run.cmd", "run.ps1"] {
        let reading = all.readings.iter().find(|r| r.artifact.ends_with(&format!("called/{name}"))).unwrap();
        assert!(reading.notes.iter().any(|n| n.text.contains("in a circle")), "{name}: {:?}", reading.notes);
    }
}
