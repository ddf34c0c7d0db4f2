//! What the commands of scripts do: executables, built-ins of cmd, cmdlets and their aliases.
//!
//! A [`Command`] says how its arguments are read (which options take a value) and holds [`Form`]s: the first form
//! whose words and options are present says what happens. Locations are [`Template`]s over the arguments.

use crate::facts::{Certainty, Operation, Phase, Store, Trait};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

/// Whose names apply: `sc` is a service tool to cmd and a cmdlet alias to PowerShell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shell {
    /// Executables, for everyone.
    #[default]
    Any,
    /// cmd.
    Batch,
    /// PowerShell.
    Powershell,
    /// NSIS instructions.
    Nsis,
    /// Pascal code of Inno Setup.
    Pascal,
    /// Methods of the script host's objects.
    Wsh,
    /// Elements of WiX sources.
    Wix,
    /// Functions of PHP.
    Php,
}

/// A command and what it does.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Command {
    /// Lower-case names without extension; the first is the one reports show.
    pub names: Vec<String>,
    /// It is no part of Windows: an application brings it along to use it, and each call says what it does.
    #[serde(default)]
    pub brought: bool,
    /// It runs a program as a service, and is told which, where and with what arguments, one by one: `install NAME PROGRAM`,
    /// `set NAME SETTING VALUE`.
    #[serde(default)]
    pub wraps: bool,
    /// Options that take a value in the next argument; `l*` means every option that starts so.
    #[serde(default)]
    pub values: Vec<String>,
    /// Options that take all the words up to the next option: `/XF *.tmp *.log`.
    #[serde(default)]
    pub lists: Vec<String>,
    /// Options whose value touches their name: `-oC:\folder`.
    #[serde(default)]
    pub glued: Vec<String>,
    /// Options behind which nothing belongs to the command itself, but to what it starts; `*` for its first argument that is
    /// no option.
    #[serde(default)]
    pub last: Vec<String>,
    /// Options of a cmdlet that take no value.
    #[serde(default)]
    pub flags: Vec<String>,
    /// Names for the positional arguments, in order.
    #[serde(default)]
    pub params: Vec<String>,
    /// Other names of parameters, with the name that the forms use.
    #[serde(default)]
    pub aliases: BTreeMap<String, String>,
    /// Parameters of a cmdlet whose list of values is one command line.
    #[serde(default)]
    pub lines: Vec<String>,
    /// Options are single letters of either case, and a value may touch its letter, as `getopt` reads them: `-Sserver`.
    #[serde(default)]
    pub letters: bool,
    /// `name=value` arguments are options.
    #[serde(default)]
    pub equals: bool,
    /// What it does; the first that matches counts, and behind one that lets [`Form::more`] through the next.
    #[serde(default)]
    pub form: Vec<Form>,
}

impl Command {
    /// Does it work on items of any drive of PowerShell?
    #[must_use]
    pub fn knows_drives(&self) -> bool {
        self.form.iter().flat_map(|form| &form.effects).any(|outcome| outcome.provider.is_some())
    }
}

/// One way to call a command.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Form {
    /// What follows may apply too; otherwise the first form that matches is the only one.
    #[serde(default)]
    pub more: bool,
    /// What reports call it, where the command alone does not say enough.
    #[serde(default)]
    pub via: Option<String>,
    /// Leading positional arguments: alternatives by `|`, `*` for any, `**` for any number.
    #[serde(default)]
    pub words: Vec<String>,
    /// At least one of these options.
    #[serde(default)]
    pub any: Vec<String>,
    /// All of these options.
    #[serde(default)]
    pub all: Vec<String>,
    /// None of these options.
    #[serde(default)]
    pub none: Vec<String>,
    /// These options with values like this: alternatives by `|`, `*` for any characters.
    #[serde(default)]
    pub with: BTreeMap<String, String>,
    /// Of these options each statement, between semicolons, is like that.
    #[serde(default)]
    pub statements: Vec<String>,
    /// These options hold queries that change nothing.
    #[serde(default)]
    pub asks: Vec<String>,
    /// At least so many positional arguments behind the words.
    #[serde(default)]
    pub least: usize,
    /// What happens to state.
    #[serde(default)]
    pub effects: Vec<Outcome>,
    /// What it leads on to.
    #[serde(default)]
    pub starts: Vec<Start>,
    /// The command line of an installer that it runs: what that says of the server to be set up counts.
    #[serde(default)]
    pub setup: Option<Template>,
    /// Those who make the application, or run its platform, call it so, from outside of an instance.
    #[serde(default)]
    pub outside: bool,
}

impl Form {
    /// Does it tell anything?
    #[must_use]
    pub fn acts(&self) -> bool {
        self.outside || !self.effects.is_empty() || !self.starts.is_empty()
    }
}

/// An effect of a form.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Outcome {
    /// Operation.
    pub does: Operation,
    /// Store.
    pub store: Store,
    /// Location; when an argument it names is absent there is no such effect.
    pub at: Template,
    /// How the location is to be read; by default as the store suggests.
    #[serde(default)]
    pub kind: Option<Kind>,
    /// Name of a registry value, or section and key of an INI file, below the location.
    #[serde(default)]
    pub value: Option<Template>,
    /// What is written, for its origin.
    #[serde(default)]
    pub data: Option<Template>,
    /// What is copied, for its origin.
    #[serde(default)]
    pub source: Option<Template>,
    /// Where it leads, when it is a link.
    #[serde(default)]
    pub to: Option<Template>,
    /// The provider by which a connection string is read, of a server that is none of SQL Server.
    #[serde(default)]
    pub engine: Option<String>,
    /// The database of that server.
    #[serde(default)]
    pub database: Option<Template>,
    /// Only when this server is the machine itself.
    #[serde(default)]
    pub server: Option<Template>,
    /// No more certain than this.
    #[serde(default)]
    pub certainty: Option<Certainty>,
    /// Only when the location is of this provider of PowerShell.
    #[serde(default)]
    pub provider: Option<Provider>,
    /// Traits.
    #[serde(default)]
    pub traits: Vec<Trait>,
    /// When it happens, where that is not when the command runs: a program or a service is told where to write.
    #[serde(default)]
    pub phase: Option<Phase>,
}

/// How a location is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A path.
    File,
    /// A registry key.
    Registry,
    /// A name.
    Name,
    /// A server of databases, or a connection string that names one; nothing for the one of this machine.
    Server,
}

/// A provider of PowerShell, told by the drive of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Provider {
    /// Files and folders.
    File,
    /// The registry.
    Registry,
    /// Certificate stores.
    Certificate,
    /// Web server configuration.
    Iis,
    /// Remote management settings.
    Wsman,
    /// Variables, functions, the process environment: nothing that stays.
    Process,
}

/// Another program or script that a command runs.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Start {
    /// How, as the clue's key says it.
    pub how: String,
    /// The file that is run or installed.
    #[serde(default)]
    pub file: Option<Template>,
    /// A command line that is run in place.
    #[serde(default)]
    pub command: Option<Template>,
    /// A script as Base64 of UTF-16LE, as `powershell -EncodedCommand` takes it.
    #[serde(default)]
    pub encoded: Option<Template>,
    /// Words in [`Start::command`] that the command itself fills in: `@path` of `forfiles`.
    #[serde(default)]
    pub placeholders: Vec<String>,
    /// The language of [`Start::command`].
    #[serde(default)]
    pub language: Shell,
}

/// A text over arguments: `<1>`, `<last>`, `<each>`, `<path|1>`, `<rest>`; anything else is literal.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct Template {
    /// Its pieces, in order.
    pub pieces: Vec<Piece>,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Literal characters.
    Lit(String),
    /// The first of these arguments that is present.
    Arg(Vec<Selector>),
}

/// Which argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// The n-th positional argument behind the form's words, from 1; 0 is the last of the words.
    Nth(usize),
    /// The last positional argument.
    Last,
    /// Every positional argument from the n-th on: one effect for each.
    Each(usize),
    /// The command line from the n-th positional argument on.
    Rest(usize),
    /// The part of a positional argument before its equals sign.
    Before(usize),
    /// The n-th positional argument up to its first comma: the file of `FILE,SECTION`.
    Listed(usize),
    /// The command line behind an option.
    After(String),
    /// The value of an option.
    Option(String),
    /// Where a query that an option holds puts a copy of a database.
    Disk(String),
    /// The second argument as a name beside the first.
    Beside(Box<Selector>, Box<Selector>),
    /// What a file becomes at its target, by the names of both arguments: where the target is a folder by the way it is
    /// written, the name of the file goes behind it.
    Into(Box<Selector>, Box<Selector>),
    /// The same of what may be a folder, which gives what is in it: only the name of a file goes behind the target.
    FileInto(Box<Selector>, Box<Selector>),
    /// All arguments, joined by spaces.
    All,
    /// The program itself.
    Program,
    /// The current folder.
    Here,
    /// Known to be there, but not what: `{?}`.
    Unknown,
    /// Nothing, where the arguments before it are absent.
    Empty,
}

impl From<String> for Template {
    fn from(text: String) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text.as_str();
        while let Some((before, tail)) = rest.split_once('<') {
            let Some((inner, after)) = tail.split_once('>') else { break };
            if !before.is_empty() {
                pieces.push(Piece::Lit(before.to_owned()));
            }
            pieces.push(Piece::Arg(inner.split('|').map(selector).collect()));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Lit(rest.to_owned()));
        }
        Template { pieces }
    }
}

fn selector(text: &str) -> Selector {
    let (name, argument) = text.split_once(':').unwrap_or((text, ""));
    match name {
        "last" => Selector::Last,
        "each" => Selector::Each(argument.parse().unwrap_or(1)),
        "rest" => Selector::Rest(argument.parse().unwrap_or(1)),
        "before" => Selector::Before(argument.parse().unwrap_or(1)),
        "listed" => Selector::Listed(argument.parse().unwrap_or(1)),
        "after" => Selector::After(argument.to_owned()),
        "disk" => Selector::Disk(argument.to_owned()),
        "beside" | "into" | "file-into" => {
            let (first, second) = argument.split_once(',').unwrap_or((argument, "1"));
            let (first, second) = (Box::new(selector(first)), Box::new(selector(second)));
            match name {
                "beside" => Selector::Beside(first, second),
                "into" => Selector::Into(first, second),
                _ => Selector::FileInto(first, second),
            }
        }
        "all" => Selector::All,
        "program" => Selector::Program,
        "here" => Selector::Here,
        "?" => Selector::Unknown,
        "none" => Selector::Empty,
        _ => name.parse().map_or_else(|_| Selector::Option(text.to_owned()), Selector::Nth),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    shell: Shell,
    #[serde(default)]
    command: Vec<Command>,
}

/// The table.
#[derive(Debug, Default)]
struct Table {
    commands: Vec<Command>,
    by_name: HashMap<Shell, HashMap<String, usize>>,
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = Table::default();
        for (_, packed) in super::tables("commands") {
            // A table of another shape is a defect of the build; the test below names it.
            let Ok(file) = packed.read::<File>() else { continue };
            for command in file.command {
                let names = table.by_name.entry(file.shell).or_default();
                names.extend(command.names.iter().map(|name| (name.clone(), table.commands.len())));
                table.commands.push(command);
            }
        }
        table
    })
}

/// The command of this lower-case name, as `shell` understands it. Only shells run executables by their names: `Format`
/// of Pascal and `replace` of a text of JScript are other things.
pub fn find(shell: Shell, name: &str) -> Option<&'static Command> {
    let table = table();
    let at = |shell| table.by_name.get(&shell)?.get(name);
    let is_shell = matches!(shell, Shell::Any | Shell::Batch | Shell::Powershell);
    at(shell).or_else(|| at(Shell::Any).filter(|_| is_shell)).and_then(|&i| table.commands.get(i))
}

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Command> {
    table().commands.iter()
}

/// All names that a shell knows beyond the executables.
pub fn names(shell: Shell) -> impl Iterator<Item = &'static str> {
    table().by_name.get(&shell).into_iter().flat_map(HashMap::keys).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_parses_and_no_name_is_given_twice() {
        let mut seen = std::collections::HashSet::new();
        for (path, packed) in crate::catalog::tables("commands") {
            let file: File = packed.read().unwrap_or_else(|e| panic!("{path}: {e}"));
            for command in file.command {
                for name in command.names {
                    assert_eq!(name, name.to_lowercase(), "{path}");
                    assert!(seen.insert((file.shell, name.clone())), "{path}: {name} is given twice");
                }
            }
        }
        assert!(seen.len() > 100);
    }

    #[test]
    fn templates_read_their_selectors() {
        let t = Template::from("HKLM\\X\\<name|1>".to_owned());
        assert_eq!(
            t.pieces,
            [Piece::Lit("HKLM\\X\\".into()), Piece::Arg(vec![Selector::Option("name".into()), Selector::Nth(1)])]
        );
        assert_eq!(Template::from(String::new()).pieces, []);
    }

    #[test]
    fn names_depend_on_the_shell() {
        assert_eq!(find(Shell::Batch, "sc").map(|c| c.names[0].as_str()), Some("sc"));
        assert_eq!(
            find(Shell::Powershell, "sc").map(|c| c.names[0].as_str()),
            Some("Set-Content".to_lowercase().as_str())
        );
    }
}
