//! Case-insensitive patterns over locations and API names.

/// Does `text` match `pattern`, where `*` stands for any run of characters and case does not matter?
///
/// Backslashes are plain characters: the patterns are Windows paths and registry keys, which is why no glob library
/// serves.
pub fn wildcard(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let lower = text.to_lowercase();
    let first = pieces.next().unwrap_or_default().to_lowercase();
    let Some(mut rest) = lower.strip_prefix(first.as_str()) else { return false };
    let pieces: Vec<String> = pieces.map(str::to_lowercase).collect();
    let Some((last, middle)) = pieces.split_last() else { return rest.is_empty() };
    for piece in middle {
        match rest.find(piece.as_str()) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last.as_str())
}

#[cfg(test)]
mod tests {
    use super::wildcard;

    #[test]
    fn stars_and_case() {
        assert!(wildcard("HKLM\\*\\Run*", "hklm\\software\\run\\x"));
        assert!(wildcard("*.log", "{AppDir}\\A.LOG"));
        assert!(wildcard("a", "A"));
        assert!(!wildcard("a", "ab"));
        assert!(!wildcard("a*b*c", "acb"));
        assert!(wildcard("*", ""));
    }
}
