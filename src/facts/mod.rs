//! What was read: effects on state, and the clues that bear on them.
//!
//! This is the bottom of the house: readers produce these types, everything above consumes them, and nothing here
//! knows about formats, rules or severities. [`listing`] prints facts as text and reads them back.

mod alternatives;
mod clue;
mod effect;
mod environment;
mod folder;
pub mod listing;
mod location;
mod path;
mod phase;
mod place;
pub mod registry;
mod site;
mod state;
mod text;
mod tree;
mod vocabulary;

pub use alternatives::fold_alternatives;
pub use clue::{
    BROUGHT_ALONG, CONTAINER, Clue, ClueKind, NEVER_ENDS, PLUG_IN, SELF_EXTRACTING, SELF_REGISTERING, STAYS, TOOL,
};
pub use effect::{Effect, Step};
pub use environment::{is_deployed_by_default, is_out_of_service};
pub use folder::Folder;
pub use location::{Extent, Location};
pub use path::{env_hole, expand_env, is_no_path, join_paths};
pub use phase::Phase;
pub use place::Place;
pub use site::Site;
pub use state::state_name;
pub use text::{Hole, MAX_TEXT, Part, Source, Text};
pub use tree::{beside, file_name, folder_of, folders};
pub use vocabulary::{Certainty, Operation, Origin, Store, Trait};

use serde::{Deserialize, Serialize};

/// One thing that is true of an artifact, and where that was seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fact {
    /// Where.
    pub site: Site,
    /// What.
    pub body: Body,
    /// The same place with the parameters of the script left open, where it rests on what they are when nobody gives them;
    /// nothing known where it does so in a way that cannot be written down.
    pub open: Option<Location>,
}

/// The two kinds of fact.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Body {
    /// Something is done to state.
    Effect(Effect),
    /// Something else is true.
    Clue(Clue),
}

impl Fact {
    /// An effect at a site.
    pub fn effect(site: Site, effect: Effect) -> Self {
        Fact { site, body: Body::Effect(effect), open: None }
    }

    /// A clue at a site.
    pub fn clue(site: Site, clue: Clue) -> Self {
        Fact { site, body: Body::Clue(clue), open: None }
    }

    /// The effect, if it is one.
    pub fn as_effect(&self) -> Option<&Effect> {
        match &self.body {
            Body::Effect(effect) => Some(effect),
            Body::Clue(_) => None,
        }
    }

    /// The clue, if it is one.
    pub fn as_clue(&self) -> Option<&Clue> {
        match &self.body {
            Body::Clue(clue) => Some(clue),
            Body::Effect(_) => None,
        }
    }
}

/// Why part of an artifact says nothing.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::EnumIter,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum NoteKind {
    /// Broken: a table, section or line could not be read.
    Malformed,
    /// More than a named cap allows.
    Capped,
    /// A format or version that is not read.
    Unsupported,
    /// Packed, encrypted or obfuscated.
    Opaque,
    /// Part of what runs, or of what it does, was not seen.
    Missing,
    /// A reader failed on it; that is our defect.
    Failed,
    /// Could not be opened or read.
    Unreadable,
    /// Worth knowing.
    Info,
}

/// Something a reader could not see, or that a person should know about an artifact.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Note {
    /// Why.
    pub kind: NoteKind,
    /// What and where, in words.
    pub text: String,
}

impl Note {
    /// A note.
    pub fn new(kind: NoteKind, text: impl Into<String>) -> Self {
        Note { kind, text: text.into() }
    }
}

/// Whose code an artifact is.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::EnumIter,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Owner {
    /// The application under test.
    #[default]
    Application,
    /// A well-known library that ships with it.
    ThirdParty,
    /// Part of the operating system or of a framework.
    Framework,
}

/// All that one artifact said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// The artifact, by its path in the report.
    pub artifact: String,
    /// What it was read as: `pe-x64`, `assembly`, `web-config`, `batch`.
    pub format: String,
    /// Whose it is.
    pub owner: Owner,
    /// The environment that it is for, when it does not count in others: `Release`, `Staging`.
    pub environment: Option<String>,
    /// Facts, in the order of the artifact.
    pub facts: Vec<Fact>,
    /// What could not be seen.
    pub notes: Vec<Note>,
}

/// Is it the format of machine code or of an assembly?
pub fn is_binary(format: &str) -> bool {
    format.starts_with("pe") || format.starts_with("assembly")
}

/// Is it the format of a script that runs by itself, line by line?
pub fn is_script(format: &str) -> bool {
    matches!(format, "batch" | "power-shell" | "vb-script" | "j-script" | "wsf")
}

impl Reading {
    /// An empty reading of an artifact.
    pub fn new(artifact: impl Into<String>, format: impl Into<String>) -> Self {
        Reading { artifact: artifact.into(), format: format.into(), ..Reading::default() }
    }

    /// Adds an effect.
    pub fn effect(&mut self, site: Site, effect: Effect) {
        self.facts.push(Fact::effect(site, effect));
    }

    /// Adds a clue.
    pub fn clue(&mut self, site: Site, clue: Clue) {
        self.facts.push(Fact::clue(site, clue));
    }

    /// Adds a note.
    pub fn note(&mut self, kind: NoteKind, text: impl Into<String>) {
        self.notes.push(Note::new(kind, text));
    }
}
