//! Hostile configuration: every fixture truncated, flipped and spliced, and documents made to cost time or memory.
//! Nothing may panic (a reader that does leaves a `failed` note), and each document is done in bounded time.

#![allow(clippy::expect_used, reason = "a fixture that is missing fails the test")]

use std::path::Path;
use std::time::{Duration, Instant};
use wipeproof::discover::{Application, Artifact, Kind, WalkOptions, sniff, walk};
use wipeproof::facts::{NoteKind, Reading};
use wipeproof::read::read_bytes;

/// Generous for a build without optimisation on a busy machine; what is unbounded takes far longer.
const LIMIT: Duration = Duration::from_secs(20);

fn inputs() -> Vec<Artifact> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/config");
    let found = walk(&[folder], &WalkOptions::default()).expect("the fixtures are there");
    found.artifacts.into_iter().filter(|a| a.extension() != "facts").collect()
}

fn read(artifact: &Artifact, kind: Kind, bytes: &[u8]) -> Reading {
    let reading = read_bytes(&Application::default(), artifact, kind, bytes);
    let failed = reading.notes.iter().find(|n| n.kind == NoteKind::Failed);
    assert!(failed.is_none(), "{}: {failed:?}", artifact.name);
    reading
}

/// A small generator, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides.max(1)
    }
}

#[test]
fn mutated_fixtures_are_read_without_a_failure() {
    let mut dice = Dice(0x5eed);
    let all: Vec<(Artifact, Kind, Vec<u8>)> = inputs()
        .into_iter()
        .filter_map(|artifact| {
            let bytes = artifact.read(1 << 20).expect("a fixture can be read");
            let kind = sniff(&bytes, artifact.file_name())?;
            Some((artifact, kind, bytes))
        })
        .collect();
    assert!(all.len() > 20);
    for (artifact, kind, bytes) in &all {
        for _ in 0..60 {
            let mut mutant = bytes.clone();
            match dice.roll(4) {
                0 => mutant.truncate(dice.roll(bytes.len())),
                1 => {
                    for _ in 0..=dice.roll(8) {
                        let at = dice.roll(mutant.len());
                        mutant[at] ^= 1 << dice.roll(8);
                    }
                }
                2 => {
                    let other = &all[dice.roll(all.len())].2;
                    let (from, len) = (dice.roll(other.len()), dice.roll(200));
                    let at = dice.roll(mutant.len());
                    let piece = other[from..other.len().min(from + len)].to_vec();
                    mutant.splice(at..at, piece);
                }
                _ => {
                    let at = dice.roll(mutant.len());
                    let end = mutant.len().min(at + dice.roll(40));
                    mutant.drain(at..end);
                }
            }
            read(artifact, *kind, &mutant);
        }
    }
}

fn artifact(name: &str) -> Artifact {
    Artifact { path: name.to_owned(), name: name.to_owned(), file: name.into(), ..Artifact::default() }
}

/// Reads a document that was made to be expensive.
fn timed(name: &str, kind: Kind, text: &str) -> Reading {
    let start = Instant::now();
    let reading = read(&artifact(name), kind, text.as_bytes());
    assert!(start.elapsed() < LIMIT, "{name} took {:?}", start.elapsed());
    reading
}

#[test]
fn a_single_line_of_a_hundred_megabytes_is_capped_and_its_start_counts() {
    let mut text = "{\"ConnectionStrings\":{\"Shop\":\"Data Source=shop.sdf\"},\"Items\":[".to_owned();
    let item = "{\"Name\":\"C:\\\\data\\\\x.log\",\"Count\":1},";
    text.push_str(&item.repeat((100 << 20) / item.len()));
    let reading = timed("appsettings.json", Kind::Json, &text);
    assert!(reading.notes.iter().any(|n| n.kind == NoteKind::Capped));
    assert!(reading.facts.iter().any(|f| f.as_effect().is_some()));
    assert!(reading.facts.len() < 10_000);
}

#[test]
fn bombs_are_bounded() {
    let many = |unit: &str| unit.repeat(100_000);
    timed("web.config", Kind::Xml, &format!("<configuration>{}", many("<a>")));
    timed("web.config", Kind::Xml, &format!("<configuration>{}</configuration>", many("<location path='x'/>")));
    timed("web.config", Kind::Xml, &format!("<configuration {}/>", many("a='b' ")));
    timed("web.config", Kind::Xml, &format!("<configuration><appSettings>{}", many("<add key='k' value='v'/>")));
    timed("web.config", Kind::Xml, &format!("<configuration><log4net>{}", many("<appender name='a'/>")));
    timed("appsettings.json", Kind::Json, &many("{\"a\":"));
    timed("appsettings.json", Kind::Json, &format!("{{\"Serilog\":{}", many("[{\"Name\":\"File\"},")));
    timed("docker-compose.yml", Kind::Yaml, &format!("services: {}", many("[")));
    timed("docker-compose.yml", Kind::Yaml, &format!("services:\n{}", many("- ")));
    timed("docker-compose.yml", Kind::Yaml, &format!("services:\n{}", many("a: b\n")));
    timed("config.toml", Kind::Toml, &format!("a = {}", many("[")));
    timed("nginx.conf", Kind::ServerConf, &many("http {\n"));
    timed("desk.ini", Kind::Ini, &many("[a]\nb=c\n"));
    timed("log4j.properties", Kind::Properties, &many("a\\\n"));
    timed("Dockerfile", Kind::Dockerfile, &many("RUN a \\\n"));
    timed(
        "NLog.config",
        Kind::Xml,
        &format!("<nlog><targets><target name='a' type='File' fileName='{}'/>", many("${")),
    );
}

#[test]
fn an_include_of_itself_ends() {
    let folder = std::env::temp_dir().join(format!("wipeproof-config-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the test");
    let path = folder.join("web.config");
    std::fs::write(
        &path,
        "<configuration><appSettings file=\"web.config\"/><a configSource=\"web.config\"/></configuration>",
    )
    .expect("a file for the test");
    let app = walk(std::slice::from_ref(&folder), &WalkOptions::default()).expect("the folder can be walked");
    let readings = wipeproof::read::read_all(&app).readings;
    std::fs::remove_dir_all(&folder).expect("the folder of the test");
    assert_eq!(readings.len(), 1);
    assert!(readings[0].notes.iter().all(|n| n.kind != NoteKind::Failed));
}

/// A folder of the test that goes away with it.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wipeproof-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder for the test");
        Folder(path)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).expect("a file for the test");
    }

    fn read(&self) -> Vec<Reading> {
        let app = walk(std::slice::from_ref(&self.0), &WalkOptions::default()).expect("the folder can be walked");
        let readings = wipeproof::read::read_all(&app).readings;
        for note in readings.iter().flat_map(|r| &r.notes) {
            assert!(note.kind != NoteKind::Failed, "{}", note.text);
        }
        readings
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The same text in UTF-16, with and without a byte order mark, in both orders.
fn utf16(text: &str) -> [Vec<u8>; 4] {
    let little = |mark: &str| format!("{mark}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big = |mark: &str| format!("{mark}{text}").encode_utf16().flat_map(u16::to_be_bytes).collect();
    [little("\u{feff}"), big("\u{feff}"), little(""), big("")]
}

#[test]
fn every_fixture_says_the_same_in_utf_16() {
    let mut compared = 0;
    for artifact in inputs() {
        let bytes = artifact.read(1 << 20).expect("a fixture can be read");
        let Some(kind) = sniff(&bytes, artifact.file_name()) else { continue };
        let text = String::from_utf8(bytes.clone()).expect("fixtures are UTF-8");
        let expected = read(&artifact, kind, &bytes).facts;
        for (n, encoded) in utf16(&text).iter().enumerate() {
            assert_eq!(sniff(encoded, artifact.file_name()), Some(kind), "{} in encoding {n}", artifact.name);
            let found = read(&artifact, kind, encoded).facts;
            assert_eq!(found, expected, "{} in encoding {n}", artifact.name);
            compared += 1;
        }
    }
    assert!(compared > 100);
}

#[test]
fn external_entities_and_bombs_are_left_out() {
    let bomb: String = (1..30).map(|n| format!("<!ENTITY e{n} \"{}\">", format!("&e{};", n - 1).repeat(10))).collect();
    let text = format!(
        "<?xml version=\"1.0\"?>\n<!DOCTYPE configuration SYSTEM \"file:///C:/secret.dtd\" [\n<!-- ]> --><!ENTITY e0 \"x\">{bomb}\
         <!ENTITY out SYSTEM \"http://example.net/x\"><!ENTITY % more SYSTEM \"http://example.net/y\">%more;]>\n\
         <configuration><appSettings><add key=\"A\" value=\"&e29;\"/><add key=\"B\" value=\"C:\\b\"/></appSettings>\
         <x>&out;</x></configuration>"
    );
    let reading = read(&artifact("web.config"), Kind::Xml, text.as_bytes());
    let values: Vec<(&str, &str)> =
        reading.facts.iter().filter_map(|f| f.as_clue()).map(|c| (c.key.as_str(), c.value.as_str())).collect();
    assert!(!values.iter().any(|(key, value)| *key == "appSettings/A" && !value.is_empty()), "{values:?}");
    assert!(reading.notes.iter().any(|note| note.text.contains("entity")), "{:?}", reading.notes);
    assert!(values.contains(&("appSettings/B", "C:\\b")), "{values:?}");
}

#[test]
fn more_bombs_are_bounded() {
    let many = |unit: &str| unit.repeat(100_000);
    let aliases: String = (1..40).map(|n| format!("a{n}: &a{n} [*a{0}, *a{0}, *a{0}]\n", n - 1)).collect();
    timed(
        "docker-compose.yml",
        Kind::Yaml,
        &format!("a0: &a0 [x, y]\n{aliases}services: {{ s: {{ image: *a39 }} }}\n"),
    );
    timed("docker-compose.yml", Kind::Yaml, &many("---\nservices: { a: { image: b } }\n"));
    timed(
        "stack.yaml",
        Kind::Yaml,
        &format!("Resources:\n{}", many("  A: { Type: AWS::X, Properties: { UserData: '<script>' } }\n")),
    );
    timed("config.toml", Kind::Toml, &many("[[a.b]]\nc = 1\n"));
    timed("config.toml", Kind::Toml, &many("a.b.c = {d = [{e = 1}]}\n"));
    timed("Dockerfile", Kind::Dockerfile, &many("FROM windows AS a\nFROM a AS b\nRUN mkdir C:\\a\n"));
    timed("Dockerfile", Kind::Dockerfile, &format!("FROM windows\n{}", many("ARG A=${A}${A}\n")));
    timed("Dockerfile", Kind::Dockerfile, &format!("FROM windows\nRUN <<A\n{}", many("mkdir C:\\a <<A\n")));
    timed("windows.pkr.hcl", Kind::Hcl, &many("provisioner \"powershell\" {\n inline = [\n"));
    timed("windows.pkr.hcl", Kind::Hcl, &many("provisioner \"powershell\" { inline = [\"mkdir C:\\\\a\"] }\n"));
    timed("main.tf", Kind::Hcl, &many("resource \"a\" \"b\" { user_data = <<E\n<powershell>\nE\n}\n"));
    timed("quartz.config", Kind::Xml, &many("quartz.a = b\n"));
    timed(
        "fluent-bit.conf",
        Kind::ServerConf,
        &format!("{}[OUTPUT]\nName es\n", many("[INPUT]\nName tail\nPath C:\\a\\*\n")),
    );
    timed(
        "logging.ini",
        Kind::Ini,
        &format!("[handlers]\nkeys=a\n{}", many("[handler_a]\nclass=FileHandler\nargs=((((('a'\n")),
    );
    timed("httpd.conf", Kind::ServerConf, &"Define A ${A}${A}x\nErrorLog ${A}\n".repeat(10_000));
    timed(".env", Kind::Properties, &many("A=${A}${A}x\n"));
    for unit in
        ["A = (\n", "A = {'a': [\n", "A = A + A + 'x'\n", "A = '''\n", "A = \"\"\" '\n", "A = f(g(\n", "A = [A, A]\n"]
    {
        timed("settings.py", Kind::Python, &many(unit));
    }
    timed("settings.py", Kind::Python, &format!("A = {}", many("{'a': [")));
    let resources = many("{\"type\":\"Microsoft.Web/sites\",\"name\":\"[concat(variables('v'),variables('v'))]\"},");
    timed(
        "template.json",
        Kind::Json,
        &format!(
            "{{\"$schema\":\"deploymentTemplate.json\",\"variables\":{{\"v\":\"[concat(variables('v'),'x')]\"}},\"resources\":[{resources}]}}"
        ),
    );
}

#[test]
fn files_that_include_each_other_end() {
    let folder = Folder::new("includes");
    let nlog = |file: &str| format!("<nlog><include file=\"{file}\"/><include file=\"none.config\"/><targets/></nlog>");
    folder.write("NLog.config", &nlog("b.config"));
    folder.write("b.config", &nlog("c.config"));
    folder.write("c.config", &nlog("NLog.config"));
    folder.write("web.config", "<configuration><connectionStrings configSource=\"x.config\"/></configuration>");
    folder.write("x.config", "<connectionStrings configSource=\"web.config\"/>");
    folder.write("appsettings.json", "{\"ConnectionStrings\":{\"A\":\"Data Source=a.db\"}}");
    folder.write("appsettings.Production.json", "{\"ConnectionStrings\":{\"A\":{\"A\":{\"A\":\"x\"}}}}");
    folder.write("first.cmd", "call second.cmd\nreg add HKLM\\A /v B /d C\n");
    folder.write("second.cmd", "call first.cmd\n");
    assert_eq!(folder.read().len(), 9);
}

#[test]
fn hostile_transforms_end() {
    let folder = Folder::new("transforms");
    let adds: String = (0..2_000).map(|n| format!("<add key='k{n}' value='C:\\{n}'/>")).collect();
    folder.write("Web.config", &format!("<configuration><appSettings>{adds}</appSettings></configuration>"));
    let locators: String = (0..2_000)
        .map(|n| {
            format!("<add xdt:Transform='SetAttributes' xdt:Locator='XPath(//*[//*[@key=\"k{n}\"]])' value='x'/><add xdt:Transform='InsertAfter(/configuration//add[((((1'/>")
        })
        .collect();
    let open = "<a xdt:Transform='InsertIfMissing'>".repeat(2_000);
    folder.write(
        "Web.Release.config",
        &format!("<configuration xmlns:xdt='http://schemas.microsoft.com/XML-Document-Transform'><appSettings>{locators}</appSettings>{open}</configuration>"),
    );
    let readings = folder.read();
    assert_eq!(readings.len(), 2);
    assert!(readings.iter().any(|r| !r.notes.is_empty()), "what was not applied is said");
}

#[test]
fn a_file_of_a_hundred_megabytes_is_said_and_the_rest_is_read() {
    let folder = Folder::new("large");
    let item = "{\"Name\":\"C:\\\\data\\\\x.log\",\"Count\":1},";
    let text = format!(
        "{{\"ConnectionStrings\":{{\"A\":\"Data Source=a.db\"}},\"Items\":[{}",
        item.repeat((100 << 20) / item.len())
    );
    folder.write("appsettings.json", &text);
    folder.write("appsettings.Production.json", "{\"ConnectionStrings\":{\"B\":\"Data Source=b.db\"}}");
    let app = walk(std::slice::from_ref(&folder.0), &WalkOptions::default()).expect("the folder can be walked");
    let outcome = wipeproof::read::read_all(&app);
    let small =
        outcome.readings.iter().find(|r| r.artifact.ends_with("Production.json")).expect("the small file is read");
    assert!(small.facts.iter().any(|f| f.as_effect().is_some()));
    let large = outcome.readings.iter().find(|r| r.artifact.ends_with("appsettings.json"));
    let said = large.is_some_and(|r| r.notes.iter().any(|n| n.kind == NoteKind::Capped))
        || outcome.skipped.iter().any(|s| s.artifact.ends_with("appsettings.json"));
    assert!(said, "a file that is too large is named");
}
