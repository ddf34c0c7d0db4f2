//! What the client can do, and what it is told that the server can.

use super::document::Encoding;
use lsp_types::InitializeParams;
use serde_json::{Value, json};

/// What the client can do.
pub(super) struct Client {
    pub(super) encoding: Encoding,
    /// Diagnostics of open files are asked for; otherwise they are sent.
    pub(super) pulls: bool,
    pub(super) watches: bool,
    pub(super) progress: bool,
    pub(super) creates: bool,
}

impl Client {
    /// From the parameters of the first request, and as they were sent: a library that knows the protocol of one day
    /// drops what came later.
    pub(super) fn of(params: &InitializeParams, sent: &Value) -> Self {
        let capabilities = &sent["capabilities"];
        let has = |pointer: &str| match capabilities.pointer(pointer) {
            Some(Value::Bool(yes)) => *yes,
            other => other.is_some_and(|v| !v.is_null()),
        };
        let encodings = params.capabilities.general.as_ref().and_then(|g| g.position_encodings.as_deref());
        let operations = capabilities.pointer("/workspace/workspaceEdit/resourceOperations").and_then(Value::as_array);
        Client {
            encoding: Encoding::choose(encodings),
            // A client that cannot be told to ask again would miss what a scan finds after it asked.
            pulls: has("/textDocument/diagnostic")
                && (has("/workspace/diagnostics/refreshSupport") || has("/workspace/diagnostic/refreshSupport")),
            watches: has("/workspace/didChangeWatchedFiles/dynamicRegistration"),
            progress: has("/window/workDoneProgress"),
            creates: operations.is_some_and(|o| o.iter().any(|v| v == "create")),
        }
    }
}

pub(super) fn capabilities(client: &Client) -> Value {
    let mut told = json!({
        "capabilities": {
            "positionEncoding": client.encoding.kind(),
            "textDocumentSync": { "openClose": true, "change": 2, "save": { "includeText": false } },
            "hoverProvider": true,
            "completionProvider": { "triggerCharacters": ["\"", "'", "[", "=", " "] },
            "codeActionProvider": { "codeActionKinds": ["quickfix"] },
            "workspace": { "workspaceFolders": { "supported": true, "changeNotifications": true } },
        },
        "serverInfo": { "name": "wipeproof", "version": env!("CARGO_PKG_VERSION") },
    });
    if client.pulls {
        told["capabilities"]["diagnosticProvider"] =
            json!({ "identifier": "wipeproof", "interFileDependencies": true, "workspaceDiagnostics": false });
    }
    told
}
