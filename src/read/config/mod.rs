//! Configuration and deployment descriptions.
//!
//! Every syntax becomes one [`tree::Tree`]; what the tree means is told by its dialect. Keys whose meaning needs no
//! code are rows of `rules/catalog/config/`, which [`document::Document::apply_rows`] applies.

mod document;
mod dotnet;
mod json;
mod logging;
mod options;
mod select;
mod service;
mod syntax;
mod tree;
mod xml;

use super::Input;
use super::text::decode;
use crate::catalog::config::documents;
use crate::discover::Kind;
use crate::facts::Reading;
use document::Document;
use select::select_one;
use tree::ROOT;

/// Reads a configuration file.
pub fn read(input: &Input<'_>, reading: &mut Reading) {
    let text = decode(input.bytes, reading);
    match input.kind {
        Kind::Xml => {
            let mut document = Document::new(input, &text, xml::parse(&text), reading);
            read_xml(&mut document, reading);
        }
        Kind::Json => {
            let mut document = Document::new(input, &text, json::parse(&text), reading);
            read_json(&mut document, reading);
        }
        _ => {}
    }
}

/// The dialect of a document that is known by its name or by what it holds.
fn dialect(document: &Document<'_>) -> Option<&'static str> {
    let file = document.input.artifact.file_name();
    documents()
        .iter()
        .find(|known| {
            (known.names.is_empty() || known.names.iter().any(|name| name.matches(file)))
                && known.has.as_ref().is_none_or(|has| select_one(&document.tree, ROOT, has).is_some())
        })
        .map(|known| known.dialect.as_str())
}

/// Most JSON is no configuration of a program, and says nothing.
fn read_json(document: &mut Document<'_>, reading: &mut Reading) {
    if dialect(document) == Some("options") {
        options::read(document, reading);
    }
}

/// Decides by the root element.
fn read_xml(document: &mut Document<'_>, reading: &mut Reading) {
    let Some(root) = document.tree.elements(ROOT).next() else { return };
    match document.tree.name(root) {
        "configuration" => dotnet::read(document, root, reading),
        "log4net" => {
            reading.format = "log4net".to_owned();
            logging::log4net(document, root, reading);
        }
        "nlog" => {
            reading.format = "nlog".to_owned();
            logging::nlog(document, root, reading);
        }
        "ServiceDefinition" => service::definition(document, root, reading),
        "ServiceConfiguration" => service::configuration(document, root, reading),
        name if dotnet::is_section(name) => dotnet::read_fragment(document, reading),
        _ => {}
    }
}
