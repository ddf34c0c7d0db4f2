//! What is done to a task whenever the task is there: what asks for it, and for nothing else, is no condition.

use super::run::{Machine, children};
use super::value::Scope;
use tree_sitter::Node;

/// What gives the tasks (MS documentation, "Get-ScheduledTask"; "schtasks query").
const ASK: [&str; 3] = ["get-scheduledtask ", "schtasks /query", "schtasks.exe /query"];
/// What takes them away.
const TAKE: [&str; 2] = ["unregister-scheduledtask", "schtasks"];
/// Parameters of a query; what else begins with a dash is an operator.
const PARAMETERS: [&str; 4] = ["-taskname", "-taskpath", "-erroraction", "-ea"];
/// Signs of more than a query: blocks, pipes, members, other commands.
const MORE: [&str; 5] = ["{", "|", ").", "$(", ";"];
/// Commands that give what they are handed, whatever it is.
const GIVE: [&str; 4] = ["echo", "write-output", "write-host", "cmd"];
/// What a condition says of a failure of the command before (about_Automatic_Variables).
const FAILED: [&str; 3] = ["$lastexitcode", "$?", "exitcode"];
/// Longest condition that may be a query alone.
const MAX_QUERY: usize = 400;

impl<'s> Machine<'s, '_, '_> {
    /// Is a block of tasks carried out wherever it has something to do? Its condition asks whether there are tasks, or is met
    /// where something failed and the block ends the script.
    pub(super) fn is_due(&self, of: Node<'s>, block: Node<'s>, scope: &Scope) -> bool {
        let Some(condition) = of.child_by_field_name("condition") else { return false };
        let condition = self.slice(condition).trim();
        if condition.len() > MAX_QUERY {
            return false;
        }
        let condition = condition.to_ascii_lowercase();
        let inside = self.slice(block);
        if FAILED.iter().any(|sign| condition.contains(sign)) {
            return self.leaves(block, &["return", "exit"]) && inside.len() <= MAX_QUERY && !takes(inside);
        }
        match condition.strip_prefix("-not").or_else(|| condition.strip_prefix('!')) {
            Some(negated) => self.leaves(block, &["return", "exit"]) && self.asks(negated, scope),
            None => self.asks(&condition, scope) && takes(inside),
        }
    }

    /// Is it nothing but a query for tasks, or the variable that holds what one gave?
    fn asks(&self, condition: &str, scope: &Scope) -> bool {
        let bare = without_parentheses(condition);
        let bare = bare.strip_prefix("$null -ne ").or_else(|| bare.strip_suffix(" -ne $null")).unwrap_or(bare);
        let bare = without_parentheses(bare);
        let Some(variable) = bare.strip_prefix('$') else { return is_query(bare) };
        let Some((_, at)) = scope.get(variable) else { return false };
        let set = self.source.get(*at..).unwrap_or_default();
        let line = set.get(..MAX_QUERY).unwrap_or(set).split(['\n', ';']).next().unwrap_or_default();
        let given = line.split_once('=');
        given.is_some_and(|(_, given)| is_query(without_parentheses(given)))
    }

    /// May the part of a pipe behind this one never be carried out? What is asked for a task and what is written there gives
    /// something.
    pub(super) fn may_give_nothing(&self, part: Node<'s>) -> bool {
        let text = self.slice(part);
        let name = text.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
        part.kind() == "command" && !GIVE.contains(&name.as_str()) && !is_query(text)
    }

    /// May what a loop goes through be nothing?
    pub(super) fn may_be_empty(&self, of: Node<'s>) -> bool {
        let over = children(of).into_iter().filter(|n| n.kind() != "statement_block").nth(1);
        over.is_none_or(|over| {
            let text = self.slice(over).trim();
            let text = text.strip_prefix('@').unwrap_or(text);
            let bare = without_parentheses(text);
            !is_query(bare) && !bare.starts_with(['\'', '"'])
        })
    }
}

/// Does it name what takes tasks away?
fn takes(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    TAKE.iter().any(|taking| text.contains(taking))
}

fn is_query(text: &str) -> bool {
    let Some(text) = text.get(..MAX_QUERY.min(text.len())).map(|text| text.trim().to_ascii_lowercase()) else {
        return false;
    };
    // Which of them is meant may stand in a filter.
    let (query, filter) = text.split_once('|').unwrap_or((&text, ""));
    let is_known = |word: &str| !word.starts_with('-') || PARAMETERS.contains(&word);
    ASK.iter().any(|ask| query.starts_with(ask))
        && query.split_whitespace().all(is_known)
        && !MORE.iter().any(|more| query.contains(more))
        && (filter.is_empty() || is_name_filter(filter.trim()))
}

/// Does a filter look at the name alone: `Where-Object { $_.TaskName -eq 'Shop' }`?
fn is_name_filter(filter: &str) -> bool {
    let inside = ["where-object", "where", "?"].iter().find_map(|name| filter.strip_prefix(name));
    let Some(inside) = inside.map(|text| text.trim_matches(['{', '}', ' '])) else { return false };
    let mut words = inside.split_whitespace();
    matches!(words.next(), Some("$_.taskname" | "taskname"))
        && matches!(words.next(), Some("-eq" | "-like" | "-match"))
        && !words.any(|word| word.starts_with('-') || word.contains(['|', ';', '}']))
}

/// Without parentheses around all of it.
fn without_parentheses(text: &str) -> &str {
    let mut text = text.trim();
    while let Some(inner) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        if inner.find(')') < inner.find('(') {
            break;
        }
        text = inner.trim();
    }
    text
}
