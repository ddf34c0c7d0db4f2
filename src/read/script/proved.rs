//! Which rows of the catalogue of commands the fixtures prove: a row that nobody has seen work is a guess.

use crate::catalog::commands::{self, Form};
use crate::discover::{Application, Artifact, Kind, sniff};
use crate::read::read_bytes;
use std::cell::RefCell;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

thread_local! {
    static SEEN: RefCell<HashSet<usize>> = RefCell::default();
}

fn address<T>(row: &T) -> usize {
    std::ptr::from_ref(row).addr()
}

/// An effect was told, or something was started, by this row.
pub(super) fn saw<T>(row: &T) {
    SEEN.with(|seen| seen.borrow_mut().insert(address(row)));
}

fn is_seen<T>(row: &T) -> bool {
    SEEN.with(|seen| seen.borrow().contains(&address(row)))
}

fn read_fixtures() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/script");
    for entry in std::fs::read_dir(folder).unwrap() {
        let file: PathBuf = entry.unwrap().path();
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        if name.ends_with(".facts") {
            continue;
        }
        let bytes = std::fs::read(&file).unwrap();
        let kind = sniff(&bytes[..bytes.len().min(4096)], &name).unwrap_or(Kind::JScript);
        let artifact = Artifact { path: name.clone(), name, file, size: bytes.len() as u64, part: None };
        let app = Application::new(vec![artifact.clone()], Vec::new());
        read_bytes(&app, &artifact, kind, &bytes);
    }
}

#[test]
fn every_form_of_every_command_is_proved_by_a_fixture() {
    read_fixtures();
    let described = |name: &str, form: &Form| {
        let words = [&form.words, &form.all, &form.any].map(|words| words.join(" ")).join(" ");
        format!("{name} {}", words.trim())
    };
    let mut missing = Vec::new();
    for command in commands::all() {
        for form in &command.form {
            let form_name = described(&command.names[0], form);
            if !is_seen(form) {
                missing.push(format!("{form_name}: the form"));
                continue;
            }
            let effects = form.effects.iter().filter(|outcome| !is_seen(*outcome));
            missing.extend(effects.map(|o| format!("{form_name}: {:?} {:?}", o.does, o.store)));
            let starts = form.starts.iter().filter(|start| !is_seen(*start));
            missing.extend(starts.map(|start| format!("{form_name}: starts {}", start.how)));
        }
    }
    missing.sort();
    assert!(missing.is_empty(), "{} rows that no fixture proves:\n{}", missing.len(), missing.join("\n"));
}
