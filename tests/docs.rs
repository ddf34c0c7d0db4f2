//! The documentation and the program say the same: its commands run, and what it calls flags and commands exists.

#![allow(clippy::expect_used, clippy::panic, reason = "a test stops where it cannot go on")]

mod scratch;

use scratch::Folder;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_wipeproof");

fn help(command: &str) -> String {
    let run = Command::new(PROGRAM).args(command.split_whitespace()).arg("--help").output().expect("it runs");
    assert!(run.status.success(), "{command}");
    String::from_utf8(run.stdout).expect("text")
}

/// Commands and their long flags, as the program tells them.
fn commands() -> BTreeMap<String, BTreeSet<String>> {
    let mut all = BTreeMap::new();
    let mut pending = vec![String::new()];
    while let Some(command) = pending.pop() {
        let text = help(&command);
        let listed = text.split("\nCommands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap_or_default();
        let names = listed
            .lines()
            .filter(|l| l.starts_with("  ") && !l.starts_with("   "))
            .filter_map(|l| l.split_whitespace().next());
        pending.extend(names.filter(|n| *n != "help").map(|n| format!("{command} {n}").trim().to_owned()));
        let flags = text.split_whitespace().map(|w| w.trim_matches(|c: char| "[],.`()".contains(c)));
        let flags = flags.filter(|w| w.starts_with("--")).map(|w| w.split(['=', '[']).next().unwrap_or(w).to_owned());
        all.insert(command, flags.collect());
    }
    all
}

/// Pages for users, and files for machines that call the program.
fn pages() -> Vec<(String, String)> {
    let mut paths: Vec<_> = fs::read_dir("docs").expect("the pages").flatten().map(|e| e.path()).collect();
    paths.extend(["README.md", "action.yml", ".pre-commit-hooks.yaml"].map(Into::into));
    paths.retain(|p| p.extension().is_some_and(|x| x == "md" || x == "yml" || x == "yaml"));
    paths.sort();
    paths.iter().map(|p| (p.display().to_string(), fs::read_to_string(p).expect("a page"))).collect()
}

/// Pieces of a page that are code: lines of blocks, and spans. A file that is no page is code.
fn code(name: &str, text: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut in_block = !name.ends_with(".md");
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if in_block {
            pieces.push(line.to_owned());
        } else {
            pieces.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    pieces
}

/// The command behind `wipeproof`, and the flags of it.
fn call<'a>(piece: &'a str, known: &BTreeMap<String, BTreeSet<String>>) -> Option<(String, Vec<&'a str>)> {
    let (before, rest) = piece.split_once("wipeproof ")?;
    if before.ends_with(|c: char| c.is_alphanumeric() || "/-.\"".contains(c)) {
        return None;
    }
    let rest = rest.split(['#', '|', ';', '`']).next().unwrap_or_default();
    let mut command = String::new();
    let mut flags = Vec::new();
    for word in rest.split_whitespace() {
        let longer = format!("{command} {word}").trim().to_owned();
        if flags.is_empty() && known.contains_key(&longer) {
            command = longer;
        } else if word.starts_with("--") && word.len() > 2 {
            flags.push(word.split('=').next().unwrap_or(word).trim_end_matches([',', '.', ')']));
        }
    }
    Some((command, flags))
}

#[test]
fn commands_and_flags_in_the_documentation_exist() {
    let known = commands();
    let every: BTreeSet<&String> = known.values().flatten().collect();
    let mut named = BTreeSet::new();
    let mut wrong = Vec::new();
    for (name, text) in pages() {
        for piece in code(&name, &text) {
            if let Some((command, flags)) = call(&piece, &known) {
                for flag in flags.into_iter().filter(|f| !known[&command].contains(*f)) {
                    wrong.push(format!("{name}: `{command}` has no {flag}: {piece}"));
                }
                named.insert(command);
            } else if let Some(flag) = piece.split_whitespace().next().filter(|w| w.starts_with("--") && w.len() > 2) {
                let flag = flag.split('=').next().unwrap_or(flag).to_owned();
                if !every.contains(&flag) {
                    wrong.push(format!("{name}: there is no {flag}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let unnamed: Vec<&String> = known
        .keys()
        .filter(|c| !named.contains(*c) && !["baseline", "config", "cache", ""].contains(&c.as_str()))
        .collect();
    assert!(unnamed.is_empty(), "no page names {unnamed:?}");
}

/// The shell commands of a page, without their comments.
fn shell(page: &str) -> Vec<&str> {
    let blocks = page.split("```sh\n").skip(1).filter_map(|rest| rest.split("\n```").next());
    blocks
        .flat_map(str::lines)
        .map(|line| line.split(" #").next().unwrap_or(line).trim())
        .filter(|l| !l.is_empty())
        .collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let place = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &place);
        } else if entry.file_name() != "wipeproof.toml" {
            fs::copy(entry.path(), place).expect("a file");
        }
    }
}

#[test]
fn the_page_about_pipelines_can_be_followed() {
    let page = fs::read_to_string("docs/ci.md").expect("the page");
    let commands = shell(&page);
    assert!(commands.len() > 12, "{commands:?}");
    for app in ["orderdesk-service", "orders-site", "orders-cloud-service", "startup-tasks"] {
        let folder = Folder::new(app);
        copy(&Path::new("fixtures/apps").join(app), &folder.0.join("publish"));
        for command in &commands {
            let mut words = command.split_whitespace();
            assert_eq!(words.next(), Some("wipeproof"), "{command}");
            let run = Command::new(PROGRAM)
                .args(words)
                .current_dir(&folder.0)
                .envs([("HOME", &folder.0), ("LOCALAPPDATA", &folder.0), ("XDG_CACHE_HOME", &folder.0)])
                .env_remove("WIPEPROOF_CACHE_DIR")
                .output()
                .expect("it runs");
            let said = String::from_utf8_lossy(&run.stderr);
            // A check may find something; against the baseline that was just written it may not.
            let expected: &[i32] = match command.contains("--baseline") || !command.starts_with("wipeproof check") {
                true => &[0],
                false => &[0, 1],
            };
            assert!(
                run.status.code().is_some_and(|s| expected.contains(&s)),
                "{app}: {command}: {:?}\n{said}",
                run.status
            );
        }
        for file in [
            "publish/wipeproof.toml",
            "wipeproof-baseline.json",
            "last-release.sarif",
            "report.html",
            "summary.md",
            "wipeproof.xml",
        ] {
            assert!(fs::metadata(folder.0.join(file)).is_ok_and(|m| m.len() > 0), "{app}: {file}");
        }
    }
}

/// The examples for services: each script is run, and what the next step takes is there.
#[test]
fn the_scripts_of_the_pipelines_write_what_their_next_steps_take() {
    let page = fs::read_to_string("docs/ci.md").expect("the page");
    let folder = Folder::new("pipelines");
    copy(Path::new("fixtures/apps/orders-site"), &folder.0.join("publish"));
    let variables = |text: &str| text.replace("$(Build.ArtifactStagingDirectory)", "publish");
    let mut scripts = 0;
    for block in page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("\n```").next()) {
        let mut taken = Vec::new();
        for line in block.lines() {
            let (key, value) = line
                .trim_start_matches([' ', '-'])
                .split_once(": ")
                .unwrap_or((line.trim_start_matches([' ', '-']), ""));
            let script = if key == "script" { value } else { line.trim_start_matches([' ', '-']) };
            if let Some(arguments) = script.strip_prefix("wipeproof ") {
                let run =
                    Command::new(PROGRAM).args(variables(arguments).split_whitespace()).current_dir(&folder.0).output();
                let run = run.expect("it runs");
                assert_eq!(run.status.code(), Some(1), "{script}: {}", String::from_utf8_lossy(&run.stderr));
                scripts += 1;
            } else if ["PathtoPublish", "codequality"].contains(&key) {
                taken.push(variables(value));
            }
        }
        for file in taken {
            assert!(fs::metadata(folder.0.join(&file)).is_ok_and(|m| m.len() > 0), "{file} is not written:\n{block}");
        }
    }
    assert_eq!(scripts, 2, "one for each service with a script");
}

/// The image is built with the compiler that the manifest asks for, and from files that are there.
#[test]
fn the_image_is_built_as_the_manifest_says() {
    let (image, manifest) =
        (fs::read_to_string("Dockerfile").expect("it"), fs::read_to_string("Cargo.toml").expect("it"));
    let manifest: toml::Table = toml::from_str(&manifest).expect("TOML");
    let version = manifest["package"]["rust-version"].as_str().expect("a version");
    assert!(image.contains(&format!("FROM rust:{version}-")), "{version}");
    let ignored = fs::read_to_string(".dockerignore").expect("the list");
    for needed in ["src", "rules", "build.rs", "Cargo.lock", "Cargo.toml"] {
        assert!(Path::new(needed).exists() && !ignored.lines().any(|l| l.trim() == needed), "{needed}");
    }
    assert!(image.contains("ENTRYPOINT [\"/wipeproof\"]"));
}

/// What `init` writes is read back, also when its suggestions are taken.
#[test]
fn init_writes_settings_for_every_sample() {
    for app in fs::read_dir("fixtures/apps").expect("the samples").flatten().filter(|e| e.path().is_dir()) {
        let run = Command::new(PROGRAM).arg("init").arg(app.path()).arg("--print").output().expect("it runs");
        assert!(run.status.success(), "{:?}", app.path());
        let text = String::from_utf8(run.stdout).expect("text");
        let settings =
            wipeproof::settings::Settings::parse("written", &text).unwrap_or_else(|e| panic!("{e:?}\n{text}"));
        assert_eq!(settings.targets.len(), 1);
        let is_toml = |line: &str| {
            line.starts_with('[')
                || line
                    .split_once(" = ")
                    .is_some_and(|(key, _)| key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
        };
        let taken: Vec<&str> = text
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(comment) if is_toml(comment) => comment,
                _ => line,
            })
            .collect();
        let taken = taken.join("\n");
        let settings =
            wipeproof::settings::Settings::parse("taken", &taken).unwrap_or_else(|e| panic!("{e:?}\n{taken}"));
        assert!(!settings.allow.is_empty() && !settings.durable.is_empty(), "{taken}");
    }
    let run = Command::new(PROGRAM).args(["init", "fixtures/apps/image-build", "--print"]).output().expect("it runs");
    let text = String::from_utf8_lossy(&run.stdout);
    assert!(text.contains("\n[phases]\nbuild = [\"scripts/agent.ps1\", "), "what Packer templates name:\n{text}");
}

#[test]
fn the_manual_and_the_completions_know_every_command() {
    let known = commands();
    let run = |args: &[&str]| {
        let run = Command::new(PROGRAM).args(args).output().expect("it runs");
        assert!(run.status.success(), "{args:?}");
        String::from_utf8(run.stdout).expect("text")
    };
    let top: Vec<&String> = known.keys().filter(|c| !c.is_empty() && !c.contains(' ')).collect();
    let manual = run(&["man"]).replace("\\-", "-");
    assert!(manual.contains(".TH wipeproof 1"), "{manual}");
    for command in &top {
        assert!(manual.contains(&format!("wipeproof-{command}")), "the manual has no {command}");
    }
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(&["completions", shell]);
        for command in &top {
            assert!(script.contains(command.as_str()), "{shell}: no {command}");
        }
        for flag in &known["check"] {
            assert!(script.contains(flag.trim_start_matches("--")), "{shell}: no {flag}");
        }
    }
}
