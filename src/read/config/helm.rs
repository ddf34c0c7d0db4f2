//! Templates of Helm charts, as the values of the chart fill them in.
//!
//! Helm documentation, "Chart Template Guide": a manifest with actions of Go's `text/template` between double braces.
//! What a value of the chart says is put in its place, on the line where it stands; a line that is nothing but an action
//! goes away, and so does a branch that the values do not take. What else would be computed is left out, never guessed.

use super::tree::{NodeId, ROOT, Tree};
use super::yaml;
use crate::facts::{NoteKind, Reading};
use crate::read::Input;
use crate::read::text::decode;

/// Largest file of values that is read.
const MAX_VALUES: u64 = 1 << 20;
/// Longest text that one action stands for.
const MAX_TEXT: usize = 16 << 10;
/// Longest template with its values: behind it nothing is read.
const MAX_FILLED: usize = 1 << 20;
/// Most levels of a value that is written out as a whole.
const MAX_LEVELS: usize = 32;
/// Folders between a template and its chart.
const CHARTS: &[&str] = &["../", "../../"];

/// The text of a template with the values of its chart, line by line; nothing for other files.
pub(super) fn filled_in(input: &Input<'_>, text: &str, reading: &mut Reading) -> Option<String> {
    let is_template =
        text.contains("{{") && input.artifact.path.rsplit('/').skip(1).any(|folder| folder == "templates");
    if !is_template {
        return None;
    }
    let values = CHARTS.iter().find_map(|up| values(input, &format!("{up}values.yaml")));
    let (filled, whole) = fill_in(text, &values.unwrap_or_else(Tree::new));
    if !whole {
        reading
            .note(NoteKind::Capped, "a template that is too long, or too deep, with its values: the rest was not read");
    }
    Some(filled)
}

fn values(input: &Input<'_>, path: &str) -> Option<Tree> {
    let bytes = input.app.sibling(input.artifact, path)?.read(MAX_VALUES).ok()?;
    let text = decode(&bytes, &mut Reading::default());
    yaml::parse(&text).0.into_iter().next()
}

/// The text, and whether it is all of it.
fn fill_in(text: &str, values: &Tree) -> (String, bool) {
    let mut out = String::with_capacity(text.len());
    // For each open block: are its lines carried over, and was a branch of it taken?
    let mut open: Vec<(bool, bool)> = Vec::new();
    let mut in_comment = false;
    for line in text.split_inclusive('\n') {
        if out.len() > MAX_FILLED || open.len() > MAX_LEVELS {
            return (out, false);
        }
        let end = if line.ends_with('\n') { "\n" } else { "" };
        let line = line.trim_end_matches(['\n', '\r']);
        if in_comment || line.trim_start().starts_with("{{/*") || line.trim_start().starts_with("{{- /*") {
            in_comment = !line.contains("*/");
        } else if let Some(action) = only_action(line) {
            let is_carried = open.iter().all(|(carried, _)| *carried);
            if !steer(action, values, &mut open)
                && is_carried
                && let Some(text) = block(action, values)
            {
                out.push_str(&text);
            }
        } else if open.iter().all(|(carried, _)| *carried) {
            out.push_str(&inline(line, values));
        }
        out.push_str(end);
    }
    (out, true)
}

/// The action of a line that holds nothing else.
fn only_action(line: &str) -> Option<&str> {
    let inner = line.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    (!inner.contains("}}")).then(|| bare(inner))
}

/// An action without the signs that eat the blanks around it.
fn bare(inner: &str) -> &str {
    let inner = inner.strip_prefix('-').unwrap_or(inner);
    inner.strip_suffix('-').unwrap_or(inner).trim()
}

/// Opens, turns or closes a block; false for other actions.
fn steer(action: &str, values: &Tree, open: &mut Vec<(bool, bool)>) -> bool {
    let (word, rest) = action.split_once(char::is_whitespace).unwrap_or((action, ""));
    match word {
        "if" => {
            let holds = holds(rest, values);
            open.push((holds, holds));
        }
        "range" | "with" | "define" | "block" => open.push((true, true)),
        "else" => {
            if let Some((carried, taken)) = open.last_mut() {
                let condition = rest.trim().strip_prefix("if ");
                *carried = !*taken && condition.is_none_or(|condition| holds(condition, values));
                *taken |= *carried;
            }
        }
        "end" => {
            open.pop();
        }
        _ => return false,
    }
    true
}

/// Is a condition true? One that asks for more than a value is taken to be.
fn holds(condition: &str, values: &Tree) -> bool {
    let condition = condition.trim();
    let (wanted, name) = condition.strip_prefix("not ").map_or((true, condition), |name| (false, name.trim()));
    let Some(node) = value(name, values) else { return true };
    let is_empty = node.is_none_or(|node| {
        let text = values.value(node);
        values.elements(node).next().is_none() && matches!(text, "" | "false" | "0")
    });
    is_empty != wanted
}

/// The node of `.Values.a.b`; `None` for what is no such name, `Some(None)` where the chart has no such value.
fn value(name: &str, values: &Tree) -> Option<Option<NodeId>> {
    let path = name.strip_prefix("$").unwrap_or(name).strip_prefix(".Values.")?;
    let is_plain = path.chars().all(|c| c.is_alphanumeric() || "._-".contains(c));
    is_plain.then(|| path.split('.').try_fold(ROOT, |at, name| values.child(at, name)))
}

/// What an action on a line of its own stands for: a whole value, written so that it stays on that line.
fn block(action: &str, values: &Tree) -> Option<String> {
    let mut steps = action.split('|').map(str::trim);
    let name = steps.next()?;
    let name = name.strip_prefix("toYaml").map_or(name, str::trim);
    let node = value(name, values)??;
    let indent = steps.find_map(|step| step.strip_prefix("nindent").or_else(|| step.strip_prefix("indent")));
    let width = indent.and_then(|width| width.trim().parse::<usize>().ok()).unwrap_or_default();
    let mut out = " ".repeat(width.min(MAX_LEVELS));
    flow(values, node, MAX_LEVELS, &mut out);
    (out.len() <= MAX_TEXT).then_some(out)
}

/// A value in flow style, which needs no lines.
fn flow(values: &Tree, node: NodeId, levels: usize, out: &mut String) {
    let members: Vec<NodeId> = values.elements(node).collect();
    if levels == 0 || out.len() > MAX_TEXT {
        return out.push('~');
    }
    if members.is_empty() {
        return out.push_str(&quoted(values.value(node)));
    }
    let is_list = members.iter().all(|&member| values.name(member).bytes().all(|b| b.is_ascii_digit()));
    out.push(if is_list { '[' } else { '{' });
    for (number, &member) in members.iter().enumerate() {
        if number > 0 {
            out.push_str(", ");
        }
        if !is_list {
            out.push_str(&quoted(values.name(member)));
            out.push_str(": ");
        }
        flow(values, member, levels - 1, out);
    }
    out.push(if is_list { ']' } else { '}' });
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''").replace(['\r', '\n'], " "))
}

/// A line with actions in it. Where one is not known, the value that it is a part of is left out as a whole. How many pods
/// there are is decided by who installs the chart, which comes with a number for trying it out.
fn inline(line: &str, values: &Tree) -> String {
    if line.contains("{{") && line.trim_start().starts_with("replicas:") {
        return before_value(line);
    }
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, tail)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((inner, after)) = tail.split_once("}}") else { return before_value(&out) };
        let action = bare(inner);
        let name = action.split('|').next().unwrap_or(action).trim();
        let is_changed = action.split('|').skip(1).any(|step| !matches!(step.trim(), "quote" | "squote"));
        let known = value(name, values).flatten().filter(|_| !is_changed);
        match known.map(|node| values.value(node)).filter(|text| !text.is_empty() && !text.contains(['\n', '"', '\'']))
        {
            Some(text) if out.len() <= MAX_TEXT => out.push_str(text),
            _ => return before_value(&out),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The key of a line, or the dash of an item, without what follows.
fn before_value(line: &str) -> String {
    let dash = line.trim_start().starts_with("- ");
    match line.find(": ") {
        Some(end) => line[..=end].to_owned(),
        None if dash => line[..line.find('-').map_or(0, |at| at + 1)].to_owned(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> String {
        let values = "replicas: 3\nstore: {claim: false, path: 'C:\\data'}\nselector: {kubernetes.io/os: windows}\n";
        fill_in(text, &yaml::parse(values).0[0]).0
    }

    #[test]
    fn values_take_the_place_of_actions() {
        assert_eq!(filled("a: {{ .Values.replicas }}\n"), "a: 3\n");
        assert_eq!(filled("p: '{{ .Values.store.path }}\\x'"), "p: 'C:\\data\\x'");
        assert_eq!(
            filled("n:\n  {{- toYaml .Values.selector | nindent 2 }}\n"),
            "n:\n  {'kubernetes.io/os': 'windows'}\n"
        );
        // What is not known leaves no half of a value.
        assert_eq!(filled("n: x-{{ include \"name\" . }}\n- {{ .Values.none }}"), "n:\n-");
        assert_eq!(filled("n: {{ .Values.replicas | add 1 }}"), "n:");
        assert_eq!(filled("replicas: {{ .Values.replicas }}\nreplicas: 2"), "replicas:\nreplicas: 2");
    }

    #[test]
    fn branches_that_are_not_taken_go_away() {
        let text = "{{- if .Values.store.claim }}\na: 1\n{{- else }}\nb: 2\n{{- end }}\nc: 3\n";
        assert_eq!(filled(text), "\n\n\nb: 2\n\nc: 3\n");
        let text = "{{ if not .Values.store.claim }}\na: 1\n{{ else if .Values.replicas }}\nb: 2\n{{ end }}\n";
        assert_eq!(filled(text), "\na: 1\n\n\n\n");
        assert_eq!(filled("{{/* one\ntwo */}}\na: 1"), "\n\na: 1");
        // More than a value is asked for: the first branch.
        assert_eq!(filled("{{ if eq .Values.replicas 3 }}\na: 1\n{{ else }}\nb: 2\n{{ end }}"), "\na: 1\n\n\n");
    }
}
