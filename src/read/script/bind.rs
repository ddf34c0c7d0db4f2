//! Arguments of executables, bound as the command reads them, and the form of the command that they fit.

use super::items;
use super::queries;
use super::words::{self, Word};
use crate::catalog::commands::{Command, Form};
use crate::facts::Text;

/// Arguments as the command understands them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bound {
    /// What is no option.
    pub(crate) positional: Vec<Text>,
    /// Options in lower case, without prefix, with their values.
    pub(crate) options: Vec<(String, Option<Text>)>,
    /// All words, as written.
    pub(crate) words: Vec<Word>,
    /// There may be more options than those that are seen.
    pub(crate) is_open: bool,
}

impl Bound {
    pub(super) fn option(&self, name: &str) -> Option<&(String, Option<Text>)> {
        let prefix = name.strip_suffix('*');
        self.options.iter().find(|(n, _)| n == name || prefix.is_some_and(|p| n.starts_with(p)))
    }
}

/// Reads arguments as most Windows tools do: `/x`, `-x`, `/x:value`, `/x value`, `x= value`.
pub(super) fn bind(command: &Command, arguments: &[Word]) -> Bound {
    let mut bound = Bound { words: arguments.to_vec(), ..Bound::default() };
    let mut i = 0;
    while let Some(word) = arguments.get(i) {
        i += 1;
        let lead = word.text.leading_lit();
        let dashed = word.raw.leading_lit().starts_with(['/', '-']) && lead.len() > 1;
        if let Some(letter) = lead.chars().nth(1).filter(|_| dashed && command.letters) {
            let name = letter.to_string();
            let takes = command.values.contains(&name);
            let touching = words::unquote(&words::drop_front(&word.text, 1 + letter.len_utf8()));
            let value = match touching.is_empty() && takes {
                true => arguments.get(i).map(|next| next.text.clone()).inspect(|_| i += 1),
                false => Some(touching).filter(|_| takes),
            };
            bound.options.push((command.aliases.get(&name).cloned().unwrap_or(name), value));
            continue;
        }
        if let Some(name) = command.glued.iter().find(|name| dashed && starts_with(&lead[1..], name)) {
            let value = words::unquote(&words::drop_front(&word.text, 1 + name.len()));
            bound.options.push((name.clone(), Some(value).filter(|v| !v.is_empty())));
            continue;
        }
        let (name_end, value_start) = option_name(lead, dashed, command.equals);
        let is_last = |name: &str| command.last.iter().any(|last| last == name);
        let Some(name_end) = name_end else {
            bound.positional.push(word.text.clone());
            if is_last("*") {
                break;
            }
            continue;
        };
        let mut name = lead[usize::from(dashed)..name_end].to_lowercase();
        let inline = value_start.map(|start| words::drop_front(&word.text, start)).filter(|t| !t.is_empty());
        // A property, `LAUNCH=0`, is no option of which only the beginning is said.
        let begins = |v: &String| dashed && v.strip_suffix('*').is_some_and(|p| name.starts_with(p));
        let takes = command.values.iter().find(|v| *v == &name || begins(v));
        if let Some(prefix) = takes.and_then(|v| v.strip_suffix('*')) {
            name = prefix.to_owned();
        }
        // All words up to the next option are its values; no form asks for them.
        if dashed && command.lists.contains(&name) {
            let is_listed = |w: &&Word| !w.raw.leading_lit().starts_with(['/', '-']);
            i += arguments[i..].iter().take_while(is_listed).count();
        }
        let open = value_start.is_some() && !dashed;
        let value = match inline {
            Some(value) => Some(value),
            // Another option of the command is no value.
            None if takes.is_some() || open => {
                let next = arguments.get(i).filter(|w| open || !is_option(command, &w.raw));
                i += usize::from(next.is_some());
                next.map(|w| w.text.clone())
            }
            None => None,
        };
        let ends = is_last(&name);
        bound.options.push((name, value));
        if ends {
            break;
        }
    }
    bound
}

/// Is the word one of the options of the command that take a value?
fn is_option(command: &Command, raw: &Text) -> bool {
    let name = raw.as_lit().and_then(|word| word.strip_prefix('/'));
    name.is_some_and(|name| command.values.iter().any(|known| known.eq_ignore_ascii_case(name)))
}

fn starts_with(text: &str, name: &str) -> bool {
    text.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name))
}

/// Where the name of an option ends and its value starts; no end: not an option.
fn option_name(lead: &str, dashed: bool, equals: bool) -> (Option<usize>, Option<usize>) {
    if dashed {
        // A path such as `/c/x` or `-http://` is no option with a value; a drive letter is.
        let stop = lead.find([':', '=']);
        return match stop {
            Some(at) => (Some(at), Some(at + 1)),
            None => (Some(lead.len()), None),
        };
    }
    match lead.find('=') {
        Some(at) if equals && at > 0 && lead[..at].chars().all(|c| c.is_alphanumeric() || "_-.[]/".contains(c)) => {
            (Some(at), Some(at + 1))
        }
        _ => (None, None),
    }
}

/// The parameter of a cmdlet that names the machine that it works on.
const MACHINE: &str = "computername";

/// Does the form match, and how many positional arguments are its words?
pub(super) fn matches(form: &Form, bound: &Bound) -> Option<usize> {
    // The name of this machine says nothing.
    let is_here = |name: &String, value: Option<&Text>| name == MACHINE && value.is_some_and(items::is_this_machine);
    let has = |name: &String| bound.option(name).is_some_and(|(_, value)| !is_here(name, value.as_ref()));
    let is = |(name, patterns): (&String, &String)| {
        let value = bound.option(name).and_then(|(_, value)| value.as_ref());
        value.is_some_and(|v| {
            let v = v.to_string().to_lowercase();
            let is_like = |v: &str| patterns.split('|').any(|p| glob(p, v));
            match form.statements.contains(name) {
                true => v.split(';').map(str::trim).filter(|statement| !statement.is_empty()).all(is_like),
                false => is_like(&v),
            }
        })
    };
    if !form.with.iter().all(is) {
        return None;
    }
    let asks = |name: &String| {
        let queries = bound.options.iter().filter(|(n, _)| n == name);
        queries.into_iter().all(|(_, query)| query.as_ref().is_some_and(queries::only_asks))
    };
    if !form.asks.iter().all(asks) {
        return None;
    }
    if !form.all.iter().all(has) || form.none.iter().any(has) || !(form.any.is_empty() || form.any.iter().any(has)) {
        return None;
    }
    let skip = match_words(&form.words, &bound.positional)?;
    (bound.positional.len() - skip >= form.least).then_some(skip)
}

fn match_words(words: &[String], positional: &[Text]) -> Option<usize> {
    let mut at = 0;
    for (i, word) in words.iter().enumerate() {
        if word == "**" {
            let rest = &words[i + 1..];
            return (at..=positional.len().min(at + 4))
                .find_map(|from| Some(from + match_words(rest, positional.get(from..)?)?));
        }
        let text = positional.get(at)?.to_string().to_lowercase();
        if !word.split('|').any(|pattern| glob(pattern, &text)) {
            return None;
        }
        at += 1;
    }
    Some(at)
}

/// `*` stands for any characters, at the ends or once in the middle.
fn glob(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut last = None;
    for piece in pieces {
        last = Some(piece);
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    last.map_or(rest.is_empty(), |piece| piece.is_empty() || rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        assert!(glob("add", "add") && !glob("add", "address"));
        assert!(glob("*=*", "a=b") && glob("\\\\*", "\\\\srv") && glob("*.dll", "x.dll") && !glob("*.dll", "x.dl"));
    }

    #[test]
    fn what_is_of_the_command_that_is_started() {
        let powershell = Command {
            names: vec!["powershell".to_owned()],
            values: vec!["f*".to_owned(), "ex*".to_owned()],
            last: ["f", "command", "*"].map(str::to_owned).to_vec(),
            ..Command::default()
        };
        let options = |line: &str| -> Vec<String> {
            bind(&powershell, &words::split(&Text::lit(line))).options.into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(options("-ex bypass -Command Remove-Item x -Force"), ["ex", "command"]);
        assert_eq!(options("-ex bypass -File x.ps1 -Command y"), ["ex", "f"]);
        assert_eq!(options("-NoProfile New-Item x -Force"), ["noprofile"]);
    }
}
