//! Accepting findings: in every comment syntax, and in the settings.

use super::driver::{Editor, codes, edited};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use strum::IntoEnumIterator as _;
use wipeproof::discover::{Kind, SNIFF_LEN, sniff};
use wipeproof::read::comment_syntax;

/// Findings of one kind of file that are accepted.
const MOST: usize = 4;

/// Rules about comments that accept: none of them may appear.
const ABOUT_COMMENTS: &[&str] = &["WP001", "WP002", "WP003", "WP004"];

fn path_of(uri: &str) -> PathBuf {
    lsp_types::Url::parse(uri).ok().and_then(|u| u.to_file_path().ok()).expect("a file")
}

/// Fixtures in each syntax: the action's comment, with a reason, takes the finding away and nothing else.
#[test]
fn every_comment_syntax_accepts() {
    let progress = json!({ "window": { "workDoneProgress": true } });
    let mut accepted: BTreeSet<&str> = BTreeSet::new();
    let mut wrong = Vec::new();
    for root in ["fixtures/config", "fixtures/script", "tests/lsp/syntaxes"] {
        let mut editor = Editor::at(root.as_ref(), &progress);
        editor.progress_ends();
        editor.settled("none");
        let mut tried = std::collections::HashMap::<Kind, usize>::new();
        for (uri, shown) in editor.all_shown() {
            let path = path_of(&uri);
            let Ok(text) = fs::read_to_string(&path) else { continue };
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let Some(kind) = sniff(&text.as_bytes()[..text.len().min(SNIFF_LEN)], &name) else { continue };
            let file = path.strip_prefix(&editor.root).expect("below").to_string_lossy().into_owned();
            // One place each: a finding with several places needs a comment at each of them.
            let once = |d: &&Value| shown.iter().filter(|o| o["data"] == d["data"]).count() == 1;
            for one in shown.iter().filter(once) {
                let count = tried.entry(kind).or_default();
                if *count >= MOST {
                    break;
                }
                editor.open(&file, &text);
                editor.settled(&file);
                let actions = editor.actions(&uri, one);
                let rule = one["code"].as_str().unwrap_or_default();
                let title = format!("Accept {rule} here, with a reason");
                let ours = |a: &&Value| a["title"] == title.as_str() && a["diagnostics"][0]["data"] == one["data"];
                if let Some(action) = actions.iter().find(ours) {
                    *count += 1;
                    let new = edited(&text, &action["edit"]["changes"][&uri]);
                    let new = new.replace("(say why)", "it is made again");
                    editor.change(&file, 2, &json!([{ "text": new }]));
                    let after = editor.settled(&file);
                    let gone = !after.iter().any(|d| d["data"] == one["data"]);
                    if gone && !codes(&after).iter().any(|c| ABOUT_COMMENTS.contains(c)) {
                        accepted.insert(kind.into());
                    } else {
                        wrong.push(format!("{uri}: {rule} {}: {:?}\n{new}", one["range"], codes(&after)));
                    }
                }
                editor.notify("textDocument/didClose", &json!({ "textDocument": { "uri": uri } }));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let all: BTreeSet<&str> = Kind::iter().filter(|k| comment_syntax(*k).is_some()).map(Into::into).collect();
    let missing: Vec<_> = all.difference(&accepted).collect();
    assert!(missing.is_empty(), "nothing was accepted in {missing:?}");
}

/// Every finding of a whole application, one after the other, into a file that is not there at first.
#[test]
fn the_settings_accept_what_an_application_has() {
    let client = json!({ "window": { "workDoneProgress": true },
        "workspace": { "workspaceEdit": { "resourceOperations": ["create"] } } });
    let app = PathBuf::from("fixtures/apps/orders-cloud-service");
    let files: Vec<PathBuf> = wipeproof::discover::walk(std::slice::from_ref(&app), &Default::default())
        .expect("the fixture")
        .artifacts
        .into_iter()
        .map(|a| a.file)
        .filter(|f| f.file_name().is_some_and(|n| n != "wipeproof.toml"))
        .collect();
    let mut editor = Editor::start("settings-accept", &[("wipeproof.txt", "")], &client);
    editor.progress_ends();
    for file in files {
        let to = editor.root.join(file.strip_prefix(&app).expect("below"));
        fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        fs::copy(&file, to).expect("a file");
    }
    let settings = editor.root.join("wipeproof.toml");
    let settings_uri = editor.uri("wipeproof.toml");
    editor.notify("workspace/didChangeWatchedFiles", &json!({ "changes": [{ "uri": editor.uri("x"), "type": 1 }] }));
    editor.progress_ends();
    editor.settled("none");
    let mut rounds = 0;
    while let Some((uri, shown)) = editor.all_shown().into_iter().next() {
        rounds += 1;
        assert!(rounds < 60, "it does not end: {shown:#?}");
        let path = path_of(&uri);
        let file = path.strip_prefix(&editor.root).expect("below").to_string_lossy().into_owned();
        editor.open(&file, &fs::read_to_string(&path).unwrap_or_else(|e| panic!("{file} is no text: {e}")));
        let one = &shown[0];
        let actions = editor.actions(&uri, one);
        let title = format!("Accept {} in wipeproof.toml", one["code"].as_str().unwrap_or_default());
        let ours = |a: &&Value| a["title"] == title.as_str() && a["diagnostics"][0]["data"] == one["data"];
        let action = actions.iter().find(ours).unwrap_or_else(|| panic!("{title}: {actions:#?}"));
        let before = fs::read_to_string(&settings).unwrap_or_default();
        let edits = match rounds {
            1 => {
                assert_eq!(action["edit"]["documentChanges"][0]["kind"], "create");
                &action["edit"]["documentChanges"][1]["edits"]
            }
            _ => &action["edit"]["changes"][&settings_uri],
        };
        let text = edited(&before, edits).replace("(say why)", "it is made again");
        toml::from_str::<toml::Table>(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        fs::write(&settings, text).expect("a file");
        editor.notify("textDocument/didClose", &json!({ "textDocument": { "uri": uri } }));
        editor.notify("textDocument/didSave", &json!({ "textDocument": { "uri": settings_uri } }));
        editor.progress_ends();
        editor.settled("none");
        let left = editor.all_shown();
        let still = left.iter().flat_map(|(_, d)| d).any(|d| d["data"] == one["data"]);
        assert!(!still, "{title} does not hold: {}", fs::read_to_string(&settings).unwrap_or_default());
    }
    assert!(rounds > 5, "{rounds} findings were accepted");
}
