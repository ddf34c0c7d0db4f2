//! Functions that a script defines and does not call.

use super::run::Machine;
use super::value::Scope;
use crate::facts::Operation;
use crate::read::Input;
use std::collections::HashMap;
use tree_sitter::Node;

/// Ways to call a function by a name that is put together, or to run a text.
const UNSEEN: [&str; 6] = ["& $", "&$", "& (", "& \"", "invoke-expression", "iex "];
/// Ending of files whose functions are there for others.
const MODULE: &str = "psm1";

impl<'s> Machine<'s, '_, '_> {
    /// Runs a whole script. What a function does that nobody calls is told, too: whoever reads the script may call it. Where
    /// the script does something by itself and names the function nowhere else, that is at most possible.
    pub(super) fn script(&mut self, root: Node<'s>, scope: &mut Scope) {
        let begin = self.sink.reading.facts.len();
        self.statements(root, scope);
        let mut rest: Vec<(String, Node<'s>)> = self.functions.iter().map(|(n, node)| (n.clone(), *node)).collect();
        rest.retain(|(name, _)| !self.called.contains(name));
        if rest.is_empty() {
            return;
        }
        rest.sort_by_key(|(_, node)| node.start_byte());
        let is_left = self.is_program(begin);
        let named = if is_left { words(self.source) } else { HashMap::new() };
        for (name, node) in rest {
            // One of the others that are left has called it: each would call all that follow once more.
            if self.called.contains(&name) || !self.may_act(node) {
                continue;
            }
            let first = self.sink.reading.facts.len();
            self.function(node, &[], &mut scope.clone());
            let name = name.rsplit(':').next().unwrap_or(&name);
            if is_left && named.get(name) == Some(&1) {
                self.sink.doubt(first);
            }
        }
    }

    /// Is it a script that does something by itself, and calls nothing in a way that is not seen?
    fn is_program(&self, begin: usize) -> bool {
        // What lies beside it may read it in, and call what it defines.
        let is_alone = |input: &Input<'_>| input.app.artifacts.len() <= 1;
        let is_script = self.input.is_some_and(|input| input.artifact.extension() != MODULE && is_alone(input));
        let is_whole = self.fixed.is_none() && self.level == 0 && !self.broken && !self.unseen;
        // What only reads in others is one of those that are read in.
        let mut done = self.sink.reading.facts.iter().skip(begin).filter_map(|fact| fact.as_effect());
        if !is_script || !is_whole || !done.any(|effect| effect.operation != Operation::Read) {
            return false;
        }
        let text = self.source.to_ascii_lowercase();
        !UNSEEN.iter().any(|call| text.contains(call))
    }
}

/// How often each word of a text stands in it, in lower case.
fn words(text: &str) -> HashMap<String, usize> {
    let mut found = HashMap::new();
    for word in text.split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_')).filter(|word| !word.is_empty()) {
        *found.entry(word.to_lowercase()).or_insert(0) += 1;
    }
    found
}
