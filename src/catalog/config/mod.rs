//! What configuration keys mean, and what database providers are called: `rules/catalog/config/*.toml`.
//!
//! A row names a dialect, selects nodes of the document tree, and says which effect they have. A key that needs no
//! more than that is a row and no code.

mod selector;

pub use selector::{Condition, Glob, Name, Selector, Step, Test};

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
    /// Keys that name what an agent ships off the machine.
    #[serde(default)]
    transfer: Vec<Transfer>,
    /// Database engines.
    #[serde(default)]
    engine: Vec<Engine>,
    /// Documents that are recognised by their name or root.
    #[serde(default)]
    document: Vec<Document>,
    /// Settings whose name says what is kept.
    #[serde(default)]
    setting: Vec<Setting>,
    /// Words that say what a place is for.
    #[serde(default)]
    words: Vec<Words>,
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
    /// The node is one provider of a list, of which `defaultProvider` chooses one where the section is switched on.
    #[serde(default)]
    pub chosen: bool,
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
    /// Nodes beside it whose text names the provider.
    #[serde(default)]
    pub beside: Vec<Selector>,
    /// The key as a finding names it.
    pub via: String,
}

/// A key that names logs which an agent ships off the machine.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Transfer {
    /// The kind of document.
    pub dialect: String,
    /// Something that must be there: an output that leads off the machine.
    #[serde(default)]
    pub when: Option<Selector>,
    /// The nodes whose text names files, or event logs.
    pub select: Selector,
    /// The text names event logs.
    #[serde(default)]
    pub event_log: bool,
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
    /// The textual form of [`crate::facts::Text`], as readers of programs give it.
    Holes,
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
    /// Arguments of a call in brackets, of which the first is a string.
    Arguments,
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
    /// Words in the names of images of containers.
    #[serde(default)]
    pub images: Vec<String>,
    /// Keys of connection strings that no other engine's provider takes.
    #[serde(default)]
    pub keys: Vec<String>,
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
    /// The folder that the file lies in.
    #[serde(default)]
    pub folder: Option<Glob>,
    /// Something that must be there.
    #[serde(default)]
    pub has: Option<Selector>,
}

/// A setting that holds a place, and whose name says what is kept there.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Setting {
    /// What is kept, in lower case: the word before the one for the place.
    pub words: Vec<String>,
    /// Any word of the name says so.
    #[serde(default)]
    pub anywhere: bool,
    /// The place may be a single file.
    #[serde(default)]
    pub files: bool,
    /// What is done.
    pub operation: Operation,
    /// To what.
    pub store: Store,
    /// Properties of the effect.
    #[serde(default)]
    pub traits: Vec<Trait>,
    /// What the name says, for the evidence.
    pub because: String,
}

/// Words that say what a place is for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Words {
    /// What they say.
    pub role: WordRole,
    /// In lower case.
    pub words: Vec<String>,
}

/// Where a word stands, and what it says there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WordRole {
    /// In the name of a setting: the value is a place.
    Place,
    /// In the name of a setting: the value is a file.
    File,
    /// In the name of a setting: nothing of what is kept.
    Filler,
    /// In the name of a setting: the value is read, or is no place of the file system.
    Read,
    /// In the name of a setting: the value is a place of a service on another host, unless it names a drive.
    Away,
    /// The section of an INI file holds places.
    Section,
    /// In the name of a setting: the value is the address of a server.
    Host,
    /// The end of an option of a command line: a program keeps its data there.
    DataOption,
    /// The same: it writes its log there.
    LogOption,
    /// A folder beside a program: for what it writes.
    KeptFolder,
    /// The extension of a file: a program writes it.
    KeptFile,
    /// The same: settings, which an installer may bring too.
    SettingsFile,
    /// A folder: it keeps what something replaced.
    BackupFolder,
}

fn proven() -> Certainty {
    Certainty::Proven
}

fn folder<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Folder>, D::Error> {
    let name = String::deserialize(d)?;
    Folder::by_name(&name).map(Some).ok_or_else(|| serde::de::Error::custom(format!("unknown folder {name}")))
}

/// The tables, read on first use. One of another shape is left out; a test keeps that from happening.
fn tables() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(|| {
        let mut all = Tables::default();
        for (_, packed) in super::tables("config") {
            if let Ok(mut tables) = packed.read::<Tables>() {
                all.effect.append(&mut tables.effect);
                all.connection.append(&mut tables.connection);
                all.transfer.append(&mut tables.transfer);
                all.engine.append(&mut tables.engine);
                all.document.append(&mut tables.document);
                all.setting.append(&mut tables.setting);
                all.words.append(&mut tables.words);
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

/// The keys of a dialect that name what an agent ships.
pub fn transfers(dialect: &str) -> impl Iterator<Item = &'static Transfer> {
    tables().transfer.iter().filter(move |row| row.dialect == dialect)
}

/// The documents that are known by name or root, in the order of the tables.
pub fn documents() -> &'static [Document] {
    &tables().document
}

/// The settings whose name says what is kept, in the order of the tables.
pub fn settings() -> &'static [Setting] {
    &tables().setting
}

/// Has a word, in lower case, this role?
pub fn is_word(word: &str, role: WordRole) -> bool {
    words(role).any(|known| known == word)
}

/// The words of a role.
pub fn words(role: WordRole) -> impl Iterator<Item = &'static str> {
    tables().words.iter().filter(move |w| w.role == role).flat_map(|w| &w.words).map(String::as_str)
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

/// The engine whose provider alone takes one of the keys of a connection string.
pub fn engine_of_keys(has: impl Fn(&str) -> bool) -> Option<&'static Engine> {
    tables().engine.iter().find(|e| e.keys.iter().any(|key| has(key)))
}

/// The engine of a URL scheme or JDBC subprotocol.
pub fn engine_of_scheme(scheme: &str) -> Option<&'static Engine> {
    tables().engine.iter().find(|e| e.schemes.iter().any(|s| s.eq_ignore_ascii_case(scheme)))
}

/// The server that an image of a container holds, by the words of the image's name.
pub fn engine_of_image(image: &str) -> Option<&'static Engine> {
    let name = image.rsplit('/').next().unwrap_or_default().split([':', '@']).next().unwrap_or_default().to_lowercase();
    let mut words = name.split(['-', '_', '.']);
    words.find_map(|word| tables().engine.iter().find(|e| e.images.iter().any(|known| known == word)))
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
        for (path, packed) in crate::catalog::tables("config") {
            if let Err(error) = packed.read::<Tables>() {
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
    fn the_longest_provider_name_wins() {
        let name = |p: &str| engine_of_provider(p).map(|e| e.name.as_str());
        assert_eq!(name("System.Data.SqlServerCe.4.0"), Some("sqlce"));
        assert_eq!(name("System.Data.SqlClient"), Some("sqlserver"));
        assert_eq!(name("Microsoft.Data.Sqlite"), Some("sqlite"));
        assert_eq!(name("Microsoft.Jet.OLEDB.4.0"), Some("jet"));
    }
}
