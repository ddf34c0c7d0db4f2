//! Places as SARIF locations: a line for everything, an address for machine code, a logical name for methods.

use crate::facts::Site;
use crate::output::link::uri;
use crate::report::Finding;
use serde_json::{Map, Value, json};
use std::collections::HashSet;

/// A place in an artifact. What has no lines is at line 1: services that show results need one.
pub(super) fn location(artifact: &str, site: &Site, message: Option<&str>) -> Value {
    let mut physical = Map::new();
    physical.insert("artifactLocation".to_owned(), json!({"uri": uri(artifact)}));
    let mut region = json!({"startLine": site.line.unwrap_or(1).max(1)});
    if let (Some(column), Value::Object(region)) = (site.column, &mut region) {
        region.insert("startColumn".to_owned(), column.max(1).into());
    }
    physical.insert("region".to_owned(), region);
    if let Some(rva) = site.rva {
        // Relative to the image base (3.32.7). A step of the evidence may also be data.
        let mut address = json!({"relativeAddress": rva});
        if let (None, Value::Object(address)) = (message, &mut address) {
            address.insert("kind".to_owned(), "instruction".into());
        }
        if let (Some(section), Value::Object(address)) = (&site.section, &mut address) {
            address.insert("fullyQualifiedName".to_owned(), format!("{section}:0x{rva:x}").into());
        }
        physical.insert("address".to_owned(), address);
    }
    let mut location = Map::new();
    location.insert("physicalLocation".to_owned(), physical.into());
    let logical = logical(site);
    if !logical.is_empty() {
        location.insert("logicalLocations".to_owned(), logical.into());
    }
    if let Some(text) = message.filter(|t| !t.trim().is_empty()) {
        location.insert("message".to_owned(), json!({"text": text}));
    }
    if let Some(offset) = site.il_offset {
        location.insert("properties".to_owned(), json!({"ilOffset": offset}));
    }
    location.into()
}

/// Method, function, table row or configuration key.
fn logical(site: &Site) -> Vec<Value> {
    let named = |name: &str, kind: &str| json!({"fullyQualifiedName": name, "kind": kind});
    let mut found = Vec::new();
    if let Some(method) = &site.method {
        found.push(named(method, "function"));
    }
    if let Some(symbol) = &site.symbol {
        found.push(named(symbol, "function"));
    }
    if let (Some(table), Some(row)) = (&site.table, &site.row) {
        found.push(named(&format!("{table}[{row}]"), "object"));
    }
    if let Some(key) = &site.key {
        found.push(named(key, "property"));
    }
    // The schema wants each once: a name may stand for a function and its symbol.
    let mut seen = HashSet::new();
    found.retain(|location| seen.insert(location.to_string()));
    found
}

/// The other sites, and the source lines that debug information names.
pub(super) fn related(finding: &Finding) -> Vec<Value> {
    let others = finding.sites.iter().skip(1).map(|site| location(&finding.artifact, site, Some(&site.short())));
    let sources = finding.sites.iter().filter_map(|site| {
        let (file, line) = (site.source_file.as_ref()?, site.source_line?);
        Some(location(file, &Site { line: Some(line), ..Site::default() }, Some("source, by the debug information")))
    });
    let mut related: Vec<Value> = others.chain(sources).collect();
    for (index, place) in related.iter_mut().enumerate() {
        if let Value::Object(place) = place {
            place.insert("id".to_owned(), (index + 1).into());
        }
    }
    related
}

/// The evidence chain, in order.
pub(super) fn flow(finding: &Finding) -> Value {
    let steps: Vec<Value> = finding
        .evidence
        .iter()
        .map(|step| {
            let artifact = step.artifact.as_deref().unwrap_or(&finding.artifact);
            let site = step.site.clone().unwrap_or_default();
            json!({"location": location(artifact, &site, Some(&step.text))})
        })
        .collect();
    json!({"threadFlows": [{"locations": steps}]})
}
