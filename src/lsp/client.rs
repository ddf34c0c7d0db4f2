//! What the client can do, and what it is told that the server can.

use super::document::Encoding;
use lsp_types::InitializeParams;
use serde_json::{Value, json};

/// What the client can do.
pub(super) struct Client {
    pub(super) encoding: Encoding,
    pub(super) pulls: bool,
    pub(super) refreshes: bool,
    pub(super) watches: bool,
    pub(super) progress: bool,
    pub(super) creates: bool,
}

impl Client {
    pub(super) fn of(params: &InitializeParams) -> Self {
        let capabilities = serde_json::to_value(&params.capabilities).unwrap_or_default();
        let has = |pointer: &str| match capabilities.pointer(pointer) {
            Some(Value::Bool(yes)) => *yes,
            other => other.is_some_and(|v| !v.is_null()),
        };
        let encodings = params.capabilities.general.as_ref().and_then(|g| g.position_encodings.as_deref());
        let operations = capabilities.pointer("/workspace/workspaceEdit/resourceOperations").and_then(Value::as_array);
        Client {
            encoding: Encoding::choose(encodings),
            pulls: has("/textDocument/diagnostic"),
            refreshes: has("/workspace/diagnostics/refreshSupport") || has("/workspace/diagnostic/refreshSupport"),
            watches: has("/workspace/didChangeWatchedFiles/dynamicRegistration"),
            progress: has("/window/workDoneProgress"),
            creates: operations.is_some_and(|o| o.iter().any(|v| v == "create")),
        }
    }
}

pub(super) fn capabilities(client: &Client) -> Value {
    json!({
        "capabilities": {
            "positionEncoding": client.encoding.kind(),
            "textDocumentSync": { "openClose": true, "change": 2, "save": { "includeText": false } },
            "hoverProvider": true,
            "completionProvider": { "triggerCharacters": ["\"", "'", "[", "=", " "] },
            "codeActionProvider": { "codeActionKinds": ["quickfix"] },
            "diagnosticProvider": {
                "identifier": "wipeproof", "interFileDependencies": true, "workspaceDiagnostics": false,
            },
            "workspace": { "workspaceFolders": { "supported": true, "changeNotifications": true } },
        },
        "serverInfo": { "name": "wipeproof", "version": env!("CARGO_PKG_VERSION") },
    })
}
