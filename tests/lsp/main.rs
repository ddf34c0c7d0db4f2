//! The language server, driven by messages over an in-memory connection.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test stops where it cannot go on")]

mod accept;
mod driver;
mod fixes;
mod process;
mod session;

use driver::{Editor, codes};
use lsp_server::{Connection, Message};
use serde_json::{Value, json};
use std::fs;

/// A comment about nothing is a finding whatever the readers know.
const UNUSED: &str = "@echo off\nrem wipeproof: allow(WP201) because of that\necho hello\n";

#[test]
fn a_folder_is_scanned_and_an_edit_is_judged() {
    let editor = Editor::start("edit", &[("run.cmd", UNUSED)], &json!({}));
    let on_disk = editor.diagnostics("run.cmd", |d| !d.is_empty());
    assert_eq!(codes(&on_disk), ["WP001"]);
    assert_eq!(on_disk[0]["range"]["start"], json!({ "line": 1, "character": 4 }));
    editor.open("run.cmd", UNUSED);
    editor.diagnostics("run.cmd", |d| !d.is_empty());
    let range = json!({ "start": { "line": 1, "character": 0 }, "end": { "line": 2, "character": 0 } });
    editor.change("run.cmd", 2, &json!([{ "range": range, "text": "" }]));
    editor.diagnostics("run.cmd", <[Value]>::is_empty);
    editor.change("run.cmd", 3, &json!([{ "text": UNUSED.replace("WP201", "WP9999") }]));
    assert_eq!(codes(&editor.diagnostics("run.cmd", |d| !d.is_empty())), ["WP004"]);
}

#[test]
fn an_edit_in_a_thousand_lines_sends_one_file() {
    let long = UNUSED.to_owned() + &"echo hello\n".repeat(1000);
    let others: Vec<String> = (0..30).map(|n| format!("{n}.cmd")).collect();
    let mut files: Vec<(&str, &str)> = others.iter().map(|name| (name.as_str(), UNUSED)).collect();
    files.push(("run.cmd", &long));
    let editor = Editor::start("long", &files, &json!({}));
    editor.diagnostics("run.cmd", |d| !d.is_empty());
    editor.open("run.cmd", &long);
    editor.diagnostics("run.cmd", |d| !d.is_empty());
    let uri = editor.uri("run.cmd");
    let mut others = 0;
    let mut after = |version: i32, text: String, wanted: usize| {
        editor.change("run.cmd", version, &json!([{ "text": text }]));
        editor.wait(|m| match m {
            Message::Notification(n) if n.method.ends_with("publishDiagnostics") => {
                others += usize::from(n.params["uri"] != uri.as_str());
                let all = n.params["diagnostics"].as_array().map_or(0, Vec::len);
                (n.params["version"] == version && all == wanted).then_some(())
            }
            _ => None,
        });
    };
    after(2, long.replace("hello", "world"), 1);
    after(3, long.replace("wipeproof:", "note:"), 0);
    after(4, format!("\n{long}"), 1);
    assert_eq!(others, 0, "files that nobody touched were sent again");
}

#[test]
fn hover_says_why_and_actions_accept() {
    let source = "<#\n#>\nNew-Item -Path HKLM:\\Software\\Contoso\n# wipeproof: allow(WP201) because of that\n";
    let client = json!({ "workspace": { "workspaceEdit": { "resourceOperations": ["create"] } } });
    let mut editor = Editor::start("hover", &[("run.ps1", source)], &client);
    editor.open("run.ps1", source);
    let all = editor.diagnostics("run.ps1", |d| codes(d).contains(&"WP001"));
    let shown = all.iter().find(|d| d["code"] == "WP001").unwrap();
    let document = json!({ "uri": editor.uri("run.ps1") });
    let hover =
        editor.request("textDocument/hover", &json!({ "textDocument": document, "position": shown["range"]["start"] }));
    assert!(hover["contents"]["value"].as_str().unwrap().contains("Remove the allowance."), "{hover}");
    let actions = editor.request(
        "textDocument/codeAction",
        &json!({
        "textDocument": document, "range": shown["range"], "context": { "diagnostics": [shown] } }),
    );
    let titles: Vec<&str> = actions.as_array().unwrap().iter().filter_map(|a| a["title"].as_str()).collect();
    assert_eq!(titles, ["Accept WP001 here, with a reason", "Accept WP001 in wipeproof.toml"]);
    let comment = &actions[0]["edit"]["changes"][editor.uri("run.ps1")][0]["newText"];
    assert_eq!(comment, "# wipeproof: allow(WP001) because (say why)\n");
    let created = &actions[1]["edit"]["documentChanges"];
    assert_eq!(created[0]["kind"], "create");
    assert!(created[1]["edits"][0]["newText"].as_str().unwrap().contains("rule = \"WP001\""));
}

/// One role with one instance.
const CSCFG: &str = "<?xml version=\"1.0\"?>\n<ServiceConfiguration serviceName=\"S\" \
    xmlns=\"http://schemas.microsoft.com/ServiceHosting/2008/10/ServiceConfiguration\">\n  <Role name=\"W\">\n    \
    <Instances\n      count=\"1\" />\n  </Role>\n</ServiceConfiguration>\n";

#[test]
fn a_certain_edit_is_a_quick_fix_and_a_reason_accepts() {
    let file = "Service.cscfg";
    let mut editor = Editor::start("fix", &[(file, CSCFG)], &json!({}));
    editor.open(file, CSCFG);
    let all = editor.diagnostics(file, |d| codes(d).contains(&"WP901"));
    let shown = all.iter().find(|d| d["code"] == "WP901").unwrap();
    let actions = editor.request(
        "textDocument/codeAction",
        &json!({
        "textDocument": { "uri": editor.uri(file) }, "range": shown["range"], "context": { "diagnostics": [] } }),
    );
    let fix = &actions[0]["edit"]["changes"][editor.uri(file)][0];
    assert_eq!(
        fix,
        &json!({ "newText": "2",
        "range": { "start": { "line": 4, "character": 13 }, "end": { "line": 4, "character": 14 } } })
    );
    let accept = &actions[1]["edit"]["changes"][editor.uri(file)][0];
    assert_eq!(accept["range"]["start"], json!({ "line": 3, "character": 0 }), "above the tag, not inside it");
    editor.change(file, 2, &json!([accept_text(accept)]));
    // Until a person writes the reason, the finding stays and the comment is one more.
    editor.diagnostics(file, |d| codes(d).contains(&"WP901") && codes(d).contains(&"WP003"));
    let reasoned = CSCFG.replace("    <Inst", "    <!-- wipeproof: allow(WP901) because it is a test -->\n    <Inst");
    editor.change(file, 3, &json!([{ "text": reasoned }]));
    editor.diagnostics(file, |d| !codes(d).contains(&"WP901") && !codes(d).contains(&"WP001"));
}

/// A text edit as a content change.
fn accept_text(edit: &Value) -> Value {
    json!({ "range": edit["range"], "text": edit["newText"] })
}

#[test]
fn the_settings_are_shown_where_they_are_wrong() {
    let editor = Editor::start("settings", &[("wipeproof.toml", "exclude = []\n"), ("a.cmd", UNUSED)], &json!({}));
    editor.diagnostics("a.cmd", |d| !d.is_empty());
    editor.open("wipeproof.toml", "exclude = []\nexclud = []\n");
    let wrong = editor.diagnostics("wipeproof.toml", |d| !d.is_empty());
    assert_eq!(wrong[0]["message"], "unknown key `exclud`; did you mean `exclude`?");
    assert_eq!(wrong[0]["range"]["start"], json!({ "line": 1, "character": 0 }));
    editor.change("wipeproof.toml", 2, &json!([{ "text": "exclude = []\n" }]));
    editor.diagnostics("wipeproof.toml", <[Value]>::is_empty);
}

#[test]
fn the_settings_are_completed_and_explained() {
    let text = "targets = [\"vm-role\"]\nfail-on = \n";
    let mut editor = Editor::start("completion", &[("wipeproof.toml", ""), ("a.cmd", UNUSED)], &json!({}));
    editor.diagnostics("a.cmd", |d| !d.is_empty());
    editor.open("wipeproof.toml", text);
    let at = |line: u32, character: u32| json!({ "line": line, "character": character });
    let document = json!({ "uri": editor.uri("wipeproof.toml") });
    let values = editor.request("textDocument/completion", &json!({ "textDocument": document, "position": at(1, 10) }));
    let labels: Vec<&str> = values.as_array().unwrap().iter().filter_map(|v| v["label"].as_str()).collect();
    assert_eq!(labels, ["error", "warning", "note", "never", "off"]);
    assert_eq!(values[0]["textEdit"]["newText"], "\"error\"");
    assert_eq!(values[0]["textEdit"]["range"], json!({ "start": at(1, 10), "end": at(1, 10) }));
    let hover = editor.request("textDocument/hover", &json!({ "textDocument": document, "position": at(0, 2) }));
    assert!(hover["contents"]["value"].as_str().unwrap().contains("Platforms to judge for"), "{hover}");
    let elsewhere = json!({ "textDocument": { "uri": editor.uri("a.cmd") }, "position": at(0, 0) });
    assert_eq!(editor.request("textDocument/completion", &elsewhere), Value::Null);
}

#[test]
fn what_is_in_a_binary_is_shown_where_a_person_can_go() {
    let editor = Editor::start("binary", &[("readme.txt", "")], &json!({}));
    let bin = editor.root.join("bin");
    fs::create_dir_all(&bin).expect("a folder");
    fs::copy("fixtures/apps/orderdesk-service/bin/orderdesk.exe", bin.join("app.exe")).expect("the fixture");
    fs::write(bin.join("app.exe.config"), "<configuration />").expect("a file");
    let built = json!({ "uri": editor.uri("bin/app.exe"), "type": 1 });
    editor.notify("workspace/didChangeWatchedFiles", &json!({ "changes": [built] }));
    let shown = editor.diagnostics("bin/app.exe.config", |d| !d.is_empty());
    assert!(shown[0]["message"].as_str().unwrap().contains("app.exe"), "{}", shown[0]["message"]);
}

#[test]
fn a_client_that_asks_gets_diagnostics_on_request() {
    let client =
        json!({ "textDocument": { "diagnostic": {} }, "workspace": { "diagnostics": { "refreshSupport": true } } });
    let mut editor = Editor::start("pull", &[("run.cmd", UNUSED)], &client);
    editor.diagnostics("run.cmd", |d| !d.is_empty());
    editor.open("run.cmd", UNUSED);
    let document = json!({ "textDocument": { "uri": editor.uri("run.cmd") } });
    let report = editor.request("textDocument/diagnostic", &document);
    assert_eq!(report["kind"], "full");
    assert_eq!(codes(report["items"].as_array().unwrap()), ["WP001"]);
}

#[test]
fn what_it_does_not_understand_it_refuses_and_goes_on() {
    let mut editor = Editor::start("odd", &[("run.cmd", UNUSED)], &json!({}));
    editor.notify("textDocument/didOpen", &json!({ "nonsense": true }));
    editor.notify("textDocument/didChange", &json!([1, 2]));
    let id = editor.send("textDocument/hover", &json!(7));
    assert!(editor.response(id).response_result.is_err());
    let id = editor.send("textDocument/unheardOf", &json!({}));
    assert!(editor.response(id).response_result.is_err());
    let outside = json!({ "textDocument": { "uri": "untitled:one" }, "position": { "line": 9, "character": 9 } });
    assert_eq!(editor.request("textDocument/hover", &outside), Value::Null);
    editor.notify("workspace/didChangeWatchedFiles", &json!({ "changes": [] }));
    assert!(!editor.comes_to_show("run.cmd").is_empty());
}

#[test]
fn a_client_that_dies_ends_the_session() {
    let (client, server) = Connection::memory();
    let thread = std::thread::spawn(move || wipeproof::lsp::serve(&server));
    drop(client);
    assert!(!thread.join().expect("no panic"));
}
