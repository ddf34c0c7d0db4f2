//! Messages on standard input and output: `Content-Length` frames around JSON-RPC.
//!
//! A frame that does not hold a message is answered with a parse error and passed over; the end of the input, which
//! is how a client that dies looks from here, ends the session.

use crossbeam_channel::{Receiver, Sender, bounded, never, select, unbounded};
use lsp_server::{Connection, ErrorCode, Message};
use serde_json::{Value, json};
use std::io::{self, BufRead, BufReader, Read as _, Write};
use std::thread::JoinHandle;

/// Largest frame that is taken; editors send whole documents when they are opened.
const MAX_FRAME: usize = 256 << 20;
/// Longest header line that is taken.
const MAX_HEADER: u64 = 4096;
/// Messages that wait to be handled before the reader waits too.
const QUEUE: usize = 256;

/// The threads behind a connection.
pub(super) struct Threads {
    writer: JoinHandle<()>,
}

impl Threads {
    /// Waits until everything is written. The reader is left alone: it may wait for input that never comes.
    pub(super) fn finish(self) {
        let _ = self.writer.join();
    }
}

/// A connection on standard input and output.
pub(super) fn stdio() -> (Connection, Threads) {
    let (incoming, receiver) = bounded(QUEUE);
    let (sender, outgoing) = unbounded();
    let (complaints, complained) = unbounded();
    std::thread::spawn(move || read(&mut BufReader::new(io::stdin()), &incoming, &complaints));
    let writer = std::thread::spawn(move || write(&mut io::stdout(), &outgoing, &complained));
    (Connection { sender, receiver }, Threads { writer })
}

/// Reads messages until the input or the session ends. What is no message is answered by itself, because the answer is
/// none that [`Message`] knows: without an id that can be read its id is null (JSON-RPC 2.0, section 5).
fn read(input: &mut impl BufRead, incoming: &Sender<Message>, complaints: &Sender<Value>) {
    while let Ok(Some(frame)) = frame(input) {
        match serde_json::from_slice::<Message>(&frame) {
            Ok(message) => {
                let last = matches!(&message, Message::Notification(n) if n.method == "exit");
                if incoming.send(message).is_err() || last {
                    return;
                }
            }
            Err(error) => {
                let value = serde_json::from_slice::<Value>(&frame).ok();
                let code = if value.is_some() { ErrorCode::InvalidRequest } else { ErrorCode::ParseError };
                let id = value.and_then(|v| v.get("id").filter(|id| id.is_string() || id.is_number()).cloned());
                let error = json!({ "code": code as i32, "message": format!("not a message: {error}") });
                if complaints.send(json!({ "jsonrpc": "2.0", "id": id, "error": error })).is_err() {
                    return;
                }
            }
        }
    }
}

/// The next frame; `None` at the end of the input. Lines that are no header are passed over.
fn frame(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut length = None;
    loop {
        let mut line = Vec::new();
        if input.by_ref().take(MAX_HEADER).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim();
        match line.split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse::<usize>().ok();
            }
            None if line.is_empty() && length.is_some() => break,
            _ => {}
        }
    }
    let length = length.unwrap_or(0);
    if length > MAX_FRAME {
        io::copy(&mut input.by_ref().take(length as u64), &mut io::sink())?;
        return Ok(Some(Vec::new()));
    }
    let mut body = Vec::new();
    let read = input.by_ref().take(length as u64).read_to_end(&mut body)?;
    Ok((read == length).then_some(body))
}

/// Writes until the session has nothing more to say.
fn write(output: &mut impl Write, outgoing: &Receiver<Message>, complaints: &Receiver<Value>) {
    let mut complaints = complaints.clone();
    loop {
        let written = select! {
            recv(outgoing) -> message => match message {
                Ok(message) => message.write(output),
                Err(_) => return,
            },
            recv(complaints) -> complaint => match complaint {
                Ok(complaint) => write_frame(output, &complaint.to_string()),
                // The input has ended; what is still to be said comes from the session.
                Err(_) => {
                    complaints = never();
                    Ok(())
                }
            },
        };
        // A client that is gone takes nothing more; the reader sees the end of the input and ends the session.
        if written.is_err() {
            return;
        }
    }
}

fn write_frame(output: &mut impl Write, body: &str) -> io::Result<()> {
    write!(output, "Content-Length: {}\r\n\r\n{body}", body.len())?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(body: &str) -> String {
        format!("Content-Length: {}\r\n\r\n{body}", body.len())
    }

    #[test]
    fn broken_messages_are_answered_and_passed_over() {
        let good = r#"{"jsonrpc":"2.0","method":"initialized","params":{}}"#;
        let input = ["nonsense\r\n".to_owned(), framed("{"), framed(r#"{"id":7}"#), framed(good), "Content-Le".into()];
        let (incoming, received) = unbounded();
        let (complaints, complained) = unbounded();
        read(&mut input.concat().as_bytes(), &incoming, &complaints);
        drop((incoming, complaints));
        let methods: Vec<String> = received
            .iter()
            .map(|m| match m {
                Message::Notification(n) => n.method,
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(methods, ["initialized"]);
        let told: Vec<(Value, Value)> =
            complained.iter().map(|c| (c["id"].clone(), c["error"]["code"].clone())).collect();
        assert_eq!(told, [(Value::Null, json!(-32700)), (json!(7), json!(-32600))]);
    }
}
