//! How settings put paths together.

use super::super::tree::MAX_VALUE;
use super::Value;
use crate::facts::{Folder, Text, env_hole, join_paths};

/// Functions that give a path which is their argument, as far as its place matters.
pub(super) const SAME: &[&str] =
    &["abspath", "realpath", "normpath", "resolve", "absolute", "Path", "PurePath", "str", "as_posix"];

/// Joins two texts; a path below something unknown is one with a hole.
pub(super) fn both(left: Value, right: Value, join: impl Fn(Text, Text) -> Text) -> Value {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => {
            let text = join(left, right);
            // A text that is put together from itself doubles with each line.
            if text.to_string().len() > MAX_VALUE { Value::Unknown } else { Value::Text(text) }
        }
        (Value::Text(left), Value::Unknown) => Value::Text(join(left, Text::unknown())),
        _ => Value::Unknown,
    }
}

/// A path and what follows below it.
pub(super) fn joined(first: Value, rest: &[Value]) -> Value {
    rest.iter().cloned().fold(first, |path, part| both(path, part, |a, b| join_paths(&a, &b)))
}

/// The folder above; above the folder of the program there is nothing that is known better.
pub(super) fn parent(text: &Text) -> Text {
    let shown = text.to_string();
    match shown.rfind(['/', '\\']) {
        Some(at) => Text::parse(&shown[..at]),
        None => text.clone(),
    }
}

/// What a function gives for its arguments.
pub(super) fn call(name: &str, arguments: &[Value]) -> Value {
    let first = || arguments.first().cloned().unwrap_or(Value::Unknown);
    match name.rsplit('.').next().unwrap_or(name) {
        "join" if name.ends_with("path.join") => joined(first(), arguments.get(1..).unwrap_or_default()),
        "dirname" => match first() {
            Value::Text(text) => Value::Text(parent(&text)),
            _ => Value::Unknown,
        },
        "get" | "getenv" if name.starts_with("os.") => match first() {
            Value::Text(text) => match text.as_lit() {
                Some(variable) => Value::Text(Text::hole(env_hole(variable))),
                None => Value::Unknown,
            },
            _ => Value::Unknown,
        },
        "gettempdir" => Value::Text(Text::folder(Folder::Temp)),
        same if SAME.contains(&same) => first(),
        _ => Value::Unknown,
    }
}
