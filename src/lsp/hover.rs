//! Why a finding matters, which event takes the state away, and what to do instead, where the pointer is.

use super::diagnostics::{Shown, rule_page};
use crate::rules::RuleSet;
use lsp_types::{Hover, HoverContents, MarkupContent, MarkupKind, Position};
use std::fmt::Write as _;

/// The hover text at a position.
pub(super) fn hover(shown: &[Shown], position: Position, rules: &RuleSet) -> Option<Hover> {
    let here: Vec<&Shown> = shown.iter().filter(|s| holds(s, position)).collect();
    let first = here.first()?;
    let pages: Vec<String> = here.iter().map(|s| page(s, rules)).collect();
    let value = pages.join("\n\n---\n\n");
    Some(Hover {
        contents: HoverContents::Markup(MarkupContent { kind: MarkupKind::Markdown, value }),
        range: Some(first.diagnostic.range),
    })
}

/// Is the position in the range of the diagnostic?
pub(super) fn holds(shown: &Shown, position: Position) -> bool {
    let range = shown.diagnostic.range;
    range.start <= position && position <= range.end
}

fn page(shown: &Shown, rules: &RuleSet) -> String {
    let finding = &shown.finding;
    let mut page = format!("**{}** `{}`\n\n{}\n", finding.rule, finding.name, code(&finding.message));
    if let Some(rule) = rules.find(&finding.rule) {
        let _ = write!(page, "\n{}\n\n**Instead:** {}\n", rule.why.trim(), rule.now.trim());
    }
    let mut events: Vec<String> = finding
        .outcomes
        .iter()
        .filter(|o| o.outcome.is_harm())
        .filter_map(|o| {
            let event = rules.platform().events.get(&o.event)?;
            let outcome: &str = o.outcome.into();
            Some(format!("- {} on {}: *{outcome}*. {}", event.name, o.target, event.about))
        })
        .collect();
    events.dedup();
    if !events.is_empty() {
        let _ = write!(page, "\n**When:**\n\n{}\n", events.join("\n"));
    }
    if let Some(url) = rule_page(&finding.rule) {
        let _ = write!(page, "\n[More about {}]({url})\n", finding.rule);
    }
    page
}

/// Text from an artifact as text: Markdown in it has no meaning.
fn code(text: &str) -> String {
    let fence = "`".repeat(1 + longest_run(text));
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("{fence} {line} {fence}")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn text_of_artifacts_stays_text() {
        assert_eq!(super::code("a`b``c\n[x](y)"), "``` a`b``c [x](y) ```");
    }
}
