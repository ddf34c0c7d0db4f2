//! The program itself on its standard streams: broken messages, clients that go away.

use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

struct Program {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Program {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_wipeproof"))
            .arg("lsp")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let (input, output) = (child.stdin.take(), child.stdout.take().expect("an output"));
        Program { child, input, output: BufReader::new(output) }
    }

    fn raw(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().expect("open");
        input.write_all(bytes).expect("it reads");
        input.flush().expect("it reads");
    }

    fn send(&mut self, message: &Value) {
        let body = message.to_string();
        self.raw(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    }

    fn initialize(&mut self) {
        let params = json!({ "processId": null, "rootUri": null, "capabilities": {} });
        self.send(&json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params }));
        assert_eq!(self.answer(&json!(1))["result"]["serverInfo"]["name"], "wipeproof");
        self.send(&json!({ "jsonrpc": "2.0", "method": "initialized", "params": {} }));
    }

    fn message(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).expect("it writes") > 0, "the output ended");
            match line.trim().split_once(':') {
                Some((_, value)) => length = value.trim().parse().expect("a length"),
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.output.read_exact(&mut body).expect("it writes");
        serde_json::from_slice(&body).expect("JSON")
    }

    fn answer(&mut self, id: &Value) -> Value {
        loop {
            let message = self.message();
            if message["id"] == *id && message.get("method").is_none() {
                return message;
            }
        }
    }

    /// The exit status, and what was said on standard error.
    fn end(mut self) -> (Option<i32>, String) {
        let until = Instant::now() + Duration::from_secs(20);
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                let mut said = String::new();
                self.child.stderr.take().expect("an output").read_to_string(&mut said).expect("text");
                return (status.code(), said);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        panic!("it does not end");
    }
}

#[test]
fn good_bye_is_success() {
    let mut program = Program::start();
    program.initialize();
    program.send(&json!({ "jsonrpc": "2.0", "id": 2, "method": "shutdown" }));
    program.answer(&json!(2));
    program.send(&json!({ "jsonrpc": "2.0", "method": "exit" }));
    assert_eq!(program.end(), (Some(0), String::new()));
}

#[test]
fn a_client_that_goes_away_without_a_word_is_not() {
    for initialized in [true, false] {
        let mut program = Program::start();
        if initialized {
            program.initialize();
        }
        program.input = None;
        assert_eq!(program.end(), (Some(1), String::new()), "initialized: {initialized}");
    }
    let mut program = Program::start();
    program.initialize();
    program.send(&json!({ "jsonrpc": "2.0", "method": "exit" }));
    assert_eq!(program.end(), (Some(1), String::new()));
}

#[test]
fn broken_messages_are_answered_and_passed_over() {
    let mut program = Program::start();
    program.raw(b"nonsense\r\n\r\n\xff\xfe\r\nContent-Length: x\r\n");
    program.initialize();
    for broken in ["{", "[]", "null", "{\"jsonrpc\":\"2.0\"}", "\u{1}", ""] {
        program.raw(format!("Content-Length: {}\r\n\r\n{broken}", broken.len()).as_bytes());
        let error = program.message();
        assert!(error["error"]["code"].as_i64().is_some_and(|code| code < 0), "{broken:?}: {error}");
        assert!(error.get("id").is_some_and(serde_json::Value::is_null), "{broken:?}: {error}");
    }
    program.raw(b"Content-Type: x\r\nContent-Length: 2\r\n\r\n{}");
    assert!(program.message()["error"].is_object());
    // A length that nobody has.
    program.send(&json!({ "jsonrpc": "2.0", "id": 7, "method": "textDocument/hover", "params": "x" }));
    assert!(program.answer(&json!(7))["error"].is_object());
    program.send(&json!({ "jsonrpc": "2.0", "id": "s", "method": "shutdown" }));
    program.answer(&json!("s"));
    program.send(&json!({ "jsonrpc": "2.0", "method": "exit" }));
    assert_eq!(program.end(), (Some(0), String::new()));
}

#[test]
fn a_frame_that_never_ends_is_the_end() {
    let mut program = Program::start();
    program.initialize();
    program.raw(b"Content-Length: 99999999999999\r\n\r\n{\"jsonrpc\":");
    program.input = None;
    assert_eq!(program.end(), (Some(1), String::new()));
}

#[test]
fn before_the_first_word_requests_are_refused() {
    let mut program = Program::start();
    program.send(&json!({ "jsonrpc": "2.0", "id": 3, "method": "textDocument/hover", "params": {} }));
    assert_eq!(program.answer(&json!(3))["error"]["code"], lsp_server::ErrorCode::ServerNotInitialized as i32);
    program.initialize();
    program.input = None;
    assert_eq!(program.end().0, Some(1));
}
