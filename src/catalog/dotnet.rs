//! What .NET methods do to state, what values they give, and whose an assembly is: `rules/catalog/dotnet/*.toml`.
//!
//! Three kinds of rows share one way of naming members: `types` and `names` are blank-separated lists, and `params` is
//! a prefix of the parameter types in short form (`String,FileMode`). A name also stands for the same name with
//! `Async` at its end. Templates put arguments into a text: `{0}` is the first argument, `{this}` the receiver, any
//! other hole is written as in [`Text`].

use crate::facts::{Operation, Part, Phase, Store, Text, Trait};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::OnceLock;

/// A text with arguments to be put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(pub Vec<Piece>);

/// One piece of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Argument by position, the receiver not counted.
    Arg(u8),
    /// The receiver.
    This,
    /// The name of the file that holds the code: `Shop.exe`.
    Module,
    /// Characters and ordinary holes.
    Text(Text),
}

impl Template {
    /// Reads the notation.
    pub fn parse(s: &str) -> Self {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = s;
        while let Some(open) = rest.find('{') {
            let tail = &rest[open..];
            let piece = tail.find('}').and_then(|close| Some((special(tail.get(1..close)?)?, close)));
            match piece {
                Some((piece, close)) => {
                    plain.push_str(&rest[..open]);
                    flush(&mut plain, &mut pieces);
                    pieces.push(piece);
                    rest = &tail[close + 1..];
                }
                None => {
                    plain.push_str(&rest[..=open]);
                    rest = &tail[1..];
                }
            }
        }
        plain.push_str(rest);
        flush(&mut plain, &mut pieces);
        Template(pieces)
    }
}

fn flush(plain: &mut String, pieces: &mut Vec<Piece>) {
    if !plain.is_empty() {
        pieces.push(Piece::Text(Text::parse(plain)));
        plain.clear();
    }
}

fn special(inner: &str) -> Option<Piece> {
    match inner {
        "this" => Some(Piece::This),
        "module" => Some(Piece::Module),
        _ => inner.parse().ok().map(Piece::Arg),
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Template::parse(&String::deserialize(d)?))
    }
}

/// How the arguments of a call decide what it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decider {
    /// They do not.
    #[default]
    Always,
    /// A `FileMode` among the parameters, and a `FileAccess` or `FileSystemRights` if there is one.
    FileMode,
    /// A boolean among the parameters: append rather than replace.
    Append,
    /// `OpenMode` of Visual Basic.
    VbOpenMode,
    /// `MemoryMappedFileAccess`, and a `FileMode` if there is one.
    MapAccess,
    /// A connection string: which engine and which file or server.
    Connection,
    /// `OpenFlags` of a certificate store.
    StoreFlags,
}

/// A condition on an argument.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// Argument by position; the receiver not counted.
    pub arg: u8,
    /// Values that meet the condition. An argument that is not known meets it, at a lower certainty.
    pub any_of: Vec<i64>,
}

/// Something a method does to state.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EffectRow {
    /// Full names of the declaring types.
    pub types: String,
    /// Method names.
    pub names: String,
    /// Prefix of the parameter types.
    #[serde(default)]
    pub params: Option<String>,
    /// What is done.
    pub op: Operation,
    /// To what.
    pub store: Store,
    /// Where.
    #[serde(default)]
    pub at: Option<Template>,
    /// The value's name, in the registry.
    #[serde(default)]
    pub name: Option<Template>,
    /// The argument that is written.
    #[serde(default)]
    pub value: Option<u8>,
    /// How the arguments change it.
    #[serde(default)]
    pub decide: Decider,
    /// Only then.
    #[serde(default)]
    pub when: Option<When>,
    /// Properties it always has.
    #[serde(default)]
    pub traits: Vec<Trait>,
    /// A relative location is below the program's folder rather than the current directory.
    #[serde(default)]
    pub app_relative: bool,
    /// Capability only: never above `possible`.
    #[serde(default)]
    pub weak: bool,
}

/// What a method or field gives.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueRow {
    /// Full names of the declaring types.
    pub types: String,
    /// Method or field names.
    pub names: String,
    /// Prefix of the parameter types.
    #[serde(default)]
    pub params: Option<String>,
    /// The value as a text.
    #[serde(default)]
    pub text: Option<Template>,
    /// The value by a computation.
    #[serde(default)]
    pub is: Option<Model>,
    /// What the computation takes for the receiver.
    #[serde(default)]
    pub of: Option<Template>,
    /// The argument that the computation is about, when it is not the first.
    #[serde(default)]
    pub arg: u8,
}

/// Computations on symbolic values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// All arguments after one another.
    Concat,
    /// `String.Join`: elements with a separator.
    Join,
    /// `String.Format`.
    Format,
    /// `Path.Combine`.
    PathJoin,
    /// `Path.GetDirectoryName`.
    Parent,
    /// `Path.GetFileName`.
    FileName,
    /// `Path.GetFileNameWithoutExtension`.
    Stem,
    /// `Path.ChangeExtension`.
    ChangeExtension,
    /// `Environment.GetFolderPath`.
    SpecialFolder,
    /// `Environment.GetEnvironmentVariable`.
    Environment,
    /// An element by name of the collection that the receiver names.
    Item,
    /// The same, of .NET options: `Storage:Root`.
    Option,
    /// `Server.MapPath`.
    MapPath,
    /// `String.Replace`.
    Replace,
    /// `ToLower` and `ToUpper` change no location.
    Same,
    /// `RegistryKey.OpenBaseKey`.
    BaseKey,
    /// The unnamed or named value of a registry key, as a source.
    RegistryValue,
    /// `ConfigurationManager.OpenExeConfiguration`.
    ExeConfig,
}

/// Methods that say when the code below them runs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleRow {
    /// Full names of base types, interfaces or attributes; `*` for any.
    #[serde(default)]
    pub bases: String,
    /// Suffixes of the declaring type's own name, where there is no base type to go by.
    #[serde(default)]
    pub type_suffix: Option<String>,
    /// Method names; `*` for any.
    pub methods: String,
    /// When they run.
    pub phase: Phase,
    /// The component that the application then has.
    #[serde(default)]
    pub role: Option<String>,
    /// What to call them in evidence.
    pub because: String,
}

/// A client of a store on another host.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientRow {
    /// Prefixes of full type names.
    pub prefixes: String,
    /// The kind: `blob`, `table`, `queue`, `sql`, `cache`, `bus`, `secrets`.
    pub kind: String,
    /// Prefixes of the names of methods that send data there.
    #[serde(default)]
    pub uploads: String,
}

/// Whose an assembly is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnerRow {
    /// `framework` or `third-party`.
    pub owner: crate::facts::Owner,
    /// Public key tokens that decide alone.
    #[serde(default)]
    pub tokens: String,
    /// Simple names, or prefixes ending in `*`, that decide when the token does not speak against them.
    #[serde(default)]
    pub names: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    effect: Vec<EffectRow>,
    value: Vec<ValueRow>,
    role: Vec<RoleRow>,
    client: Vec<ClientRow>,
    owner: Vec<OwnerRow>,
}

/// The parsed tables.
#[derive(Debug, Default)]
pub struct Catalog {
    effects: Vec<EffectRow>,
    values: Vec<ValueRow>,
    by_member: HashMap<String, HashMap<String, Rows>>,
    /// Phase roots.
    pub roles: Vec<RoleRow>,
    /// Remote clients.
    pub clients: Vec<ClientRow>,
    /// Owners.
    pub owners: Vec<OwnerRow>,
    /// What did not parse; empty in a release that passed its tests.
    pub errors: Vec<String>,
}

/// The rows of one member name of one type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    effects: Vec<u16>,
    values: Vec<u16>,
}

impl Rows {
    /// Does it do anything to state?
    pub fn has_effects(&self) -> bool {
        !self.effects.is_empty()
    }
}

/// The tables.
pub fn catalog() -> &'static Catalog {
    static CATALOG: OnceLock<Catalog> = OnceLock::new();
    CATALOG.get_or_init(|| {
        let mut all = Catalog::default();
        for (name, text) in super::files("dotnet") {
            match toml::from_str::<File>(text) {
                Ok(file) => {
                    all.effects.extend(file.effect);
                    all.values.extend(file.value);
                    all.roles.extend(file.role);
                    all.clients.extend(file.client);
                    all.owners.extend(file.owner);
                }
                Err(error) => all.errors.push(format!("{name}: {error}")),
            }
        }
        all.by_member = index(&all.effects, &all.values);
        all
    })
}

fn index(effects: &[EffectRow], values: &[ValueRow]) -> HashMap<String, HashMap<String, Rows>> {
    let mut map: HashMap<String, HashMap<String, Rows>> = HashMap::new();
    let mut add = |types: &str, names: &str, put: &dyn Fn(&mut Rows)| {
        for ty in types.split_whitespace() {
            let members = map.entry(ty.to_owned()).or_default();
            for name in names.split_whitespace() {
                put(members.entry(name.to_owned()).or_default());
            }
        }
    };
    for (i, row) in effects.iter().enumerate() {
        add(&row.types, &row.names, &|rows| rows.effects.push(i as u16));
    }
    for (i, row) in values.iter().enumerate() {
        add(&row.types, &row.names, &|rows| rows.values.push(i as u16));
    }
    map
}

impl Catalog {
    /// Is any member of this type known?
    pub fn knows_type(&self, ty: &str) -> bool {
        self.by_member.contains_key(ty)
    }

    /// The rows of a member, before its parameters are looked at.
    pub fn rows(&self, ty: &str, name: &str) -> Option<&Rows> {
        let members = self.by_member.get(ty)?;
        members.get(name).or_else(|| members.get(name.strip_suffix("Async")?))
    }

    /// What it does: of the rows whose parameters fit, those with the longest `params`.
    pub fn effects<'a>(&'a self, rows: &'a Rows, params: &str) -> impl Iterator<Item = &'a EffectRow> {
        let fitting = |row: &&EffectRow| fits(row.params.as_deref(), params);
        let longest = |row: &EffectRow| row.params.as_deref().map_or(0, str::len);
        let all = || rows.effects.iter().filter_map(|i| self.effects.get(usize::from(*i)));
        let best = all().filter(fitting).map(longest).max().unwrap_or(0);
        let params = params.to_owned();
        all().filter(move |row| fits(row.params.as_deref(), &params) && longest(row) == best)
    }

    /// What it gives.
    pub fn value(&self, rows: &Rows, params: &str) -> Option<&ValueRow> {
        rows.values
            .iter()
            .filter_map(|i| self.values.get(usize::from(*i)))
            .filter(|row| fits(row.params.as_deref(), params))
            .max_by_key(|row| row.params.as_deref().map_or(0, str::len))
    }

    /// All effect rows, for tests that keep the tables sound.
    pub fn all_effects(&self) -> &[EffectRow] {
        &self.effects
    }

    /// All value rows, for tests that keep the tables sound.
    pub fn all_values(&self) -> &[ValueRow] {
        &self.values
    }
}

/// `want` is a prefix of `params` that ends at a whole parameter; `-` wants no parameters at all.
fn fits(want: Option<&str>, params: &str) -> bool {
    match want {
        None => true,
        Some("-") => params.is_empty(),
        Some(want) => params.strip_prefix(want).is_some_and(|rest| rest.is_empty() || rest.starts_with(',')),
    }
}

/// Characters of a template that need no argument: for tests and for rows without a call site.
pub fn constant(template: &Template) -> Option<Text> {
    let mut out = Text::new();
    for piece in &template.0 {
        match piece {
            Piece::Text(text) => text.parts().iter().cloned().for_each(|p: Part| out.push(p)),
            _ => return None,
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_parses_and_every_row_says_something() {
        let all = catalog();
        assert_eq!(all.errors, Vec::<String>::new());
        assert!(all.all_effects().len() > 50);
        for row in all.all_values() {
            assert!(row.text.is_some() != row.is.is_some(), "{row:?}");
        }
    }

    #[test]
    fn templates_keep_ordinary_holes() {
        let t = Template::parse("{AppData}\\{0}\\{this}{?}");
        let text = |s: &str| Piece::Text(Text::parse(s));
        assert_eq!(t.0, [text("{AppData}\\"), Piece::Arg(0), text("\\"), Piece::This, text("{?}")]);
    }

    #[test]
    fn overloads_are_told_by_parameters() {
        assert!(fits(Some("String"), "String,Boolean"));
        assert!(!fits(Some("String"), "StringBuilder"));
        assert!(fits(Some("-"), "") && !fits(Some("-"), "String"));
    }
}
