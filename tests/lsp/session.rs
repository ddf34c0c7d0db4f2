//! The life of a session: folders come and go, requests are taken back, clients die, builds end.

use super::driver::{Editor, codes};
use lsp_server::Message;
use serde_json::{Value, json};
use std::fs;
use std::time::Duration;

const UNUSED: &str = "@echo off\nrem wipeproof: allow(WP201) because of that\necho hello\n";

#[test]
fn folders_come_and_go() {
    let mut editor = Editor::start("folders", &[("a/run.cmd", UNUSED), ("a/b/run.cmd", UNUSED)], &json!({}));
    editor.diagnostics("a/run.cmd", |d| !d.is_empty());
    let folder = |editor: &Editor, name: &str| json!({ "uri": editor.uri(name), "name": name });
    let change = |editor: &Editor, added: Vec<Value>, removed: Vec<Value>| {
        let event = json!({ "event": { "added": added, "removed": removed } });
        editor.notify("workspace/didChangeWorkspaceFolders", &event);
    };
    // The whole goes, and with it what is shown of it.
    change(&editor, vec![], vec![folder(&editor, "")]);
    editor.diagnostics("a/b/run.cmd", <[Value]>::is_empty);
    // A folder, and one inside it: what is in both is told once.
    change(&editor, vec![folder(&editor, "a"), folder(&editor, "a/b")], vec![]);
    editor.eventually("a/run.cmd", |d| codes(d) == ["WP001"]);
    editor.eventually("a/b/run.cmd", |d| codes(d) == ["WP001"]);
    // An open file outlives its folder.
    editor.open("a/run.cmd", UNUSED);
    editor.settled("a/run.cmd");
    change(&editor, vec![], vec![folder(&editor, "a"), folder(&editor, "a/b")]);
    assert_eq!(codes(&editor.settled("a/run.cmd")), ["WP001"]);
    assert!(editor.settled("a/b/run.cmd").is_empty());
}

#[test]
fn what_is_taken_back_is_not_answered() {
    let long = UNUSED.to_owned() + &"reg add HKLM\\Software\\Contoso /v LastRun /d 1 /f\n".repeat(400);
    let mut editor = Editor::start("cancel", &[("run.cmd", &long)], &json!({}));
    editor.diagnostics("run.cmd", |d| !d.is_empty());
    editor.open("run.cmd", &long);
    let params = json!({ "textDocument": { "uri": editor.uri("run.cmd") }, "position": { "line": 1, "character": 6 } });
    let mut taken_back = 0;
    for round in 0..50 {
        // While an edit is judged, the requests behind it wait.
        editor.change("run.cmd", round + 2, &json!([{ "text": format!("{long}rem {round}\n") }]));
        let first = editor.send("textDocument/hover", &params);
        let second = editor.send("textDocument/hover", &params);
        editor.notify("$/cancelRequest", &json!({ "id": second }));
        assert!(editor.response(first).response_result.is_ok());
        if let Err(error) = editor.response(second).response_result {
            assert_eq!(error.code, lsp_server::ErrorCode::RequestCanceled as i32);
            taken_back += 1;
        }
    }
    assert!(taken_back > 0, "every request was answered although it was taken back");
    // An identifier that is not known is nobody's.
    editor.notify("$/cancelRequest", &json!({ "id": 99_999 }));
    editor.notify("$/cancelRequest", &json!({ "nonsense": [] }));
    editor.settled("run.cmd");
}

#[test]
#[cfg(target_os = "linux")]
fn a_client_whose_process_ends_ends_the_session() {
    let mut process = std::process::Command::new("sleep").arg("600").spawn().expect("a process");
    let mut editor = Editor::of_process("tests/lsp/syntaxes".as_ref(), &json!({}), Some(process.id()));
    editor.settled("none");
    process.kill().expect("it runs");
    process.wait().expect("it ended");
    // The connection is still open.
    assert!(!editor.ended());
}

/// Between the answer to its first request and its next word.
#[test]
#[cfg(target_os = "linux")]
fn a_client_that_ends_before_it_is_introduced_ends_the_session() {
    let mut process = std::process::Command::new("sleep").arg("600").spawn().expect("a process");
    let (client, theirs) = lsp_server::Connection::memory();
    let server = std::thread::spawn(move || wipeproof::lsp::serve(&theirs));
    let params = json!({ "processId": process.id(), "capabilities": {} });
    let request = lsp_server::Request::new(1.into(), "initialize".to_owned(), params);
    client.sender.send(request.into()).expect("the server listens");
    client.receiver.recv().expect("an answer");
    process.kill().expect("it runs");
    process.wait().expect("it ended");
    assert!(!server.join().expect("no panic"));
}

#[test]
#[cfg(target_os = "linux")]
fn a_process_that_was_never_seen_says_nothing() {
    let mut editor = Editor::of_process("tests/lsp/syntaxes".as_ref(), &json!({}), Some(u32::MAX));
    editor.settled("none");
    std::thread::sleep(Duration::from_millis(100));
    editor.settled("none");
}

#[test]
fn scans_are_told_as_progress() {
    let client = json!({ "window": { "workDoneProgress": true } });
    let editor = Editor::start("progress", &[("run.cmd", UNUSED)], &client);
    let mut told = Vec::new();
    editor.wait(|m| {
        let (token, kind) = match m {
            Message::Request(r) if r.method == "window/workDoneProgress/create" => (&r.params["token"], "create"),
            Message::Notification(n) if n.method == "$/progress" => {
                (&n.params["token"], n.params["value"]["kind"].as_str().unwrap_or_default())
            }
            _ => return None,
        };
        told.push((token.clone(), kind.to_owned()));
        (kind == "end").then_some(())
    });
    let kinds: Vec<&str> = told.iter().map(|(_, kind)| kind.as_str()).collect();
    assert_eq!(kinds, ["create", "begin", "end"]);
    assert!(told.iter().all(|(token, _)| *token == told[0].0));
}

#[test]
fn diagnostics_are_asked_for_only_by_clients_that_say_so() {
    let both =
        json!({ "textDocument": { "diagnostic": {} }, "workspace": { "diagnostics": { "refreshSupport": true } } });
    let cannot_be_told = json!({ "textDocument": { "diagnostic": {} } });
    for (client, pulls) in [(both, true), (cannot_be_told, false), (json!({}), false)] {
        let editor = Editor::start("says-so", &[("run.cmd", UNUSED)], &client);
        assert_eq!(editor.capabilities["diagnosticProvider"].is_object(), pulls, "{client}");
        editor.diagnostics("run.cmd", |d| !d.is_empty());
        if pulls {
            editor
                .wait(|m| matches!(m, Message::Request(r) if r.method == "workspace/diagnostic/refresh").then_some(()));
        }
        editor.open("run.cmd", UNUSED);
        // What was pushed before it was opened is taken back from a client that asks, and stays with the others.
        editor.diagnostics("run.cmd", |d| d.is_empty() == pulls);
    }
}

#[test]
fn a_build_is_seen_by_a_client_that_watches_and_by_one_that_does_not() {
    for (name, client) in [
        ("watches", json!({ "workspace": { "didChangeWatchedFiles": { "dynamicRegistration": true } } })),
        ("does-not", json!({})),
    ] {
        let mut editor = Editor::start(name, &[("debug/lines.cs", "class A {}\n"), ("x.cmd", UNUSED)], &client);
        editor.diagnostics("x.cmd", |d| !d.is_empty());
        let watches = name == "watches";
        // The first look, without which nothing has changed.
        std::thread::sleep(Duration::from_millis(if watches { 0 } else { 500 }));
        let bin = editor.root.join("bin");
        fs::create_dir_all(&bin).expect("a folder");
        for file in ["lines.exe", "lines.pdb"] {
            fs::copy(format!("fixtures/dotnet/debug/{file}"), bin.join(file)).expect("the fixture");
        }
        if watches {
            let change = |file: &str| json!({ "uri": editor.uri(file), "type": 1 });
            let changes = json!({ "changes": [change("bin/lines.exe"), change("bin/lines.pdb")] });
            editor.notify("workspace/didChangeWatchedFiles", &changes);
        }
        // Debug information tells the line of the source.
        let shown = editor.diagnostics("debug/lines.cs", |d| !d.is_empty());
        for one in &shown {
            let line = one["range"]["start"]["line"].as_u64().expect("a line") as usize;
            // The compiler gives a statement over several lines its last.
            assert!([9, 11, 16].contains(&line), "{line}: {one}");
        }
        editor.settled("x.cmd");
    }
}

#[test]
fn the_evidence_is_beside_the_finding_and_the_rule_behind_it() {
    let mut editor = Editor::at("fixtures/apps/orderdesk-service".as_ref(), &json!({}));
    editor.wait(|m| matches!(m, Message::Notification(n) if n.method.ends_with("publishDiagnostics")).then_some(()));
    editor.settled("none");
    let all: Vec<Value> = editor.all_shown().into_iter().flat_map(|(_, d)| d).collect();
    for one in &all {
        let rule = one["code"].as_str().expect("a rule").to_lowercase();
        let page = one["codeDescription"]["href"].as_str().expect("a page");
        assert!(page.ends_with(&format!("docs/rules.md#{rule}")), "{page}");
        assert_eq!(one["source"], "wipeproof");
    }
    let elsewhere = |one: &&Value| {
        let related = one["relatedInformation"].as_array().into_iter().flatten();
        related.map(|r| r["location"]["uri"].as_str().unwrap_or_default()).any(|uri| uri.ends_with("install.cmd"))
    };
    assert!(all.iter().any(|one| elsewhere(&one)), "no evidence in another file: {all:#?}");
}

#[test]
fn rule_pages_exist() {
    let page = fs::read_to_string("docs/rules.md").expect("the page");
    let headings: Vec<String> = page.lines().filter(|l| l.starts_with('#')).map(str::to_lowercase).collect();
    let rules = wipeproof::rules::RuleSet::embedded().expect("the rules");
    for rule in rules.rules() {
        let anchor = rule.id.to_lowercase();
        let named = headings.iter().any(|h| h.trim_start_matches('#').trim() == anchor)
            || page.contains(&format!("id=\"{anchor}\""))
            || page.contains(&format!("name=\"{anchor}\""));
        assert!(named, "docs/rules.md has no anchor {anchor}");
    }
}
