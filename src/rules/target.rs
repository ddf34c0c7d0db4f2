//! Target profiles: which volume a place is on, and which events each volume survives.
//!
//! Survival is a set of events per volume, not a ladder: on a cloud service the resource disk survives a reimage and
//! the operating-system disk does not, on a virtual machine it is the other way round for a move.

use crate::facts::{Effect, Hole, Operation, Part, Place, Store, Trait, registry};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Something the platform does to an instance.
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
pub enum Event {
    /// The process, application pool or role is recycled.
    ProcessRestart,
    /// The container is replaced by a new one of its image.
    ContainerRestart,
    /// The guest restarts itself.
    Reboot,
    /// A planned update of the host.
    HostUpdate,
    /// The host loses power.
    PowerLoss,
    /// The instance is set back to its image, or gets a new one.
    Reimage,
    /// A new version of the application is deployed in place.
    PackageUpgrade,
    /// The instance is healed or redeployed on another host.
    Move,
    /// The instance is stopped, released and started.
    Deallocate,
    /// The instance is removed.
    ScaleIn,
    /// A second instance runs beside it. Nothing is lost; copies drift apart.
    ScaleOut,
}

/// What becomes of state at an event.
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
pub enum Outcome {
    /// Still there.
    Survives,
    /// Not documented or not guaranteed: treat as lost.
    Unknown,
    /// Every instance has its own, different from the others.
    Diverges,
    /// Every instance has the same, which was meant to be unique.
    Cloned,
    /// In the profile of whoever built the image, which no other account sees.
    Misplaced,
    /// Removed when the image is generalised.
    Stripped,
    /// The platform pretends to write it.
    SilentlyDropped,
    /// The platform refuses the write.
    Forbidden,
    /// The ciphertext is there, the key is not.
    Unreadable,
    /// Gone.
    Lost,
    /// Back to the value of the image, without a failure.
    Reverts,
}

impl Outcome {
    /// Something a person has to act on.
    pub fn is_harm(self) -> bool {
        !matches!(self, Outcome::Survives | Outcome::Unknown)
    }
}

/// One volume class of a target.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Volume {
    /// What it is, for people.
    pub name: String,
    /// One copy for all instances.
    #[serde(default)]
    pub shared: bool,
    /// Events it survives.
    #[serde(default)]
    pub survives: Vec<Event>,
    /// Events that empty it.
    #[serde(default)]
    pub lost: Vec<Event>,
    /// Events that set it back to the image or package.
    #[serde(default)]
    pub reverts: Vec<Event>,
    /// Events of which nothing is promised.
    #[serde(default)]
    pub unknown: Vec<Event>,
    /// Writing is refused altogether.
    #[serde(default)]
    pub forbidden: bool,
    /// Where this was read.
    #[serde(default)]
    pub source: String,
}

impl Volume {
    /// What becomes of it at each event that exists for it, in the order of the events; drifting apart comes last.
    pub fn outcomes(&self) -> Vec<(Event, Outcome)> {
        if self.forbidden {
            return vec![(Event::ProcessRestart, Outcome::Forbidden)];
        }
        let lists = [
            (&self.survives, Outcome::Survives),
            (&self.lost, Outcome::Lost),
            (&self.reverts, Outcome::Reverts),
            (&self.unknown, Outcome::Unknown),
        ];
        let mut outcomes: Vec<_> =
            lists.iter().flat_map(|(events, outcome)| events.iter().map(|e| (*e, *outcome))).collect();
        if !self.shared {
            outcomes.push((Event::ScaleOut, Outcome::Diverges));
        }
        outcomes.sort();
        outcomes
    }
}

/// A store that a target treats in its own way, whatever its volume.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Exception {
    /// Kinds of store.
    pub store: Vec<Store>,
    /// What becomes of them, at every event.
    pub outcome: Outcome,
    /// Why, for people.
    pub why: String,
}

/// A target profile.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Target {
    /// `vm-role`.
    pub id: String,
    /// Other names that are accepted.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// For people.
    pub name: String,
    /// A sentence or two.
    pub summary: String,
    /// What the drive letters mean here.
    #[serde(default)]
    pub drives: BTreeMap<char, String>,
    /// Places that are on another volume than usual.
    #[serde(default)]
    pub places: BTreeMap<Place, String>,
    /// The volumes.
    pub volumes: BTreeMap<String, Volume>,
    /// Stores that are treated in their own way.
    #[serde(default)]
    pub exceptions: Vec<Exception>,
    /// Where the profile was read.
    pub references: Vec<String>,
}

/// What all targets share.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Platform {
    /// The events, described.
    pub events: BTreeMap<Event, EventInfo>,
    /// Usual volume of each place.
    pub places: BTreeMap<Place, String>,
    /// Usual place of stores that have no path.
    pub stores: BTreeMap<Store, Place>,
    /// Volumes that are alike everywhere: memory, boot session, durable.
    pub volumes: BTreeMap<String, Volume>,
}

/// An event, described.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventInfo {
    /// Short: `reimage`.
    pub name: String,
    /// A sentence.
    pub about: String,
}

impl Platform {
    /// The kind of place an effect is at: what its traits say, its location's folder, drive or root, or the usual
    /// place of its store.
    pub fn place_of(&self, effect: &Effect) -> Place {
        if effect.has(Trait::Remote) || effect.has(Trait::Durable) {
            return Place::Remote;
        }
        if effect.has(Trait::OnHost) {
            return Place::HostFolder;
        }
        if effect.has(Trait::Volatile) {
            return Place::BootSession;
        }
        let lead = effect.location.text().leading_lit();
        if effect.operation == Operation::KeepInMemory {
            // The state service is a process of its own, which outlives the application's.
            return if lead.starts_with("aspnet-state://") { Place::BootSession } else { Place::Memory };
        }
        // A data source or an access list may be a registry key too.
        if effect.store == Store::Registry || registry::split_root(lead).is_some() {
            return effect.location.registry_place();
        }
        // Sessions in a server of this machine are where its databases are.
        let in_database = effect.store == Store::Session && lead.starts_with("sqlserver://");
        let usual = self.stores.get(if in_database { &Store::Database } else { &effect.store }).copied();
        match usual {
            // Where a package came from is not where it ends up.
            Some(usual) if names_its_source(effect.store) => usual,
            // A queue or database on another host, a key ring in a folder: the location is more precise.
            Some(usual) => path_place(effect).unwrap_or(usual),
            // `sqlserver://.\SQLEXPRESS` is no relative path.
            None if lead.contains("://") => Place::MachineStore,
            None => effect.location.file_place(),
        }
    }
}

/// Stores whose effects are located by what is registered or installed, not by where that is then kept.
fn names_its_source(store: Store) -> bool {
    matches!(
        store,
        Store::Package
            | Store::Feature
            | Store::Patch
            | Store::Driver
            | Store::Com
            | Store::Service
            | Store::Task
            | Store::Account
            | Store::Share
            | Store::Environment
    )
}

/// The place of a location that is certainly a path: it has a folder, a drive or a share in front.
fn path_place(effect: &Effect) -> Option<Place> {
    let anchored = match effect.location.text().parts().first() {
        Some(Part::Hole(Hole::Folder(_))) => true,
        Some(Part::Lit(s)) => s.starts_with("\\\\") || s.get(1..3) == Some(":\\"),
        _ => false,
    };
    anchored.then(|| effect.location.file_place())
}

/// Name of the volume of which nothing is known.
const UNKNOWN_VOLUME: &str = "unknown";

impl Target {
    /// The volume a place is on; `drive` is the letter of a literal path.
    pub fn volume_of<'a>(&'a self, platform: &'a Platform, place: Place, drive: Option<char>) -> &'a str {
        let lettered =
            matches!(place, Place::DriveA | Place::DriveC | Place::DriveD | Place::DriveE | Place::DriveOther);
        if lettered {
            let volume = drive.and_then(|letter| self.drives.get(&letter.to_ascii_uppercase()));
            return volume.map_or(UNKNOWN_VOLUME, String::as_str);
        }
        self.places.get(&place).or_else(|| platform.places.get(&place)).map_or(UNKNOWN_VOLUME, String::as_str)
    }

    /// The volume by name, from the target or from what all share.
    pub fn volume<'a>(&'a self, platform: &'a Platform, name: &str) -> Option<&'a Volume> {
        self.volumes.get(name).or_else(|| platform.volumes.get(name))
    }
}

#[cfg(test)]
mod tests {
    use crate::facts::{Place, listing};
    use crate::rules::RuleSet;

    #[test]
    fn stores_without_a_path_are_not_beside_the_program() {
        let rules = RuleSet::embedded().unwrap();
        let place = |text: &str| {
            let readings = listing::parse(text).unwrap();
            rules.platform().place_of(readings[0].facts[0].as_effect().unwrap())
        };
        assert_eq!(place("effect write database sqlserver://./SQLEXPRESS"), Place::MachineStore);
        assert_eq!(place("effect write database {DataDirectory}\\a.mdf"), Place::AppData);
        assert_eq!(place("effect write database {param:file}"), Place::Unknown);
        assert_eq!(place("effect configure database HKCU\\Software\\ODBC\\ODBC.INI"), Place::Hkcu);
        assert_eq!(place("effect keep-in-memory log elmah://MemoryErrorLog"), Place::Memory);
        assert_eq!(
            place("effect write session sqlserver://(local)"),
            place("effect write database sqlserver://(local)")
        );
        assert_eq!(place("effect keep-in-memory session aspnet-session://InProc"), Place::Memory);
        assert_eq!(place("effect keep-in-memory session \"aspnet-state://tcpip=loopback:42424\""), Place::BootSession);
    }
}
