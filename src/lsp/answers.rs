//! Requests of the client and their answers.

use super::actions::{Asked, actions};
use super::diagnostics::of_settings;
use super::document::{offset, position};
use super::hover::hover;
use super::server::Server;
use super::settings;
use super::workspace::Overlay;
use crate::rules::RuleSet;
use lsp_server::{ErrorCode, Request, RequestId, Response};
use lsp_types::request as ask;
use lsp_types::request::Request as _;
use lsp_types::{
    CodeActionParams, CompletionItem, CompletionItemKind, CompletionParams, CompletionTextEdit,
    DocumentDiagnosticParams, Documentation, FullDocumentDiagnosticReport, HoverParams, Range,
    RelatedFullDocumentDiagnosticReport, TextDocumentPositionParams, TextEdit, Url,
};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::path::Path;

impl Server<'_> {
    pub(super) fn answer(&mut self, request: Request, cancelled: &HashSet<RequestId>) {
        if cancelled.contains(&request.id) {
            let why = "cancelled by the client".to_owned();
            return self.reply(Response::new_err(request.id, ErrorCode::RequestCanceled as i32, why));
        }
        if self.judge_at.is_some() {
            self.judge();
        }
        let Request { id, method, params } = request;
        let result = match method.as_str() {
            ask::HoverRequest::METHOD => parsed(params).map(|p| self.hover(&p)),
            ask::CodeActionRequest::METHOD => parsed(params).map(|p| self.code_actions(&p)),
            ask::Completion::METHOD => parsed(params).map(|p| self.completion(&p)),
            ask::DocumentDiagnosticRequest::METHOD => parsed(params).map(|p| self.pulled(&p)),
            _ => Err((ErrorCode::MethodNotFound, format!("there is no method {method}"))),
        };
        self.reply(match result {
            Ok(value) => Response::new_ok(id, value),
            Err((code, message)) => Response::new_err(id, code as i32, message),
        });
    }

    fn hover(&self, params: &HoverParams) -> Value {
        let at = &params.text_document_position_params;
        if let Some(about) = self.about_settings(at) {
            return about;
        }
        let shown = self.shown.get(&at.text_document.uri).map_or(&[][..], Vec::as_slice);
        let scan = at.text_document.uri.to_file_path().ok().and_then(|path| self.scan_of(&path));
        let hover = scan.and_then(|scan| hover(shown, at.position, scan.decisions.rules()));
        serde_json::to_value(hover).unwrap_or_default()
    }

    /// The settings file at a position: its text, the offset, and the rules that hold for it.
    fn settings_at(&self, at: &TextDocumentPositionParams) -> Option<(&str, usize, &RuleSet)> {
        let path = at.text_document.uri.to_file_path().ok()?;
        let (_, open) = self.settings_documents().find(|(p, _)| **p == path)?;
        let text = open.document.text.as_str();
        let at = offset(text, at.position, self.client.encoding);
        Some((text, at, self.scan_of(&path)?.decisions.rules()))
    }

    fn about_settings(&self, at: &TextDocumentPositionParams) -> Option<Value> {
        let (text, at, rules) = self.settings_at(at)?;
        let (range, about) = settings::describe(text, at, rules)?;
        let range = self.range(text, range);
        Some(json!({ "contents": { "kind": "markdown", "value": about }, "range": range }))
    }

    fn range(&self, text: &str, bytes: std::ops::Range<usize>) -> Range {
        let place = |at| position(text, at, self.client.encoding);
        Range::new(place(bytes.start), place(bytes.end))
    }

    fn completion(&self, params: &CompletionParams) -> Value {
        let Some((text, at, rules)) = self.settings_at(&params.text_document_position) else { return Value::Null };
        let settings::Offers { range, offers } = settings::complete(text, at, rules);
        let range = self.range(text, range);
        let item = |offer: settings::Offer| CompletionItem {
            label: offer.label,
            kind: Some(if offer.key { CompletionItemKind::PROPERTY } else { CompletionItemKind::VALUE }),
            documentation: Some(Documentation::String(offer.about)),
            text_edit: Some(CompletionTextEdit::Edit(TextEdit::new(range, offer.text))),
            ..CompletionItem::default()
        };
        serde_json::to_value(offers.into_iter().map(item).collect::<Vec<_>>()).unwrap_or_default()
    }

    fn code_actions(&self, params: &CodeActionParams) -> Value {
        let url = &params.text_document.uri;
        let actions = || {
            let path = url.to_file_path().ok()?;
            let (open, scan) = (self.documents.get(&path)?, self.scan_of(&path)?);
            let root = self.folder_of(&path).map_or(path.parent()?, |f| f.root.as_path());
            let settings = scan.settings_file(root);
            let open_settings = self.documents.get(&settings).map(|open| open.document.text.clone());
            let text_of = |artifact: &str| {
                let file = std::path::absolute(scan.file(artifact)?).ok()?;
                let text = match self.documents.get(&file) {
                    Some(open) => open.document.text.clone(),
                    None => String::from_utf8(read_text(&file)?).ok()?,
                };
                let is_xml = text.trim_start_matches('\u{feff}').trim_start().starts_with('<');
                Some((Url::from_file_path(&file).ok()?, text)).filter(|_| is_xml)
            };
            let asked = Asked {
                url,
                range: params.range,
                text: &open.document.text,
                kind: open.overlay.as_ref().map(Overlay::kind),
                encoding: self.client.encoding,
                settings_text: open_settings.or_else(|| std::fs::read_to_string(&settings).ok()),
                settings: &settings,
                can_create: self.client.creates,
                text_of: &text_of,
                name_of: &|artifact| scan.name_inside(artifact),
            };
            Some(actions(self.shown.get(url)?, &asked))
        };
        serde_json::to_value(actions().unwrap_or_default()).unwrap_or_default()
    }

    fn pulled(&self, params: &DocumentDiagnosticParams) -> Value {
        let shown = self.shown.get(&params.text_document.uri).map_or(&[][..], Vec::as_slice);
        let mut items: Vec<_> = shown.iter().map(|s| s.diagnostic.as_ref().clone()).collect();
        let path = params.text_document.uri.to_file_path().ok();
        if let Some((path, open)) = self.settings_documents().find(|(p, _)| Some(*p) == path.as_ref()) {
            items.extend(of_settings(&open.document.text, self.rules_of(path), self.client.encoding));
        }
        let report = RelatedFullDocumentDiagnosticReport {
            related_documents: None,
            full_document_diagnostic_report: FullDocumentDiagnosticReport { result_id: None, items },
        };
        let mut value = serde_json::to_value(report).unwrap_or_default();
        if let Some(object) = value.as_object_mut() {
            object.insert("kind".to_owned(), json!("full"));
        }
        value
    }
}

/// A text file that is small enough to be edited.
fn read_text(file: &Path) -> Option<Vec<u8>> {
    const MOST: u64 = 4 << 20;
    let small = std::fs::metadata(file).is_ok_and(|m| m.is_file() && m.len() <= MOST);
    small.then(|| std::fs::read(file).ok())?
}

fn parsed<P: serde::de::DeserializeOwned>(params: Value) -> Result<P, (ErrorCode, String)> {
    serde_json::from_value(params).map_err(|e| (ErrorCode::InvalidParams, e.to_string()))
}
