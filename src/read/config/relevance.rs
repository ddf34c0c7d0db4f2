//! Which documents are worth a parse: most XML, JSON and YAML of an application is data, not configuration.
//!
//! A look for a few words is as fast as the search for a pattern; a tree is not. What is passed over here would have
//! said nothing, not even that it is malformed: a template or a data file need not be well-formed to anyone.

use super::places::is_beside_program;
use super::xml;
use crate::catalog::config::documents;
use crate::discover::Kind;
use crate::discover::sniff::CLOUD_CONFIG;
use crate::read::Input;
use memchr::memmem;

/// Words of which JSON configuration has at least one.
const JSON_WORDS: &[&str] = &[
    "\"ConnectionStrings\"",
    "\"Serilog\"",
    "\"NLog\"",
    "deploymentTemplate",
    "imageTemplates",
    "\"provisioners\"",
    "\"builders\"",
    "\"AWS::",
    "\"logs_collected\"",
    "\"persist\"",
];
/// Words of which manifests and configuration in YAML have at least one.
const YAML_WORDS: &[&str] = &[
    "apiVersion",
    "services",
    "AWS::",
    "FileHandler",
    "commands:",
    "phases:",
    "win_shell",
    "win_powershell",
    "win_command",
    "roles:",
    CLOUD_CONFIG,
];
/// Words of which templates of images and machines in HCL have at least one.
const HCL_WORDS: &[&str] = &["provisioner", "resource", "cd_files", "floppy_files", "user_data"];

/// Ends of the names of settings that are places, in JSON of programs that nobody knows.
const PLACE_WORDS: &[&str] = &["irectory\"", "older\"", "ath\"", "ir\"", "_dir\"", "_path\""];
/// Most bytes of settings that a person writes; other JSON is data.
const MAX_SETTINGS: usize = 64 << 10;

/// May the document say something?
pub(crate) fn is_relevant(input: &Input<'_>, text: &str) -> bool {
    let has_any = |words: &[&str]| words.iter().any(|w| memmem::find(text.as_bytes(), w.as_bytes()).is_some());
    match input.kind {
        Kind::Xml => xml::root_name(text).is_none_or(|root| super::is_known_root(&root)),
        Kind::Json => {
            let may_name_places = || text.len() <= MAX_SETTINGS && has_any(PLACE_WORDS) && is_beside_program(input);
            is_known_name(input) || has_any(JSON_WORDS) || may_name_places()
        }
        Kind::Yaml => is_known_name(input) || has_any(YAML_WORDS),
        Kind::Hcl => has_any(HCL_WORDS),
        Kind::Toml | Kind::Properties => is_known_name(input),
        _ => true,
    }
}

fn is_known_name(input: &Input<'_>) -> bool {
    documents().iter().any(|known| !known.names.is_empty() && super::is_named(known, input.artifact))
}
