//! Connection strings that builders put together.

use crate::facts::Text;
use crate::read::clr::answer::Value;

/// What a connection string builder makes: what it was given, and each property that was set.
pub(super) fn connection_string(builder: &Value) -> Value {
    let mut text = if builder.text.is_unknown() { Text::new() } else { builder.text.clone() };
    for (name, value) in &builder.properties {
        if !text.is_empty() {
            text.push_lit(";");
        }
        text.push_lit(&keyword(name));
        text.push_lit("=");
        text.push_text(value);
    }
    if text.is_empty() { Value::unknown() } else { builder.with(text) }
}

/// The keyword of a property: `DataSource` is `Data Source`.
fn keyword(property: &str) -> String {
    if property == "AttachDBFilename" {
        return "AttachDbFilename".to_owned();
    }
    let mut out = String::new();
    for (i, c) in property.chars().enumerate() {
        if i > 0 && c.is_uppercase() && !out.ends_with(char::is_uppercase) {
            out.push(' ');
        }
        out.push(c);
    }
    out
}
