//! `wrapper.conf` of the Java Service Wrapper: what the service keeps, and what Java is told.

use super::command::{Launch, run};
use super::document::Document;
use super::tree::{NodeId, ROOT};
use crate::facts::{Folder, Reading, Text};

/// Is it one by its name?
pub(crate) fn is_one(file_name: &str) -> bool {
    file_name.eq_ignore_ascii_case("wrapper.conf")
}

/// Reads the properties (documentation of the wrapper: `wrapper.logfile`, `wrapper.java.additional.<n>`).
pub(crate) fn read(document: &mut Document<'_>, reading: &mut Reading) {
    reading.format = "java-wrapper".to_owned();
    document.apply_rows(reading, "java-wrapper", ROOT);
    let tree = &document.tree;
    let options: Vec<NodeId> = tree
        .elements(ROOT)
        .filter(|&node| tree.name(node).starts_with("wrapper.java.additional."))
        .filter(|&node| tree.value(node).starts_with("-D") || tree.value(node).starts_with("-X"))
        .collect();
    let launch = Launch::new("service", "the service that the wrapper runs", Text::folder(Folder::AppDir));
    for at in options {
        let value = document.tree.value(at).trim().trim_matches('"').to_owned();
        // A value with blanks is one option.
        let option = if value.contains(' ') { format!("java \"{value}\"") } else { format!("java {value}") };
        let mut found = Reading::default();
        run(document, &mut found, at, &Text::lit(option), &launch);
        // One option alone starts nothing.
        reading.facts.extend(found.facts.into_iter().filter(|fact| fact.as_effect().is_some()));
    }
}
