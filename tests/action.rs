//! What other people's pipelines read of this repository: the action, the hook, the release workflow and the examples
//! in the documentation. Steps that are shell are run, with the program under test and a release made of files.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test stops where it cannot go on")]

mod scratch;

use saphyr::{LoadableYamlNode as _, Yaml};
use scratch::Folder;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn yaml(text: &str) -> Yaml<'_> {
    let mut documents = Yaml::load_from_str(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The step of a name in the action.
fn step<'a>(action: &'a Yaml<'_>, name: &str) -> &'a Yaml<'a> {
    let steps = action["runs"]["steps"].as_vec().expect("steps");
    steps.iter().find(|s| s["name"].as_str() == Some(name)).expect("the step")
}

fn has(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

#[test]
fn the_action_uses_the_inputs_it_declares() {
    let text = fs::read_to_string("action.yml").expect("the action");
    let action = yaml(&text);
    assert_eq!(action["runs"]["using"].as_str(), Some("composite"));
    let inputs = action["inputs"].as_mapping().expect("inputs");
    let declared: Vec<&str> = inputs.iter().filter_map(|(k, _)| k.as_str()).collect();
    for (name, input) in inputs {
        assert!(input["description"].as_str().is_some_and(|d| !d.is_empty()), "{name:?} is not described");
        let name = name.as_str().expect("a name");
        assert_eq!(text.matches(&format!("inputs.{name} }}}}")).count(), 1, "{name} is not used");
    }
    for used in text.match_indices("inputs.").map(|(at, _)| &text[at + 7..]) {
        let name = used.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next().unwrap();
        assert!(declared.contains(&name), "{name} is used but not declared");
    }
    // An expression inside a script would let an input become part of it.
    for step in action["runs"]["steps"].as_vec().expect("steps") {
        assert!(step["shell"].as_str().is_some());
        assert!(!step["run"].as_str().expect("a script").contains("${{"), "an expression inside a script");
        let variables = step["env"].as_mapping().expect("variables");
        for (name, _) in variables {
            let name = format!("${}", name.as_str().expect("a name"));
            assert!(step["run"].as_str().is_some_and(|r| r.contains(&name)), "{name} is not used");
        }
    }
}

/// Runs the check step as a runner would.
fn check_step(folder: &Path, paths: &str, output: &str, args: &str) -> Output {
    let text = fs::read_to_string("action.yml").expect("the action");
    let action = yaml(&text);
    let script = step(&action, "Check")["run"].as_str().expect("a script").to_owned();
    let bin = Path::new(env!("CARGO_BIN_EXE_wipeproof")).parent().expect("a folder");
    let path = std::env::var("PATH").unwrap_or_default();
    Command::new("bash")
        .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", &script])
        .current_dir(folder)
        .env("PATH", format!("{}:{path}", bin.display()))
        .env("GITHUB_STEP_SUMMARY", folder.join("summary.md"))
        .envs([("PATHS", paths), ("TARGET", ""), ("FAIL_ON", ""), ("BASELINE", "")])
        .envs([("OUTPUT", output), ("ARGS", args)])
        .output()
        .expect("bash runs")
}

#[test]
fn the_check_step_annotates_and_writes_what_was_asked_for() {
    if !has("bash") || cfg!(windows) {
        return;
    }
    let folder = Folder::new("check");
    let unused = "@echo off\nrem wipeproof: allow(WP201) because of that\n";
    for name in ["with blank", "$(touch gone)", "b"] {
        fs::create_dir_all(folder.0.join(name)).expect("a folder");
        fs::write(folder.0.join(name).join("run.cmd"), unused).expect("a file");
    }
    let run = check_step(&folder.0, "with blank\n$(touch gone)\n", "sarif=r.sarif\njson=r.json\n", "--strict");
    let log = String::from_utf8_lossy(&run.stdout);
    assert_eq!(run.status.code(), Some(1), "{log}{}", String::from_utf8_lossy(&run.stderr));
    assert!(log.contains("::warning file=with blank/run.cmd,line=2"), "{log}");
    assert!(!log.contains("=b/run.cmd"), "a path nobody asked for");
    assert!(!folder.0.join("gone").exists(), "an input was run");
    for file in ["r.sarif", "r.json", "summary.md"] {
        assert!(fs::metadata(folder.0.join(file)).is_ok_and(|m| m.len() > 100), "{file}");
    }
    let clean = check_step(&folder.0, ".", "", "--no-suppress");
    assert_eq!(clean.status.code(), Some(0), "{}", String::from_utf8_lossy(&clean.stderr));
}

/// Runs the installer against releases in a folder.
fn install(folder: &Path, tag: &str) -> Output {
    Command::new("bash")
        .arg(root().join(".ci/install"))
        .arg(folder.join("bin"))
        .args([format!("file://{}", folder.join("releases").display()), tag.to_owned()])
        .envs([("RUNNER_OS", "Linux"), ("RUNNER_ARCH", "X64")])
        .output()
        .expect("bash runs")
}

#[test]
fn a_released_program_is_installed_when_its_checksum_is_right() {
    if !["bash", "curl", "tar", "xz", "sha256sum"].iter().all(|p| has(p)) {
        return;
    }
    let folder = Folder::new("install");
    let name = "wipeproof-x86_64-unknown-linux-musl";
    let release = folder.0.join("releases/v9.9.9");
    fs::create_dir_all(release.join(name)).expect("a folder");
    fs::write(release.join(name).join("wipeproof"), "#!/bin/sh\necho released\n").expect("a file");
    let made = Command::new("bash")
        .current_dir(&release)
        .args(["-c", &format!("tar -cJf {name}.tar.xz {name} && sha256sum {name}.tar.xz > {name}.tar.xz.sha256")])
        .status();
    assert!(made.expect("bash runs").success());

    let installed = install(&folder.0, "v9.9.9");
    assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
    let said = Command::new(folder.0.join("bin/wipeproof")).output().expect("it runs");
    assert_eq!(said.stdout, b"released\n");

    assert_eq!(install(&folder.0, "v1.0.0").status.code(), Some(10), "no such release: build");
    assert_eq!(install(&folder.0, "").status.code(), Some(10), "no release at all: build");
    fs::write(release.join(format!("{name}.tar.xz.sha256")), "00  x\n").expect("a file");
    assert_eq!(install(&folder.0, "v9.9.9").status.code(), Some(1), "a wrong checksum is no reason to go on");
}

#[test]
fn the_hook_runs_a_command_there_is() {
    let text = fs::read_to_string(".pre-commit-hooks.yaml").expect("the hooks");
    let hooks = yaml(&text);
    for hook in hooks.as_vec().expect("hooks") {
        let entry = hook["entry"].as_str().expect("an entry");
        let mut words = entry.split_whitespace();
        assert_eq!(words.next(), Some("wipeproof"));
        let tried = Command::new(env!("CARGO_BIN_EXE_wipeproof")).args(words).arg("--help").output().expect("it runs");
        assert!(tried.status.success(), "{entry}");
        assert!(["id", "name", "description", "language"].iter().all(|k| hook[*k].as_str().is_some()));
    }
}

/// The blocks of a language in a page.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    page.split(&fence).skip(1).filter_map(|rest| rest.split("\n```").next()).collect()
}

#[test]
fn the_examples_in_the_documentation_are_well_formed() {
    let action = fs::read_to_string("action.yml").expect("the action");
    let action = yaml(&action);
    for page in ["docs/ci.md", "docs/editors.md"] {
        let text = fs::read_to_string(page).expect("the page");
        for block in blocks(&text, "yaml") {
            let example = yaml(block);
            for step in example.as_vec().into_iter().flatten().filter(|s| is_ours(s)) {
                for (input, _) in step["with"].as_mapping().into_iter().flatten() {
                    let known = action["inputs"].as_mapping().expect("inputs").contains_key(input);
                    assert!(known, "{page} gives the action an input {input:?}");
                }
            }
        }
        for block in blocks(&text, "toml") {
            toml::from_str::<toml::Table>(block).unwrap_or_else(|e| panic!("{page}: {e}\n{block}"));
        }
    }
}

fn is_ours(step: &Yaml<'_>) -> bool {
    step.as_mapping_get("uses").and_then(Yaml::as_str).is_some_and(|action| action.contains("wipeproof"))
}

/// What the installer asks for is what the release builds.
#[test]
fn the_release_has_what_the_action_installs() {
    let dist = fs::read_to_string("dist-workspace.toml").expect("the release settings");
    let dist: toml::Table = toml::from_str(&dist).expect("TOML");
    let targets: Vec<&str> =
        dist["dist"]["targets"].as_array().expect("targets").iter().filter_map(toml::Value::as_str).collect();
    let installer = fs::read_to_string(".ci/install").expect("the installer");
    for system in ["pc-windows-msvc", "apple-darwin", "unknown-linux-musl"] {
        assert!(installer.contains(system));
        for machine in ["x86_64", "aarch64"] {
            assert!(targets.contains(&format!("{machine}-{system}").as_str()), "{machine}-{system} is not built");
        }
    }
    let workflow = fs::read_to_string(".github/workflows/release.yml").expect("the workflow");
    assert!(yaml(&workflow)["jobs"].as_mapping().is_some());
}
