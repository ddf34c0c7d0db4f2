//! What is done to state, and what else is known that bears on it.

use super::location::Location;
use super::phase::Phase;
use super::site::Site;
use serde::{Deserialize, Serialize};

/// What happens to the state.
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
pub enum Operation {
    /// Read only: never a finding, but tells state from logs.
    Read,
    /// Made, or replaced.
    Create,
    /// Opened or changed in place.
    Write,
    /// Added to its end.
    Append,
    /// Removed: an image brings it back.
    Delete,
    /// Moved or renamed to this location.
    Rename,
    /// Copied to this location.
    Copy,
    /// A named value set.
    SetValue,
    /// A named value removed.
    DeleteValue,
    /// Made known to the system: a service, a task, a class, an event source.
    Register,
    /// Removed from the system.
    Unregister,
    /// Accepted for later processing.
    Enqueue,
    /// Kept in the memory of the process.
    KeepInMemory,
    /// Settings of the machine or a server changed.
    Configure,
    /// Put on the machine: packages, features, drivers, patches.
    Install,
    /// A key, id or secret made on the spot.
    Generate,
    /// Encrypted with a key of this machine or user.
    Protect,
    /// Used as an identity: the machine's name or hardware.
    Identify,
    /// Access granted on it.
    Grant,
    /// Attached under a local name.
    Mount,
}

/// What kind of thing holds the state. A closed vocabulary; the JSON report documents it.
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
pub enum Store {
    /// A file of the application.
    File,
    /// A folder.
    Directory,
    /// A temporary file.
    TempFile,
    /// An INI file.
    Ini,
    /// The registry.
    Registry,
    /// A database file or a database engine.
    Database,
    /// A message queue.
    Queue,
    /// Mail to be sent: pickup folders.
    Mail,
    /// A log file.
    Log,
    /// A trace or event-tracing file.
    Trace,
    /// The Windows event log.
    EventLog,
    /// A crash dump.
    Dump,
    /// ASP.NET session state.
    Session,
    /// A cache.
    Cache,
    /// Process memory, static fields, application state.
    Memory,
    /// Work accepted but not done, in memory.
    Job,
    /// .NET isolated storage.
    IsolatedStorage,
    /// Application or user settings files written by a framework.
    Settings,
    /// A certificate store.
    Certificate,
    /// A cryptographic key or key container.
    Key,
    /// A stored credential or secret.
    Credential,
    /// Ciphertext bound to a key of this machine.
    Ciphertext,
    /// A Windows service.
    Service,
    /// A scheduled task.
    Task,
    /// A local user or group.
    Account,
    /// A network share.
    Share,
    /// A drive mapping.
    NetworkMap,
    /// A persistent environment variable.
    Environment,
    /// An access control list.
    Acl,
    /// Web server configuration.
    IisConfig,
    /// A COM class, assembly cache or type library registration.
    Com,
    /// An installed package.
    Package,
    /// A Windows feature.
    Feature,
    /// A patch of the operating system.
    Patch,
    /// A driver.
    Driver,
    /// A printer or print job.
    Printer,
    /// Firewall rules, URL reservations, network settings.
    Network,
    /// The hosts file.
    Hosts,
    /// Clock, time zone, locale.
    Clock,
    /// The name or identity of the machine.
    Identity,
    /// Performance counters.
    PerformanceCounter,
    /// The WMI repository.
    Wmi,
    /// A shortcut.
    Shortcut,
    /// A named object of this machine: mutex, mapping.
    NamedObject,
    /// A store on another host: good practice, recorded for the report.
    RemoteStore,
    /// The shape of the deployment: instance counts.
    Topology,
}

/// Where the written value comes from.
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
pub enum Origin {
    /// The same value each time: re-created by running the same code again.
    Constant,
    /// A file of the package.
    Packaged,
    /// Configuration or environment.
    Configuration,
    /// A request, a user, the network.
    Input,
    /// A new id, key, random number or time.
    Generated,
    /// The previous value of the same location.
    Previous,
    /// A secret.
    Secret,
    /// Not known.
    #[default]
    Unknown,
}

/// How certain it is that the effect is there (see the module documentation of [`crate::judge`]).
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
pub enum Certainty {
    /// A capability: an import, a string, a late-bound name.
    Possible,
    /// A writing site with a partly recovered location, or an API that has no harmless use.
    Likely,
    /// The site is found, and its location and mode are recovered.
    Proven,
}

/// A property of an effect that changes its judgement.
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
pub enum Trait {
    /// Lives until the machine restarts (REG_OPTION_VOLATILE, page-file sections).
    Volatile,
    /// Removed when closed: scratch by intention.
    DeleteOnClose,
    /// Seen through the 32-bit registry view.
    View32,
    /// On another host.
    Remote,
    /// Below a place that a declared or mounted durable volume provides.
    Durable,
    /// The default of an element that is absent.
    ByDefault,
    /// Read elsewhere in the application, so it is state and not an export.
    ReadBack,
    /// The previous content is read, changed and written: primary data.
    ReadModifyWrite,
    /// Uploaded to a remote store by the same code: staging.
    Staged,
    /// Covered by an agent or transfer that ships it off the machine.
    Shipped,
    /// Also written before the image is captured, so a loss shows as a silent return to that value.
    Baked,
    /// Written only when the program stops.
    OnlyAtShutdown,
    /// The effect of the language runtime or of a library, not of the application's own code.
    Runtime,
    /// The location is a guess from a literal in the same function.
    Guessed,
    /// Re-computed on a miss.
    Recomputable,
    /// Guarded by a test for a marker that another volume holds.
    MarkerMismatch,
    /// The container is captured with the image and every instance gets the same.
    Cloned,
}

/// One step of an evidence chain, in words, with the place to check it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Step {
    /// What was seen: ``string "cart.dat" at 0x4030``.
    pub text: String,
    /// Artifact, when it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<String>,
    /// Place in the artifact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<Site>,
}

impl Step {
    /// A step in the artifact of the fact itself.
    pub fn new(text: impl Into<String>) -> Self {
        Step { text: text.into(), ..Step::default() }
    }

    /// A step with its place.
    pub fn at(text: impl Into<String>, site: Site) -> Self {
        Step { text: text.into(), site: Some(site), ..Step::default() }
    }

    /// The same step, seen in another artifact.
    #[must_use]
    pub fn in_artifact(mut self, artifact: impl Into<String>) -> Self {
        self.artifact = Some(artifact.into());
        self
    }
}

/// Something that is done to state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Effect {
    /// What is done.
    pub operation: Operation,
    /// To what kind of thing.
    pub store: Store,
    /// Where that is.
    pub location: Location,
    /// Where the value comes from.
    pub origin: Origin,
    /// When.
    pub phase: Phase,
    /// How the phase is known; empty when it is not.
    pub phase_evidence: String,
    /// How certain.
    pub certainty: Certainty,
    /// API, command or key that does it: `advapi32!RegSetValueExW`, `reg add`, `sessionState@mode`.
    pub via: String,
    /// Sorted, without duplicates; use [`Effect::mark`].
    pub traits: Vec<Trait>,
    /// From the entry to the value, in order.
    pub evidence: Vec<Step>,
}

impl Effect {
    /// An effect with unknown origin and phase and no traits.
    pub fn new(
        operation: Operation,
        store: Store,
        location: Location,
        certainty: Certainty,
        via: impl Into<String>,
    ) -> Self {
        Effect {
            operation,
            store,
            location,
            origin: Origin::Unknown,
            phase: Phase::Unknown,
            phase_evidence: String::new(),
            certainty,
            via: via.into(),
            traits: Vec::new(),
            evidence: Vec::new(),
        }
    }

    /// Sets the phase with its evidence.
    #[must_use]
    pub fn in_phase(mut self, phase: Phase, evidence: impl Into<String>) -> Self {
        self.phase = phase;
        self.phase_evidence = evidence.into();
        self
    }

    /// Sets the origin.
    #[must_use]
    pub fn of_origin(mut self, origin: Origin) -> Self {
        self.origin = origin;
        self
    }

    /// Adds an evidence step.
    #[must_use]
    pub fn because(mut self, step: Step) -> Self {
        self.evidence.push(step);
        self
    }

    /// Adds a trait.
    #[must_use]
    pub fn with(mut self, mark: Trait) -> Self {
        self.mark(mark);
        self
    }

    /// Adds a trait in place.
    pub fn mark(&mut self, mark: Trait) {
        if let Err(at) = self.traits.binary_search(&mark) {
            self.traits.insert(at, mark);
        }
    }

    /// Has the trait.
    pub fn has(&self, mark: Trait) -> bool {
        self.traits.binary_search(&mark).is_ok()
    }
}

/// What a clue is about.
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
pub enum ClueKind {
    /// A configuration value: `key` is the name as code asks for it (`appSettings/LogPath`, `Storage:Root`),
    /// `value` the text. `env` in the key after `@` names the environment.
    ConfigValue,
    /// A connection string by name.
    ConnectionString,
    /// This artifact starts another: `key` is how (`startup-task`, `service`, `call`, `msiexec`), `value` the
    /// command or path, `location` the resolved path.
    Starts,
    /// The whole artifact, or the symbol in `key`, runs in the phase named by `value`.
    RunsIn,
    /// A volume or path that outlives the instance: `location`, and `key` says by what.
    DurableMount,
    /// A named local resource; `value` is `clean` or `keep` on role recycle.
    LocalResource,
    /// Number of instances (`value`) of the role in `key`.
    Instances,
    /// The operating-system disk is ephemeral, the temporary disk is used: `key` says which.
    Disk,
    /// A client of a store on another host; `key` names the kind.
    RemoteClient,
    /// What ships logs off the machine: `location` covered, `key` by what.
    LogTransfer,
    /// Access granted to the run-time identity on `location`: run-time state is to be expected there.
    GrantsAccess,
    /// A test for a marker (`location`) that guards an effect (`value`).
    Guard,
    /// `location` is baked into the image by being shipped in the package.
    Ships,
    /// An API imported; `key` is `module!name`. Capability, never a finding by itself.
    Import,
    /// The artifact hides its contents: `key` is `packed`, `encrypted`, `obfuscated`, `native-aot`, ...
    Opaque,
    /// Product, company, version or public key token of a binary (`key`, `value`).
    Identity,
    /// The application has this component or role: `key` is `web-role`, `worker-role`, `service`, `aspnet`, ...
    Role,
}

/// Something true of an artifact that is not itself an effect.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Clue {
    /// What it is about.
    pub kind: ClueKind,
    /// The name; see [`ClueKind`].
    pub key: String,
    /// The value; see [`ClueKind`].
    pub value: String,
    /// A location, where there is one.
    pub location: Option<Location>,
}

impl Clue {
    /// A clue without a location.
    pub fn new(kind: ClueKind, key: impl Into<String>, value: impl Into<String>) -> Self {
        Clue { kind, key: key.into(), value: value.into(), location: None }
    }

    /// The same clue, about a location.
    #[must_use]
    pub fn at(mut self, location: Location) -> Self {
        self.location = Some(location);
        self
    }
}
