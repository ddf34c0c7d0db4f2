//! Files that a script makes and removes again are scratch by intention.

use crate::facts::{
    Body, Certainty, ClueKind, Extent, Fact, Location, Operation, Phase, Reading, Site, Step, Store, Trait,
};
use std::cell::Cell;
use std::collections::{HashMap, HashSet};

/// Most lines that a scratch file lives: further away, the deletion may belong to another run.
const MAX_LIFE: u32 = 40;

/// Most lines between a file's creation and a deletion for which it is asked whether both are on one way.
const MAX_FAR: u32 = 400;

/// Most lines that are looked at for that, of one script.
const MAX_LOOKED: u32 = 200_000;

/// Most deletions of one file that are looked at.
const MAX_DELETIONS: usize = 4;

/// Most characters between a file's creation and its deletion that are looked at.
const MAX_BETWEEN: usize = 8_192;

/// Marks what is deleted further down in the same script. What lives for a few lines only, on one way through the
/// script, is no state at all and stays a possibility.
pub(super) fn mark(text: &str, basic: bool, reading: &mut Reading) {
    mark_replaced(reading);
    let mut deleted: HashMap<String, Vec<(u32, u32)>> = HashMap::new();
    for fact in &reading.facts {
        if let Body::Effect(effect) = &fact.body
            && effect.operation == Operation::Delete
            && matches!(effect.store, Store::File | Store::Directory | Store::Database)
            && effect.phase != Phase::NotShipped
            && effect.location.extent() != Extent::None
        {
            let at = (fact.site.line.unwrap_or(0), fact.site.column.unwrap_or(0));
            deleted.entry(effect.location.key()).or_default().push(at);
        }
    }
    if deleted.is_empty() {
        return;
    }
    let lines: Vec<&str> = text.lines().collect();
    let left = Cell::new(MAX_LOOKED);
    // What is further away than is looked is taken to be on one way.
    let may_look = |span: u32| {
        let enough = span <= MAX_FAR && span <= left.get();
        left.set(if enough { left.get() - span } else { left.get() });
        enough
    };
    let mut opened: HashSet<Site> = HashSet::new();
    for fact in &mut reading.facts {
        let at = (fact.site.line.unwrap_or(0), fact.site.column.unwrap_or(0));
        let Body::Effect(effect) = &mut fact.body else { continue };
        let makes = matches!(
            effect.operation,
            Operation::Create | Operation::Append | Operation::Write | Operation::Copy | Operation::Grant
        );
        if !makes || !matches!(effect.store, Store::File | Store::Directory | Store::Acl | Store::Database) {
            continue;
        }
        let gone = deleted.get(&effect.location.key()).map(Vec::as_slice).unwrap_or_default();
        let mut later: Vec<(u32, u32)> = gone.iter().filter(|gone| **gone > at).copied().collect();
        later.sort_unstable();
        // A deletion on the other way through a condition is another run's.
        let same_way = |to: &&(u32, u32)| {
            !may_look(to.0 - at.0)
                || !(is_other_branch(&lines, at, **to, basic) || is_of_failure(&lines, at, **to, basic))
        };
        let Some(next) = later.iter().take(MAX_DELETIONS).find(same_way) else { continue };
        effect.mark(Trait::DeleteOnClose);
        let between = lines.get(at.0 as usize..next.0 as usize).unwrap_or_default();
        if next.0 - at.0 <= MAX_LIFE && !between.iter().any(|line| leaves(line)) {
            effect.certainty = Certainty::Possible;
            if effect.operation == Operation::Grant {
                opened.insert(fact.site.clone());
            }
        }
    }
    // Rights to a folder are given to be able to remove it.
    let is_open = |fact: &Fact| fact.as_clue().is_some_and(|clue| clue.kind == ClueKind::GrantsAccess);
    reading.facts.retain(|fact| !(is_open(fact) && opened.contains(&fact.site)));
}

/// Endings of what is written beside a file and then takes its place.
const BESIDE: [&str; 6] = [".tmp", ".temp", ".new", ".part", ".partial", "~"];

/// Marks what is written under a name of its own and renamed further down: it is kept under the other name.
fn mark_replaced(reading: &mut Reading) {
    let renamed = |fact: &Fact| {
        let effect =
            fact.as_effect().filter(|e| e.operation == Operation::Rename && e.location.extent() != Extent::None)?;
        let from = effect.evidence.iter().find_map(Step::moved_from);
        Some((effect.location.key(), ((fact.site.line, fact.site.column), from)))
    };
    let renamed: HashMap<_, _> = reading.facts.iter().filter_map(renamed).collect();
    if renamed.is_empty() {
        return;
    }
    for fact in &mut reading.facts {
        let at = (fact.site.line, fact.site.column);
        let Body::Effect(effect) = &mut fact.body else { continue };
        if !matches!(effect.operation, Operation::Create | Operation::Append | Operation::Write | Operation::Copy) {
            continue;
        }
        let key = effect.location.key();
        let Some(stem) = BESIDE.iter().find_map(|ending| key.strip_suffix(ending)) else { continue };
        // What is moved must be that file, as far as is known.
        let is_it = |from: &Location| from.extent() != Extent::Full || from.key() == key;
        if renamed.get(stem).is_some_and(|(then, from)| *then > at && from.as_ref().is_none_or(is_it)) {
            effect.mark(Trait::DeleteOnClose);
        }
    }
}

/// Does a condition or block stand around the second place, and not around the first, that is only carried out when something
/// failed: `If Err.Number <> 0 Then`, `catch`? What is taken away there was not to be kept half done.
fn is_of_failure(lines: &[&str], from: (u32, u32), to: (u32, u32), basic: bool) -> bool {
    let mut open: Vec<bool> = Vec::new();
    let mut failed = false;
    // In Basic, variables that hold the number of the last failure.
    let mut errors: HashSet<String> = HashSet::new();
    for number in from.0..=to.0 {
        let line = (number as usize).checked_sub(1).and_then(|i| lines.get(i)).copied().unwrap_or_default();
        let start = if number == from.0 { from.1.saturating_sub(1) as usize } else { 0 };
        let end = if number == to.0 && to.1 > 0 { to.1 as usize - 1 } else { usize::MAX };
        let part: String = line.chars().take(end.min(MAX_LINE)).skip(start).collect::<String>().to_ascii_lowercase();
        let code = part.trim();
        if basic {
            let code = code.split('\'').next().unwrap_or_default().trim();
            if let Some((name, "err" | "err.number")) = code.split_once('=').map(|(a, b)| (a.trim(), b.trim())) {
                errors.insert(name.to_owned());
            }
            if code.starts_with("if ") && code.ends_with(" then") {
                let asked = code[3..].trim_start_matches([' ', '(']);
                let name = asked.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
                let is_success = asked.replace(' ', "").contains("=0");
                open.push(!is_success && (asked.starts_with("err") || errors.contains(name)));
            } else if code.starts_with("if err") && number == to.0 {
                open.push(true);
            } else if code.starts_with("end if") {
                open.pop();
            }
            continue;
        }
        let mut before = 0;
        for (at, c) in part.char_indices() {
            match c {
                '{' => {
                    let header = part[before..at].trim();
                    open.push(is_failed(header) || header.is_empty() && failed);
                }
                '}' => drop(open.pop()),
                ';' => {}
                _ => continue,
            }
            before = at + 1;
        }
        let rest = part[before..].trim();
        // A brace may stand on a line of its own; in batch the command stands behind the condition.
        failed = is_failed(rest) || rest.is_empty() && failed && code.is_empty();
        if number == to.0 && FAILED_BEFORE.iter().any(|word| rest.contains(word)) {
            return true;
        }
    }
    open.contains(&true)
}

/// What in front of a command of a batch file says that it runs only when something failed.
const FAILED_BEFORE: [&str; 3] = ["if errorlevel 1", "%errorlevel% neq 0", "||"];

/// The head of a block of PowerShell that is carried out when something failed (about_Try_Catch_Finally,
/// about_Automatic_Variables).
fn is_failed(head: &str) -> bool {
    let asks = |words: &[&str]| words.iter().any(|word| head.contains(word));
    head.starts_with("catch")
        || head.starts_with("if") && asks(&["-not $?", "!$?", "$lastexitcode -ne 0", "$lastexitcode -gt 0"])
}

/// Longest beginning of a line that is looked at.
const MAX_LINE: usize = 1_024;

/// Does an `else` that belongs to a condition around the first place hold the second? Blocks are counted by their
/// brackets, in Basic by `If ... Then` and `End If`.
fn is_other_branch(lines: &[&str], from: (u32, u32), to: (u32, u32), basic: bool) -> bool {
    let mut depth = 0i32;
    // How deep the `else` stands whose block is open, and whether the block began.
    let mut branch: Option<(i32, bool)> = None;
    let mut chained = false;
    let mut left = MAX_BETWEEN;
    for number in from.0..=to.0 {
        let line = (number as usize).checked_sub(1).and_then(|i| lines.get(i)).copied().unwrap_or_default();
        let start = if number == from.0 { from.1.saturating_sub(1) as usize } else { 0 };
        let end = if number == to.0 && to.1 > 0 { to.1 as usize - 1 } else { usize::MAX };
        let part: String = line.chars().take(end).skip(start).take(left).collect::<String>().to_ascii_lowercase();
        left = left.saturating_sub(part.len());
        let code = part.trim();
        if matches!(branch, Some((_, false))) && number > from.0 && !code.starts_with(['(', '{']) && !code.is_empty() {
            // An `else` without brackets held the line before.
            branch = None;
        }
        if basic {
            let opens = code.starts_with("if ") && code.ends_with(" then");
            if code.starts_with("else") {
                branch = (depth <= 0).then_some((depth - 1, true)).or(branch);
            } else if code.starts_with("end if") {
                depth -= 1;
            } else if opens {
                depth += 1;
            } else if code.contains(" else ") && number == from.0 {
                branch = (number == to.0).then_some((depth - 1, true));
            }
            branch = branch.filter(|(at, _)| depth > *at);
            continue;
        }
        let mut word_start = true;
        for (i, c) in part.char_indices() {
            match c {
                '(' | '{' => {
                    depth += 1;
                    branch = branch.map(|(at, _)| (at, true));
                }
                ')' | '}' => {
                    depth -= 1;
                    branch = match branch {
                        Some((at, true)) if depth <= at => {
                            // What closed may be the condition of an `else if`.
                            (chained && c == ')').then_some((at, false))
                        }
                        other => other,
                    };
                }
                'e' if word_start && depth < 0 && branch.is_none() && part[i..].starts_with("else") => {
                    branch = Some((depth, false));
                    chained = part[i + 4..].trim_start().starts_with("if");
                }
                _ => {}
            }
            word_start = !c.is_ascii_alphanumeric();
        }
    }
    branch.is_some()
}

/// A label, a new function or section, or a way out: what follows is another way through the script.
fn leaves(line: &str) -> bool {
    let line = line.trim_start();
    let word: String = line.chars().take_while(|c| c.is_ascii_alphabetic()).collect();
    (line.starts_with(':') && !line.starts_with("::"))
        || matches!(
            word.to_ascii_lowercase().as_str(),
            "function" | "filter" | "sub" | "section" | "exit" | "goto" | "return" | "procedure"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the first `+` to the first `-`.
    fn other(text: &str, basic: bool) -> bool {
        let lines: Vec<&str> = text.lines().collect();
        let place = |mark: char| {
            let line = lines.iter().position(|l| l.contains(mark)).unwrap();
            (line as u32 + 1, lines[line].chars().position(|c| c == mark).unwrap() as u32 + 1)
        };
        is_other_branch(&lines, place('+'), place('-'), basic)
    }

    #[test]
    fn the_other_branch_is_another_way() {
        assert!(other("if x (\n  +\n) else (\n  -\n)", false));
        assert!(other("if (x) { + } else { - }", false));
        assert!(other("if (x) {\n+\n}\nelse if (y)\n{\n  -\n}", false));
        assert!(other("if a then\n+\nelse\n-\nend if", true));
        assert!(other("if a then\nif b then\n+\nend if\nelse\n-\nend if", true));
    }

    #[test]
    fn what_is_taken_away_when_something_failed() {
        let failed = |text: &str, basic: bool| {
            let lines: Vec<&str> = text.lines().collect();
            let line = |mark: char| lines.iter().position(|l| l.contains(mark)).unwrap();
            let place = |mark: char| (line(mark) as u32 + 1, lines[line(mark)].find(mark).unwrap() as u32 + 1);
            is_of_failure(&lines, place('+'), place('-'), basic)
        };
        assert!(failed("+\nIf Err.Number <> 0 Then\n x\n -\nEnd If", true));
        assert!(failed("+\nIf Err Then -", true));
        assert!(!failed("+\nIf Err.Number <> 0 Then\n x\nEnd If\n-", true));
        assert!(!failed("+\nIf done Then\n -\nEnd If", true));
        assert!(!failed("+\nIf Err.Number = 0 Then\n -\nEnd If", true));
        assert!(failed("+\nnumber = Err.Number\nIf number <> 0 Then\n -\nEnd If", true));
        assert!(failed("try { + } catch {\n - }", false));
        assert!(!failed("try { + } catch {\n x }\n-", false));
        assert!(!failed("try { + } finally { - }", false));
    }

    #[test]
    fn behind_both_branches_the_ways_meet() {
        assert!(!other("if x (\n  +\n) else (\n  y\n)\n-", false));
        assert!(!other("+\nif x (\n y\n) else (\n -\n)", false));
        assert!(!other("if (x) { + } else { y }\n-", false));
        assert!(!other("+\necho or else\n-", false));
        assert!(!other("if a then\n+\nelse\ny\nend if\n-", true));
        assert!(!other("+\nif a then\ny\nelse\n-\nend if", true));
    }
}
