//! What configuration keys mean, and what database providers are called: `rules/catalog/config/*.toml`.
//!
//! A row names a dialect, selects nodes of the document tree, and says which effect they have. A key that needs no
//! more than that is a row and no code.

use super::files;
use crate::facts::{Certainty, Folder, Operation, Store, Trait};
use serde::{Deserialize, Deserializer};
use std::sync::OnceLock;

/// All tables of this family.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Tables {
    /// Keys that have an effect.
    #[serde(default)]
    effect: Vec<Row>,
    /// Keys that hold connection strings.
    #[serde(default)]
    connection: Vec<Connection>,
    /// Database engines.
    #[serde(default)]
    engine: Vec<Engine>,
    /// Documents that are recognised by their name or root.
    #[serde(default)]
    document: Vec<Document>,
}

/// A key and its effect.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Row {
    /// The kind of document: `dotnet`, `log4net`, `options`, `php`, ...
    pub dialect: String,
    /// The nodes that have the effect.
    pub select: Selector,
    /// The row does not apply where this matches, seen from the selected node.
    #[serde(default)]
    pub unless: Option<Selector>,
    /// What is done.
    pub operation: Operation,
    /// To what.
    pub store: Store,
    /// Where the path or name is written, seen from the selected node; the first that is there counts.
    #[serde(default)]
    pub location: Vec<Selector>,
    /// The location when none is written, in the textual form of [`crate::facts::Text`].
    #[serde(default)]
    pub default: Option<String>,
    /// Prefix that names a store which is no path: `aspnet-state` gives `aspnet-state://VALUE`.
    #[serde(default)]
    pub scheme: Option<String>,
    /// Folder that relative paths start from.
    #[serde(default, deserialize_with = "folder")]
    pub base: Option<Folder>,
    /// How the value is written.
    #[serde(default)]
    pub syntax: Syntax,
    /// How certain.
    #[serde(default = "proven")]
    pub certainty: Certainty,
    /// The key as a finding names it.
    pub via: String,
    /// Properties of the effect.
    #[serde(default)]
    pub traits: Vec<Trait>,
    /// What the key does, in words, for the evidence.
    pub because: String,
}

/// A key that holds a connection string.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Connection {
    /// The kind of document.
    pub dialect: String,
    /// The nodes whose text is a connection string.
    pub select: Selector,
    /// Provider, as far as the key implies one.
    #[serde(default)]
    pub provider: String,
    /// The key as a finding names it.
    pub via: String,
}

/// How placeholders are written in a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Syntax {
    /// None but `%NAME%`.
    #[default]
    Plain,
    /// log4net: `${NAME}` and, in pattern strings, `%date{...}`.
    Log4net,
    /// NLog layout renderers: `${basedir}`.
    Nlog,
    /// Serilog's rolling file names: `{Date}`.
    Serilog,
    /// Java: `${user.home}`, `%d{...}`.
    Java,
    /// PHP: a number and a semicolon may stand before a path.
    Php,
    /// The value is the first word, or what stands in the first quotes.
    FirstWord,
}

/// A database engine and how it is recognised. All names are in lower case.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Engine {
    /// The name used in locations: `sqlite`, `sqlserver`.
    pub name: String,
    /// The engine lives inside the program and keeps its data in a file.
    #[serde(default)]
    pub embedded: bool,
    /// Parts of provider and driver names.
    #[serde(default)]
    pub providers: Vec<String>,
    /// URL schemes and JDBC subprotocols.
    #[serde(default)]
    pub schemes: Vec<String>,
    /// File extensions.
    #[serde(default)]
    pub extensions: Vec<String>,
}

/// A document other than XML, whose root says nothing: known by its file name or by what it holds.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Document {
    /// The dialect of its rows.
    pub dialect: String,
    /// File names, with `*`; any, if there are none.
    #[serde(default)]
    pub names: Vec<Glob>,
    /// Something that must be there.
    #[serde(default)]
    pub has: Option<Selector>,
}

fn proven() -> Certainty {
    Certainty::Proven
}

fn folder<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Folder>, D::Error> {
    let name = String::deserialize(d)?;
    Folder::by_name(&name).map(Some).ok_or_else(|| serde::de::Error::custom(format!("unknown folder {name}")))
}

/// A text in which `*` stands for any characters; letters match in any case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(String);

impl Glob {
    /// Reads a pattern.
    pub fn new(pattern: &str) -> Self {
        Glob(pattern.to_lowercase())
    }

    /// Matches the whole of `text`.
    pub fn matches(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let mut pieces = self.0.split('*');
        let first = pieces.next().unwrap_or_default();
        let Some(mut rest) = text.strip_prefix(first) else { return false };
        let pieces: Vec<&str> = pieces.collect();
        let Some((last, middle)) = pieces.split_last() else { return rest.is_empty() };
        for piece in middle {
            match rest.find(piece) {
                Some(at) => rest = &rest[at + piece.len()..],
                None => return false,
            }
        }
        rest.ends_with(last)
    }
}

impl<'de> Deserialize<'de> for Glob {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Glob::new(&String::deserialize(d)?))
    }
}

/// Steps down the document tree: `system.net/mailSettings/smtp[deliveryMethod=Network|*Iis]`.
///
/// `*` is any child, `**` any number of levels. A condition in brackets looks at a child or attribute: `[x]` it is
/// there, `[!x]` it is not, `[x=a|b]` and `[x!=a|b]` compare its text (`*` stands for any characters, case does not
/// matter), `[x:loopback]` is a named test. `[.=a]` looks at the node itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// From the top down.
    pub steps: Vec<Step>,
}

/// One level of a [`Selector`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which children.
    pub name: Name,
    /// What must be true of them.
    pub conditions: Vec<Condition>,
}

/// The names that a [`Step`] accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// Any child.
    Any,
    /// The node itself and everything below it.
    Deep,
    /// Children of this name, in any case.
    Is(String),
}

/// A condition in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Names from the node to what is looked at; empty for the node itself.
    pub path: Vec<String>,
    /// The test.
    pub test: Test,
}

/// The test of a [`Condition`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// It is there.
    Present,
    /// It is not there.
    Absent,
    /// Its text is one of these.
    Is(Vec<Glob>),
    /// It is there and its text is none of these.
    IsNot(Vec<Glob>),
    /// It names this machine: a loopback address or `.`.
    Loopback,
}

impl Selector {
    /// Reads the textual form.
    ///
    /// # Errors
    /// In words, for the author of the row.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut steps = Vec::new();
        for step in split_outside_brackets(text) {
            let (name, mut rest) = match step.find('[') {
                Some(at) => (&step[..at], &step[at..]),
                None => (step, ""),
            };
            let name = match name {
                "" => return Err(format!("an empty step in {text:?}")),
                "*" => Name::Any,
                "**" => Name::Deep,
                name => Name::Is(name.to_owned()),
            };
            let mut conditions = Vec::new();
            while let Some(inner) = rest.strip_prefix('[') {
                let (condition, after) =
                    inner.split_once(']').ok_or_else(|| format!("a bracket is not closed in {text:?}"))?;
                conditions.push(Condition::parse(condition)?);
                rest = after;
            }
            if !rest.is_empty() {
                return Err(format!("{rest:?} follows a condition in {text:?}"));
            }
            steps.push(Step { name, conditions });
        }
        Ok(Selector { steps })
    }
}

fn split_outside_brackets(text: &str) -> Vec<&str> {
    let mut depth = 0usize;
    text.split(|c| {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == '/' && depth == 0
    })
    .collect()
}

impl Condition {
    fn parse(text: &str) -> Result<Self, String> {
        let globs = |list: &str| list.split('|').map(Glob::new).collect::<Vec<_>>();
        let (path, test) = if let Some(path) = text.strip_prefix('!') {
            (path, Test::Absent)
        } else if let Some((path, list)) = text.split_once("!=") {
            (path, Test::IsNot(globs(list)))
        } else if let Some((path, list)) = text.split_once('=') {
            (path, Test::Is(globs(list)))
        } else if let Some(path) = text.strip_suffix(":loopback") {
            (path, Test::Loopback)
        } else {
            (text, Test::Present)
        };
        if path.is_empty() {
            return Err(format!("the condition {text:?} looks at nothing; [.=x] looks at the node itself"));
        }
        let path = if path == "." { Vec::new() } else { path.split('/').map(str::to_owned).collect() };
        Ok(Condition { path, test })
    }
}

impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Selector::parse(&String::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}

/// The tables, parsed on first use. A file that does not parse is left out; a test keeps that from happening.
fn tables() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(|| {
        let mut all = Tables::default();
        for (_, text) in files("config") {
            if let Ok(mut tables) = toml::from_str::<Tables>(text) {
                all.effect.append(&mut tables.effect);
                all.connection.append(&mut tables.connection);
                all.engine.append(&mut tables.engine);
                all.document.append(&mut tables.document);
            }
        }
        all
    })
}

/// The rows of a dialect.
pub fn rows(dialect: &str) -> impl Iterator<Item = &'static Row> {
    tables().effect.iter().filter(move |row| row.dialect == dialect)
}

/// The keys of a dialect that hold connection strings.
pub fn connections(dialect: &str) -> impl Iterator<Item = &'static Connection> {
    tables().connection.iter().filter(move |row| row.dialect == dialect)
}

/// The documents that are known by name or root, in the order of the tables.
pub fn documents() -> &'static [Document] {
    &tables().document
}

/// The engine that a provider or driver name means.
pub fn engine_of_provider(provider: &str) -> Option<&'static Engine> {
    let lower = provider.to_lowercase();
    let parts = |e: &'static Engine| e.providers.iter().map(move |p| (p.len(), e, p));
    // The longest name wins: `system.data.sqlserverce` is not `system.data.sql`.
    tables()
        .engine
        .iter()
        .flat_map(parts)
        .filter(|(_, _, p)| lower.contains(p.as_str()))
        .max_by_key(|m| m.0)
        .map(|m| m.1)
}

/// The engine of a URL scheme or JDBC subprotocol.
pub fn engine_of_scheme(scheme: &str) -> Option<&'static Engine> {
    tables().engine.iter().find(|e| e.schemes.iter().any(|s| s.eq_ignore_ascii_case(scheme)))
}

/// The engine whose files have this extension.
pub fn engine_of_extension(extension: &str) -> Option<&'static Engine> {
    tables().engine.iter().find(|e| e.extensions.iter().any(|x| x.eq_ignore_ascii_case(extension)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_parses() {
        for (path, text) in files("config") {
            if let Err(error) = toml::from_str::<Tables>(text) {
                panic!("{path}: {error}");
            }
        }
        assert!(!tables().effect.is_empty() && !tables().engine.is_empty() && !tables().document.is_empty());
    }

    #[test]
    fn every_row_can_say_where() {
        for row in &tables().effect {
            assert!(!row.location.is_empty() || row.default.is_some(), "{} has no location", row.via);
            assert!(!row.because.is_empty() && !row.via.is_empty());
        }
    }

    #[test]
    fn selectors() {
        let s = Selector::parse("a/**/b[x=1|2*][!y]/*[.!=z]").unwrap_or(Selector { steps: vec![] });
        assert_eq!(s.steps.len(), 4);
        assert_eq!(s.steps[2].conditions.len(), 2);
        assert!(Selector::parse("a//b").is_err() && Selector::parse("a[x").is_err() && Selector::parse("a[]").is_err());
    }

    #[test]
    fn globs() {
        for (pattern, text, expected) in [
            ("InProc", "inproc", true),
            ("*FileAppender", "log4net.Appender.RollingFileAppender", true),
            ("*FileAppender*", "x.FileAppender, y", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXbY", false),
            ("ab", "abc", false),
        ] {
            assert_eq!(Glob::new(pattern).matches(text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn the_longest_provider_name_wins() {
        let name = |p: &str| engine_of_provider(p).map(|e| e.name.as_str());
        assert_eq!(name("System.Data.SqlServerCe.4.0"), Some("sqlce"));
        assert_eq!(name("System.Data.SqlClient"), Some("sqlserver"));
        assert_eq!(name("Microsoft.Data.Sqlite"), Some("sqlite"));
        assert_eq!(name("Microsoft.Jet.OLEDB.4.0"), Some("jet"));
    }
}
