//! Code actions: accept a finding here or in the settings, and fixes where the edit is certain.

use super::diagnostics::Shown;
use super::document::{Encoding, offset, position};
use super::fixes::{fixes, tag_around};
use crate::discover::Kind;
use crate::read::{comment_syntax, takes_comment};
use crate::settings::REASON_PLACEHOLDER;
use lsp_types::{
    CodeAction, CodeActionKind, CreateFile, CreateFileOptions, DocumentChangeOperation, DocumentChanges, OneOf,
    OptionalVersionedTextDocumentIdentifier, Position, Range, ResourceOp, TextDocumentEdit, TextEdit, Url,
    WorkspaceEdit,
};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// Where actions are asked for.
pub(super) struct Asked<'a> {
    pub(super) url: &'a Url,
    pub(super) range: Range,
    pub(super) text: &'a str,
    pub(super) kind: Option<Kind>,
    pub(super) encoding: Encoding,
    /// Settings file that holds, or would.
    pub(super) settings: &'a Path,
    /// Its text, as it is open in the editor or on the disk.
    pub(super) settings_text: Option<String>,
    /// The client can create files.
    pub(super) can_create: bool,
    /// Address and text of another artifact in XML, as it is open in the editor or on the disk.
    pub(super) text_of: &'a dyn Fn(&str) -> Option<(Url, String)>,
    /// Name inside the application of the artifact of a finding.
    pub(super) name_of: &'a dyn Fn(&str) -> String,
}

/// The actions for the diagnostics in a range, one set per finding.
pub(super) fn actions(shown: &[Shown], asked: &Asked<'_>) -> Vec<CodeAction> {
    let mut seen = HashSet::new();
    let mut all = Vec::new();
    let here = shown.iter().filter(|s| {
        let range = s.diagnostic.range;
        range.start.line <= asked.range.end.line && asked.range.start.line <= range.end.line
    });
    for s in here.filter(|s| seen.insert((s.finding.fingerprint.clone(), s.diagnostic.range.start))) {
        all.extend(quick_fixes(s, asked));
        all.extend(accept_here(s, asked));
        all.extend(accept_in_settings(s, asked));
    }
    all
}

fn action(title: String, shown: &Shown, edit: WorkspaceEdit, preferred: bool) -> CodeAction {
    CodeAction {
        title,
        kind: Some(CodeActionKind::QUICKFIX),
        diagnostics: Some(vec![shown.diagnostic.as_ref().clone()]),
        edit: Some(edit),
        is_preferred: Some(preferred),
        ..CodeAction::default()
    }
}

fn edit_of(url: &Url, edit: TextEdit) -> WorkspaceEdit {
    edits_of(url, vec![edit])
}

fn edits_of(url: &Url, edits: Vec<TextEdit>) -> WorkspaceEdit {
    WorkspaceEdit { changes: Some(HashMap::from([(url.clone(), edits)])), ..WorkspaceEdit::default() }
}

/// A text that can be edited for a finding, and the place in it that is meant.
struct Meant<'a> {
    url: Url,
    text: Cow<'a, str>,
    at: usize,
}

fn quick_fixes(shown: &Shown, asked: &Asked<'_>) -> Vec<CodeAction> {
    let here = Meant {
        url: asked.url.clone(),
        text: Cow::Borrowed(asked.text),
        at: offset(asked.text, shown.diagnostic.range.start, asked.encoding),
    };
    let here = (asked.kind == Some(Kind::Xml)).then_some(here);
    // What makes it worse may be written elsewhere: the definition of a local resource.
    let elsewhere = shown.finding.evidence.iter().filter_map(|step| {
        let site = step.site.as_ref()?;
        let (url, text) = (asked.text_of)(step.artifact.as_deref()?)?;
        let line = Position::new(site.line?.saturating_sub(1), 0);
        let column = site.column.unwrap_or(1).saturating_sub(1) as usize;
        let start = offset(&text, line, asked.encoding);
        let at = text[start..].char_indices().nth(column).map_or(start, |(n, _)| start + n);
        Some(Meant { url, text: Cow::Owned(text), at })
    });
    let mut all: Vec<CodeAction> = Vec::new();
    for Meant { url, text, at } in here.into_iter().chain(elsewhere) {
        let place = |at| position(&text, at, asked.encoding);
        for fix in fixes(&text, at, &shown.finding.effect.location) {
            let edit = |(bytes, new): (std::ops::Range<usize>, String)| {
                TextEdit::new(Range::new(place(bytes.start), place(bytes.end)), new)
            };
            let edit = edits_of(&url, fix.edits.into_iter().map(edit).collect());
            if all.iter().all(|known| known.title != fix.title) {
                all.push(action(fix.title.to_owned(), shown, edit, true));
            }
        }
    }
    all
}

/// Most lines above a finding that may belong to its statement.
const MAX_CONTINUED: u32 = 100;

/// A comment on a line of its own above the finding, with a reason to fill in.
fn accept_here(shown: &Shown, asked: &Asked<'_>) -> Option<CodeAction> {
    let (open, close) = comment_syntax(asked.kind?)?;
    let mut at = offset(asked.text, shown.diagnostic.range.start, asked.encoding);
    if asked.kind == Some(Kind::Xml) {
        // A comment cannot stand inside a tag that runs over several lines.
        at = tag_around(asked.text, at).map_or(at, |tag| tag.start);
    }
    let (mut line, mut line_start) = (0, 0);
    // Between the lines of a statement there is no place for it.
    for up in 0..=MAX_CONTINUED {
        line = position(asked.text, at, asked.encoding).line.checked_sub(up)?;
        line_start = offset(asked.text, Position::new(line, 0), asked.encoding);
        if takes_comment(asked.kind?, asked.text, line_start) {
            break;
        }
    }
    let current = asked.text.lines().nth(line as usize).unwrap_or_default();
    let is_declaration = asked.kind == Some(Kind::Xml) && current.trim_start().starts_with("<?xml");
    if is_declaration || !takes_comment(asked.kind?, asked.text, line_start) {
        return None;
    }
    let indent: String = current.chars().take_while(|c| matches!(c, ' ' | '\t')).collect();
    let newline = if asked.text.contains("\r\n") { "\r\n" } else { "\n" };
    let rule = &shown.finding.rule;
    let comment = format!("{indent}{open} wipeproof: allow({rule}) because {REASON_PLACEHOLDER}{close}{newline}");
    let start = Position::new(line, 0);
    let edit = edit_of(asked.url, TextEdit::new(Range::new(start, start), comment));
    Some(action(format!("Accept {rule} here, with a reason"), shown, edit, false))
}

/// An entry at the end of `wipeproof.toml`, which is made if there is none.
fn accept_in_settings(shown: &Shown, asked: &Asked<'_>) -> Option<CodeAction> {
    let finding = &shown.finding;
    let path = toml::Value::String((asked.name_of)(&finding.artifact));
    let location = toml::Value::String(finding.effect.location.clone());
    let entry = format!(
        "\n[[allow]]\nrule = \"{}\"\npath = {path}\nlocation = {location}\nreason = \"{REASON_PLACEHOLDER}\"\n",
        finding.rule
    );
    let url = Url::from_file_path(asked.settings).ok()?;
    let existing = asked.settings_text.as_deref();
    if existing.is_none() && !asked.can_create {
        return None;
    }
    let end = existing.map_or(Position::new(0, 0), |t| position(t, t.len(), asked.encoding));
    let entry = match existing {
        None => entry.trim_start().to_owned(),
        Some(text) if text.is_empty() || text.ends_with('\n') => entry,
        Some(_) => format!("\n{entry}"),
    };
    let edit = TextEdit::new(Range::new(end, end), entry);
    let edit = match existing {
        Some(_) => edit_of(&url, edit),
        None => {
            let create = CreateFile {
                uri: url.clone(),
                options: Some(CreateFileOptions { overwrite: None, ignore_if_exists: Some(true) }),
                annotation_id: None,
            };
            let change = TextDocumentEdit {
                text_document: OptionalVersionedTextDocumentIdentifier { uri: url, version: None },
                edits: vec![OneOf::Left(edit)],
            };
            let operations =
                vec![DocumentChangeOperation::Op(ResourceOp::Create(create)), DocumentChangeOperation::Edit(change)];
            WorkspaceEdit {
                document_changes: Some(DocumentChanges::Operations(operations)),
                ..WorkspaceEdit::default()
            }
        }
    };
    Some(action(format!("Accept {} in {}", finding.rule, crate::settings::FILE_NAME), shown, edit, false))
}
