//! Functions of PowerShell: their bodies run where they are called, with arguments bound by position and name.

use super::defaults;
use super::run::{Machine, child_of_kind, children};
use super::value::{Scope, Value};
use crate::facts::{Clue, ClueKind, Hole, Location, Source, Text};
use tree_sitter::Node;

/// Deepest function called inside another.
pub(super) const MAX_CALLS: usize = 8;
/// Most parameters of a script that somebody else may give.
const MAX_PARAMETERS: usize = 32;
/// Most names of other functions that are followed to find out whether one can do anything.
const MAX_FOLLOWED: usize = 256;

impl<'s> Machine<'s, '_, '_> {
    /// Runs the body of a function with arguments bound by position and name.
    pub(super) fn function(
        &mut self,
        node: Node<'s>,
        arguments: &[(Option<String>, Value)],
        scope: &mut Scope,
    ) -> Value {
        if self.calls >= MAX_CALLS {
            return Value::unknown();
        }
        let returns = self.interest.is_none_or(|interest| interest.returns_within(&node.byte_range()));
        if !returns && !self.may_act(node) {
            return Value::unknown();
        }
        self.calls += 1;
        let mut inner = scope.clone();
        if let Some(list) = child_of_kind(node, "function_parameter_declaration") {
            self.parameters(list, arguments, Source::Param, &mut inner);
        }
        let outer = std::mem::replace(&mut self.returned, Value::Null);
        let outside = (self.sink.perhaps, std::mem::take(&mut self.left));
        if let Some(body) = child_of_kind(node, "script_block") {
            if let Some(block) = child_of_kind(body, "param_block") {
                self.parameters(block, arguments, Source::Param, &mut inner);
            }
            for child in children(body).into_iter().filter(|c| c.kind() != "param_block") {
                self.eval(child, &mut inner);
            }
        }
        self.calls -= 1;
        self.sink.perhaps = outside.0 || self.exited;
        self.left = outside.1 || self.exited;
        // What statements print on the way is part of the result too; only an explicit one is worth following.
        match std::mem::replace(&mut self.returned, outer) {
            Value::Null => Value::unknown(),
            value => value,
        }
    }

    /// The names of the parameters of a function, in lower case.
    pub(super) fn parameter_names(&self, function: Node<'s>) -> Vec<String> {
        let block = || child_of_kind(child_of_kind(function, "script_block")?, "param_block");
        let Some(list) = child_of_kind(function, "function_parameter_declaration").or_else(block) else {
            return Vec::new();
        };
        let list = child_of_kind(list, "parameter_list").unwrap_or(list);
        let parameters = children(list).into_iter().filter(|c| c.kind() == "script_parameter");
        let variables = parameters.filter_map(|parameter| child_of_kind(parameter, "variable"));
        variables.map(|variable| self.slice(variable).trim_start_matches('$').to_lowercase()).collect()
    }

    /// Can the body, or a function that it calls, do anything?
    pub(super) fn may_act(&self, function: Node<'s>) -> bool {
        let Some(interest) = self.interest else { return true };
        // A function whose name was not seen as one may be called unseen, as those of other scripts are.
        if self.unseen || !self.foreign.is_empty() {
            return true;
        }
        let mut seen = vec![function];
        let mut next = 0;
        let mut left = MAX_FOLLOWED;
        while let Some(node) = seen.get(next).copied() {
            if interest.is_within(&node.byte_range()) {
                return true;
            }
            for name in interest.mentioned(&node.byte_range()) {
                // A wrong guess only costs time.
                left -= 1;
                if left == 0 {
                    return true;
                }
                if let Some(called) = self.functions.get(name).filter(|n| !seen.contains(n)) {
                    seen.push(*called);
                }
            }
            next += 1;
        }
        false
    }

    /// Gives parameters their values: what the caller passed, the default, or a hole with the name.
    pub(super) fn parameters(
        &mut self,
        node: Node<'s>,
        arguments: &[(Option<String>, Value)],
        source: Source,
        scope: &mut Scope,
    ) {
        let list = child_of_kind(node, "parameter_list").unwrap_or(node);
        let mut positional = arguments.iter().filter(|(name, _)| name.is_none()).map(|(_, v)| v.clone());
        let parameters = children(list).into_iter().filter(|c| c.kind() == "script_parameter");
        for (number, parameter) in (1..).zip(parameters) {
            let Some(variable) = child_of_kind(parameter, "variable") else { continue };
            let shown = self.slice(variable).trim_start_matches('$');
            let name = shown.to_lowercase();
            let named = arguments.iter().find(|(n, _)| n.as_ref().is_some_and(|n| name.starts_with(n.as_str())));
            let mut value = match named.map(|(_, v)| v.clone()).or_else(|| positional.next()) {
                Some(value) => value,
                None => match child_of_kind(parameter, "script_parameter_default") {
                    Some(default) => self.eval(default, scope),
                    None => Value::text(Text::from_source(source, shown)),
                },
            };
            let own = source == Source::Arg && self.fixed.is_none() && number <= MAX_PARAMETERS;
            // Where the grammar fails, the parameters of a function seem to be those of the script.
            let own = own && !self.source[..node.start_byte()].trim_end().ends_with('{');
            if let Some(default) = own.then(|| self.takes(number, shown, variable, &value)).flatten()
                && self.marks
            {
                value = Value::text(default.concat(&Text::lit(defaults::mark(number).to_string())));
            }
            scope.set(&name, value, variable.start_byte());
        }
    }

    /// Who starts the script may give the parameter by its name or its position, instead of the default, which is given
    /// back if it is one text.
    fn takes(&mut self, number: usize, name: &str, at: Node<'s>, value: &Value) -> Option<Text> {
        let mut clue = Clue::new(ClueKind::Takes, number.to_string(), name);
        let default = match &*value.texts() {
            [default] if !default.is_empty() => Some(default.clone()),
            _ => None,
        };
        let default = default.filter(|d| !matches!(d.as_hole(), Some(Hole::From(Source::Arg, _) | Hole::Unknown)));
        if let Some(default) = &default {
            clue = clue.at(Location::named(default.clone()));
        }
        let site = self.site(at);
        self.sink.clue(&site, clue);
        default
    }
}
