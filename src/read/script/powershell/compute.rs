//! PowerShell commands that only compute a value or steer the walk.

use super::arguments::Argument;
use super::run::Machine;
use super::value::{Scope, Value};
use crate::facts::{Source, Text, join_paths};
use crate::read::script::sink::PROMPT;
use crate::read::script::{call, words};
use tree_sitter::Node;

/// Parameters of the cmdlets that find and take paths apart which take no value.
const SWITCHES: &[&str] = &[
    "recurse",
    "force",
    "file",
    "directory",
    "name",
    "hidden",
    "system",
    "readonly",
    "resolve",
    "leaf",
    "parent",
    "qualifier",
    "noqualifier",
    "isabsolute",
    "leafbase",
    "extension",
    "unique",
    "descending",
    "verbose",
    "debug",
    "passthru",
    "asjob",
    "followsymlink",
    "isvalid",
];

impl<'s> Machine<'s, '_, '_> {
    /// The script gives a trigger its repetition after it was made.
    fn repeats_later(&self) -> bool {
        self.source.to_ascii_lowercase().contains(".repetition")
    }

    /// Commands that only compute, or steer the walk.
    pub(super) fn compute(
        &mut self,
        name: &str,
        arguments: &[Argument<'s>],
        input: &Value,
        node: Node<'s>,
        scope: &mut Scope,
    ) -> Option<Value> {
        let positional = || {
            values(arguments, &["path", "literalpath", "childpath", "parent", "leaf", "resolve", "additionalchildpath"])
        };
        let first = || positional().into_iter().next().unwrap_or_else(Value::unknown);
        Some(match name {
            "join-path" if positional().len() == 1 && *input != Value::Null => input.with(&first(), put_behind),
            "join-path" => {
                positional().into_iter().reduce(|a, b| a.with(&b, put_behind)).unwrap_or_else(Value::unknown)
            }
            "split-path" => {
                let leaf = arguments.iter().any(|a| matches!(a, Argument::Name { name, .. } if name.starts_with("le")));
                let path = if positional().is_empty() { input.clone() } else { first() };
                if leaf {
                    path.map(|t| {
                        t.as_lit().map_or_else(Text::unknown, |s| Text::lit(s.rsplit(['\\', '/']).next().unwrap_or(s)))
                    })
                } else {
                    path.map(call::parent)
                }
            }
            "get-item" | "gi" | "resolve-path" | "rvpa" | "convert-path" => {
                let path = if positional().is_empty() && *input != Value::Null { input.clone() } else { first() };
                Value::Paths(path.texts().iter().map(|t| from_here(t, scope)).collect())
            }
            // The names alone, which somebody puts behind the folder.
            "get-childitem" | "gci" | "ls" | "dir" if arguments.iter().any(is_name_switch) => {
                Value::Paths([Text::unknown()].into())
            }
            "get-childitem" | "gci" | "ls" | "dir" => {
                let path = positional().into_iter().next().unwrap_or_else(|| {
                    if *input == Value::Null { Value::text(scope.location().clone()) } else { input.clone() }
                });
                let filter = named(arguments, &["filter", "include"]).and_then(|v| v.first());
                Value::Paths(path.texts().iter().map(|t| from_here(&found_below(t, filter.as_ref()), scope)).collect())
            }
            // What they find goes by its name to the command behind the pipe.
            "get-service" | "gsv" | "get-scheduledtask" | "get-localuser" | "get-website" | "get-smbshare" => {
                let name = ["name", "displayname", "taskname", "include"];
                let known = values(arguments, &name).into_iter().next().unwrap_or_else(Value::unknown);
                Value::Paths(known.texts())
            }
            "set-alias" | "new-alias" | "sal" | "nal" => {
                let mut list = values(arguments, &["name", "value"]).into_iter().map(|v| v.first());
                if let (Some(Some(alias)), Some(Some(target))) = (list.next(), list.next()) {
                    self.aliases.insert(alias.to_string().to_lowercase(), target);
                }
                Value::Null
            }
            "get-location" | "gl" | "pwd" => Value::text(scope.location().clone()),
            "set-location" | "cd" | "chdir" | "sl" | "push-location" | "pushd" => {
                if name.starts_with("push") {
                    scope.remember_location();
                }
                if let Some([one]) = positional().first().map(Value::texts).as_deref() {
                    scope.enter(one);
                }
                Value::Null
            }
            "pop-location" | "popd" => {
                scope.return_to_location();
                Value::Null
            }
            "get-date" => Value::text(Text::from_source(Source::Generated, "time")),
            "new-scheduledtasktrigger" if runs_once_now(self.slice(node)) && !self.repeats_later() => {
                Value::lit(ONCE_NOW)
            }
            "new-guid" => Value::text(Text::from_source(Source::Generated, "guid")),
            "get-random" => Value::text(Text::from_source(Source::Generated, "random")),
            "read-host" => Value::text(Text::from_source(Source::Input, PROMPT)),
            "write-output" | "echo" | "write" | "out-string" | "convertto-json" | "convertto-xml" | "convertto-csv"
            | "where-object" | "where" | "?" | "sort-object" | "select-object" | "select" | "sort" => {
                if *input == Value::Null { first() } else { input.clone() }
            }
            "foreach-object" | "%" | "foreach" => input.clone(),
            "new-object" => {
                let mut values = values(arguments, &["typename", "argumentlist", "args"]).into_iter();
                let kind = values.next().and_then(|v| v.first()).unwrap_or_default();
                let kind = super::expression::object_type(&kind);
                // Without a comma the one argument is a text, which may read in several ways; others are lists.
                let written = self.slice(node);
                let is_text = written.contains('"') && !written.contains(',');
                let arguments: Vec<Value> = match is_text {
                    true => values.collect(),
                    false => values.flat_map(|v| v.texts().to_vec()).map(Value::text).collect(),
                };
                self.construct(&kind, &arguments, node, scope)
            }
            "new-variable" | "set-variable" | "sv" | "nv" => {
                let mut list = values(arguments, &["name", "value"]).into_iter();
                if let (Some(Some(name)), Some(value)) = (list.next().map(|n| n.first()), list.next()) {
                    scope.set(&name.to_string().to_lowercase(), value, node.start_byte());
                }
                Value::Null
            }
            "write-host" | "write-verbose" | "write-warning" | "write-error" | "write-debug" | "write-information"
            | "out-null" | "out-host" | "test-path" | "get-command" | "get-process" => Value::Null,
            _ => return None,
        })
    }
}

/// What the catalogue calls a trigger that fires once, as soon as the task is there.
const ONCE_NOW: &str = "once now";

/// `-Once -At (Get-Date).AddSeconds(2)` and nothing else: a way to run something now as another account. Any other time,
/// and any other parameter, makes a schedule that has to last.
fn runs_once_now(written: &str) -> bool {
    let is_kept = |c: &char| !c.is_whitespace() && !matches!(c, '(' | ')');
    let written: String = written.to_ascii_lowercase().chars().filter(is_kept).collect();
    let at = written.strip_prefix("new-scheduledtasktrigger-once-at");
    let at = at.or_else(|| written.strip_prefix("new-scheduledtasktrigger-at")?.strip_suffix("-once"));
    let after = at.and_then(|at| at.strip_prefix("get-date").or_else(|| at.strip_prefix("[datetime]::now")));
    let Some(after) = after else { return false };
    let few = |count: &str, most: u32| count.parse::<u32>().is_ok_and(|count| count <= most);
    after.is_empty()
        || after.strip_prefix(".addseconds").is_some_and(|count| few(count, 600))
        || after.strip_prefix(".addminutes").is_some_and(|count| few(count, 10))
}

/// The value of the first of these parameters that is given.
fn named(arguments: &[Argument<'_>], names: &[&str]) -> Option<Value> {
    let at =
        arguments.iter().position(|a| matches!(a, Argument::Name { name, .. } if names.contains(&name.as_str())))?;
    match arguments.get(at + 1) {
        Some(Argument::Value(value, _)) => Some(value.clone()),
        _ => None,
    }
}

fn is_name_switch(argument: &Argument<'_>) -> bool {
    matches!(argument, Argument::Name { name, .. } if name == "name" || name == "n")
}

/// `Join-Path` puts the second path behind the first whatever it begins with.
fn put_behind(folder: &Text, path: &Text) -> Text {
    let lead = path.leading_lit();
    match lead.len() - lead.trim_start_matches(['\\', '/']).len() {
        0 => join_paths(folder, path),
        count => join_paths(folder, &words::drop_front(path, count)),
    }
}

/// The whole path of what is found by a pattern alone.
fn from_here(path: &Text, scope: &Scope) -> Text {
    if path.leading_lit().starts_with(['*', '?']) { join_paths(scope.location(), path) } else { path.clone() }
}

/// What a search in a folder finds: a pattern or a file stays as it is, a filter goes behind the folder.
fn found_below(path: &Text, filter: Option<&Text>) -> Text {
    let name = path.trailing_lit().rsplit(['\\', '/']).next().unwrap_or_default();
    let extension = name.rsplit_once('.').map_or("", |(_, e)| e);
    let pattern = name.contains(['*', '?']) || (extension.len() == 3 && extension.chars().all(char::is_alphabetic));
    match filter {
        Some(filter) if !pattern => join_paths(path, filter),
        _ if pattern => path.clone(),
        _ => join_paths(path, &Text::lit("*")),
    }
}

/// Positional values and those of the named parameters, in order.
pub(super) fn values(arguments: &[Argument<'_>], names: &[&str]) -> Vec<Value> {
    let mut pending: Option<&str> = None;
    let mut out = Vec::new();
    for argument in arguments {
        match argument {
            Argument::Name { name, follows, .. } => {
                pending = Some(name.as_str()).filter(|name| *follows || !SWITCHES.contains(name));
            }
            Argument::Value(value, _) => match pending.take() {
                Some(name) if !names.iter().any(|n| n.starts_with(name)) => {}
                _ => out.push(value.clone()),
            },
            Argument::Block(_) => pending = None,
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_what_starts_at_once_is_no_schedule() {
        let now = |at: &str| super::runs_once_now(&format!("New-ScheduledTaskTrigger -Once -At {at}"));
        for at in
            ["(Get-Date)", "(Get-Date).AddSeconds(2)", "((Get-Date).AddMinutes( 5 ))", "[DateTime]::Now.AddSeconds(9)"]
        {
            assert!(now(at), "{at}");
        }
        for at in [
            "(Get-Date \"2027-01-01 03:00\")",
            "((Get-Date).Date + '23:00')",
            "(Get-Date).AddMinutes(600)",
            "(Get-Date).AddSeconds($wait)",
            "(Get-Date) @repeat",
            "(Get-Date) -RepetitionInterval $every",
            "(Get-Date).AddDays(1)",
        ] {
            assert!(!now(at), "{at}");
        }
    }
}
