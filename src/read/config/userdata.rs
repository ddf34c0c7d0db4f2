//! User data of a Windows instance: scripts in a text of mark-up, run when the instance is made.
//!
//! AWS documentation, "Run commands when you launch an EC2 instance with user data input": `<powershell>` or `<script>`
//! once, at the first start of each instance; with `<persist>true</persist>` at every start.

use super::command::{Launch, run};
use super::document::Document;
use super::tree::{NodeId, ROOT, Tree};
use crate::facts::{Folder, Reading, Text};
use crate::read::Input;

/// Does the text hold a script for Windows?
pub(crate) fn is_windows(text: &str) -> bool {
    let lower = text.to_lowercase();
    lower.contains("<powershell>") || lower.contains("<script>")
}

/// Reads a file that is handed to an instance as it is.
pub(crate) fn read_file(input: &Input<'_>, text: &str, reading: &mut Reading) {
    reading.format = "user-data".to_owned();
    let mut document = Document::new(input, text, (Tree::new(), None), reading);
    read(&mut document, reading, ROOT, text);
}

/// Reads the text at a node.
pub(crate) fn read(document: &mut Document<'_>, reading: &mut Reading, at: NodeId, text: &str) {
    let lower = text.to_lowercase();
    let persists = between(text, &lower, "persist").is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
    let (how, why) = match persists {
        true => ("startup-task", "user data that persists: run at every start of the instance"),
        false => ("first-boot", "user data: run once, at the first start of each instance"),
    };
    for (tag, powershell) in [("script", false), ("powershell", true)] {
        let Some(script) = between(text, &lower, tag) else { continue };
        let mut launch = Launch::new(how, why, Text::folder(Folder::System));
        launch.powershell = powershell;
        run(document, reading, at, &Text::lit(script), &launch);
    }
}

/// What stands between the tags of a name. The lower-case copy has the same offsets for all that matters here: the
/// tags are ASCII, and a text whose case changes its length is looked at as it is.
fn between<'a>(text: &'a str, lower: &str, tag: &str) -> Option<&'a str> {
    let lower = if lower.len() == text.len() { lower } else { text };
    let start = lower.find(&format!("<{tag}>"))? + tag.len() + 2;
    let length = lower.get(start..)?.find(&format!("</{tag}>"))?;
    text.get(start..start + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags() {
        let text = "<POWERSHELL>\nSet-Content x\n</powershell><persist>TRUE</persist>";
        let lower = text.to_lowercase();
        assert!(is_windows(text));
        assert_eq!(between(text, &lower, "powershell"), Some("\nSet-Content x\n"));
        assert_eq!(between(text, &lower, "persist"), Some("TRUE"));
        assert_eq!(between("<script>x", "<script>x", "script"), None);
        assert!(!is_windows("#cloud-config"));
    }
}
