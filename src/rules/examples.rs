//! The examples of a rule: fact listings that it must and must not speak for.

use super::{Rule, RuleSet};
use crate::document::{self, DocumentError};
use crate::facts::listing;

/// An example that a rule does not keep.
pub struct BrokenExample<'a> {
    /// As it is written.
    pub example: &'a str,
    /// What is wrong with it.
    pub message: String,
}

impl RuleSet {
    /// Those of a rule's own examples that it does not keep in this set: another rule may be the one that speaks.
    pub fn broken_examples<'a>(&self, rule: &'a Rule) -> Vec<BrokenExample<'a>> {
        let examples = rule.must_match.iter().map(|e| (e, true)).chain(rule.must_not_match.iter().map(|e| (e, false)));
        let broken = |(example, wanted): (&'a String, bool)| {
            let message = match (self.who_speaks(example), wanted) {
                (Err(wrong), _) => format!("the example is no fact listing: {wrong}"),
                (Ok(speak), true) if speak.is_empty() => format!("{} must match this, and no rule does", rule.id),
                (Ok(speak), true) if !speak.contains(&rule.id.as_str()) => {
                    format!("{} must match this, and {} speaks instead", rule.id, speak.join(", "))
                }
                (Ok(speak), false) if speak.contains(&rule.id.as_str()) => {
                    format!("{} must not match this, and it does", rule.id)
                }
                _ => return None,
            };
            Some(BrokenExample { example, message })
        };
        examples.filter_map(broken).collect()
    }

    /// The rules that speak for the effects of a listing.
    fn who_speaks(&self, example: &str) -> Result<Vec<&str>, String> {
        let readings = listing::parse(example).map_err(|e| e.to_string())?;
        let effects = readings.iter().flat_map(|r| &r.facts).filter_map(|f| f.as_effect());
        Ok(effects.filter_map(|e| self.rule_for(e, self.platform().place_of(e))).map(|rule| rule.id.as_str()).collect())
    }

    /// What is wrong with the examples in a rule file, with their places.
    pub(super) fn mistaken_examples(&self, rule: &Rule, name: &str, text: &str) -> Vec<DocumentError> {
        let words = document::words(text);
        let mistake = |broken: BrokenExample<'_>| {
            let written = words.iter().find(|word| word.path.len() == 2 && word.text == broken.example);
            let span = written.map_or(0..0, |word| word.span.clone());
            DocumentError::new(name, text, span, broken.message)
                .with_help("examples are lines of `wipeproof facts`; `wipeproof rules` lists what else could speak")
        };
        self.broken_examples(rule).into_iter().map(mistake).collect()
    }
}
