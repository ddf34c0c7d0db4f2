//! The rows of the .NET tables and the notation of their templates.

use crate::facts::{Certainty, Operation, Origin, Phase, Store, Text, Trait};
use serde::Deserialize;

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
    /// The field that holds the receiver: `Contoso.Cart.items`.
    Field,
    /// A property of an argument, or of the receiver without a position: `{this.Arguments}`, `{0.KeyContainerName}`.
    Property(Option<u8>, Box<str>),
    /// Characters and ordinary holes.
    Text(Text),
}

impl Template {
    /// Starts with a scheme: the name of something that is no file.
    pub fn is_url(&self) -> bool {
        matches!(self.0.first(), Some(Piece::Text(text)) if text.leading_lit().contains("://"))
    }

    /// Has a place for an argument or the receiver.
    pub fn takes_arguments(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Arg(_) | Piece::This | Piece::Field | Piece::Property(..)))
    }

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
        "field" => Some(Piece::Field),
        _ => match inner.split_once('.') {
            Some(("this", name)) => Some(Piece::Property(None, name.into())),
            Some((n, name)) => Some(Piece::Property(Some(n.parse().ok()?), name.into())),
            None => inner.parse().ok().map(Piece::Arg),
        },
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Template::parse(&String::deserialize(d)?))
    }
}

/// Names, written with blanks between them.
#[derive(Clone, Debug, Default)]
pub struct Words(Vec<Box<str>>);

impl Words {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|word| &**word)
    }

    /// Is this one of them?
    pub fn has(&self, name: &str) -> bool {
        self.iter().any(|word| word == name)
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Words(String::deserialize(d)?.split_whitespace().map(Box::from).collect()))
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
    /// A connection string or address of a store on another host, of the kind that is the row's `provider`.
    Remote,
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
    /// What is copied or moved to there.
    #[serde(default)]
    pub from: Option<Template>,
    /// The value's name, in the registry.
    #[serde(default)]
    pub name: Option<Template>,
    /// The argument that is written.
    #[serde(default)]
    pub value: Option<u8>,
    /// Where what is written comes from, if that is what the method is for.
    #[serde(default)]
    pub origin: Option<Origin>,
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
    /// The little language of the path, as in configuration files.
    #[serde(default)]
    pub syntax: crate::catalog::config::Syntax,
    /// Never more certain than this.
    #[serde(default)]
    pub at_most: Option<Certainty>,
    /// Has no harmless use, so a call says enough even without a location.
    #[serde(default)]
    pub specific: bool,
    /// The location is a file, whatever the store.
    #[serde(default)]
    pub file: bool,
    /// Only locations that start so.
    #[serde(default)]
    pub only_prefix: Option<String>,
    /// Provider of a connection string.
    #[serde(default)]
    pub provider: String,
    /// A default that is not used where the application calls one of these methods anywhere; a name may end in `*`.
    #[serde(default)]
    pub unless: Words,
    /// Says something only of an application that has one of these components (`role` of a [`RoleRow`]).
    #[serde(default)]
    pub only_with: Words,
    /// Says something only of an object that outlives the call.
    #[serde(default)]
    pub held: Option<Held>,
}

/// Where an object is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Held {
    /// In a field of an object or of a type.
    Field,
    /// In a field of a type: one for the whole process.
    Static,
    /// Anywhere but in a variable of the method that makes it, as far as is known.
    Outlives,
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

/// Objects that are told what to do by properties before they do it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BagRow {
    /// Full names of the types.
    pub types: String,
    /// Properties that name what the object stands for, in place of what its constructor got.
    #[serde(default)]
    pub named_by: Words,
    /// The properties that its constructors set, in the order of their parameters.
    #[serde(default)]
    pub made_from: Words,
    /// Properties that are objects with properties of their own.
    #[serde(default)]
    pub parts: Words,
}

/// Computations on symbolic values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// `RegistryKey.OpenSubKey`.
    SubKey,
    /// `RegistryKey.CreateSubKey`.
    MadeKey,
    /// A value in a format that is not followed: a number that is known does not stay as it is.
    Formatted,
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
    /// `FileSystemInfo.Name`.
    EntryName,
    /// `Path.GetFileNameWithoutExtension`.
    Stem,
    /// `Path.ChangeExtension`.
    ChangeExtension,
    /// `Type.Assembly`: the file name of this assembly, where the type is written in it.
    Assembly,
    /// `Assembly.Location`: beside the program, for assemblies of the application.
    AssemblyFile,
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
    /// A character as a string.
    Char,
    /// A value of a settings class, by name.
    Setting,
    /// `new X509Store(name, location)`.
    CertStore,
    /// The connection string that a builder makes of its properties.
    ConnectionString,
    /// What the delegate gives that the receiver stands for.
    Invoke,
    /// What the delegate gives that is an argument.
    Call,
}

/// Collections, and what leads from one to its elements.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CollectionRow {
    /// Full names of the types.
    pub types: String,
    /// Objects of these types hold the elements themselves: which is which matters.
    #[serde(default)]
    pub made: bool,
    /// Methods whose last argument becomes an element.
    #[serde(default)]
    pub adds: Words,
    /// Methods the elements of whose last argument become elements.
    #[serde(default)]
    pub adds_all: Words,
    /// Methods that give an element: of the receiver, or of the first argument if there is none.
    #[serde(default)]
    pub gives: Words,
    /// Methods that give something with the same elements.
    #[serde(default)]
    pub same: Words,
    /// Methods that give each element to the delegate that is their last argument.
    #[serde(default)]
    pub each: Words,
}

/// Methods that give a delegate something known when they call it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallbackRow {
    /// Full names of the types.
    pub types: String,
    /// Method names.
    pub names: Words,
    /// What the parameters of the delegate are.
    #[serde(default)]
    pub given: Option<Text>,
    /// When the delegate runs; without it, whenever the method runs that hands it over.
    #[serde(default)]
    pub phase: Option<Phase>,
    /// Where the result is waited for, the delegate runs with the method that hands it over after all.
    #[serde(default)]
    pub awaited: bool,
    /// What to call that in evidence.
    #[serde(default)]
    pub because: String,
}

/// A method that starts a program.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartRow {
    /// Full names of the declaring types.
    pub types: String,
    /// Method names.
    pub names: String,
    /// Prefix of the parameter types.
    #[serde(default)]
    pub params: Option<String>,
    /// The program.
    pub program: Template,
    /// Its arguments.
    #[serde(default)]
    pub arguments: Option<Template>,
}

/// Assemblies that programs refer to which serve others: what such a program keeps in memory was given to it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServingRow {
    /// Prefixes of simple names.
    pub assemblies: Words,
}

/// Methods that run what the program is there for, and return once it has stopped.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostingRow {
    /// Full names of the types.
    pub types: String,
    /// Method names.
    pub names: Words,
}

/// Methods that tell operating systems apart.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlatformRow {
    /// Full names of the types.
    pub types: String,
    /// Method names.
    pub names: Words,
    /// Whether they stand for Windows; without it, what their argument stands for.
    #[serde(default)]
    pub windows: Option<bool>,
}

/// Methods that say when the code below them runs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleRow {
    /// Full names of base types, interfaces or attributes.
    pub bases: String,
    /// Method names; `*` for any.
    pub methods: Words,
    /// When they run.
    pub phase: Phase,
    /// The component that the application then has.
    #[serde(default)]
    pub role: Option<String>,
    /// What to call them in evidence.
    pub because: String,
    /// Their parameters are what was sent: data of whoever asks.
    #[serde(default)]
    pub input: bool,
    /// A host only makes such an object where a page, a configuration or code names its type.
    #[serde(default)]
    pub named: bool,
}

/// A client of a store on another host.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientRow {
    /// Prefixes of full type names.
    pub prefixes: Words,
    /// The kind: `blob`, `table`, `queue`, `sql`, `cache`, `bus`, `secrets`.
    pub kind: String,
    /// Prefixes of the names of methods that send data there.
    #[serde(default)]
    pub uploads: Words,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_keep_ordinary_holes() {
        let t = Template::parse("{AppData}\\{0}\\{this}{?}");
        let text = |s: &str| Piece::Text(Text::parse(s));
        assert_eq!(t.0, [text("{AppData}\\"), Piece::Arg(0), text("\\"), Piece::This, text("{?}")]);
    }
}
