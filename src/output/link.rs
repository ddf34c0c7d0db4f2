//! Addresses in reports: of rules and of artifacts.

use crate::rules::Rule;
use std::fmt::Write as _;

/// Where to read on about a rule: the first of its references that is on the web.
pub(super) fn rule_url(rule: &Rule) -> Option<String> {
    rule.references.iter().find_map(|reference| web_address(reference))
}

/// A reference that begins with a host name.
fn web_address(reference: &str) -> Option<String> {
    let bare = reference.strip_prefix("https://").unwrap_or(reference);
    let host = bare.split('/').next().unwrap_or_default();
    let is_host = host.contains('.') && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    (is_host && !bare.chars().any(char::is_whitespace)).then(|| format!("https://{bare}"))
}

/// A path as a relative URI reference (RFC 3986): everything but unreserved characters and `/` is percent-encoded.
/// An absolute path stays absolute in shape but gets no scheme and no host.
pub(super) fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    // `//host` would name an authority, and a first segment with a colon a scheme; the colon is encoded below.
    let path = path.trim_start_matches('/');
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(byte as char),
            b'\\' => uri.push('/'),
            _ => {
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::{uri, web_address};

    #[test]
    fn paths_become_relative_references() {
        assert_eq!(uri("app/Web Config#1.xml"), "app/Web%20Config%231.xml");
        assert_eq!(uri("//evil/x"), "evil/x");
        assert_eq!(uri("javascript:alert(1)"), "javascript%3Aalert%281%29");
        assert_eq!(uri(r"C:\a\ü"), "C%3A/a/%C3%BC");
    }

    #[test]
    fn references_become_addresses() {
        assert_eq!(web_address("learn.microsoft.com/x").as_deref(), Some("https://learn.microsoft.com/x"));
        assert_eq!(web_address("MSDN gg466230, Manage the Lifecycle"), None);
    }
}
