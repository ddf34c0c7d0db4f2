//! What counts as a reason for accepting a finding, in `wipeproof.toml` as in a comment.

/// What an editor writes for a person to replace; it is no reason.
pub const REASON_PLACEHOLDER: &str = "(say why)";

/// Words that stand where a reason is still to be written.
const NO_REASONS: [&str; 5] = ["say why", "todo", "tbd", "fixme", "xxx"];

/// Does a text give a reason? What an editor wrote to be replaced, or marks alone, do not.
pub fn is_reason(text: &str) -> bool {
    let said = text.trim_matches(|c: char| !c.is_alphanumeric());
    !said.is_empty() && NO_REASONS.iter().all(|none| !said.eq_ignore_ascii_case(none))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_still_to_be_written_is_no_reason() {
        for none in ["", " ", "-", "...", "(say why)", "Say why", "TODO", "todo:", "TBD."] {
            assert!(!is_reason(none), "{none}");
        }
        assert!(!is_reason(REASON_PLACEHOLDER));
        for reason in ["TODO list is rebuilt at start", "ok", "キャッシュ"] {
            assert!(is_reason(reason), "{reason}");
        }
    }
}
