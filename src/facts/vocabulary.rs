//! The closed vocabularies of effects: operations, stores, origins, certainties, traits.

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
    /// Accepted by the team in spite of a rule.
    Accept,
}

impl Operation {
    /// Takes something away.
    pub fn removes(self) -> bool {
        matches!(self, Operation::Delete | Operation::DeleteValue | Operation::Unregister)
    }
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
    /// A decision about findings, in settings or in a comment.
    Allowance,
}

impl Store {
    /// Its effects are located by a path.
    pub fn is_path(self) -> bool {
        matches!(
            self,
            Store::File
                | Store::Directory
                | Store::TempFile
                | Store::Ini
                | Store::Log
                | Store::Trace
                | Store::Dump
                | Store::Database
                | Store::Settings
                | Store::Package
                | Store::Patch
                | Store::Driver
                | Store::Acl
                | Store::Com
                | Store::Shortcut
                | Store::Cache
                | Store::Hosts
                | Store::Mail
        )
    }
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
    /// A new id, key or random number.
    Generated,
    /// The time, or the number of the process: true of this moment, and nothing that anybody is known by later.
    Moment,
    /// The previous value of the same location.
    Previous,
    /// A secret.
    Secret,
    /// Not known.
    #[default]
    Unknown,
}

/// How certain it is that the effect is there (the module `judge` tells how each is judged).
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
    /// The image holds the same value already: writing it again changes nothing.
    Unchanged,
    /// Written only when the program stops.
    OnlyAtShutdown,
    /// The effect of the language runtime or of a library, not of the application's own code.
    Runtime,
    /// The location is a guess from a literal in the same function.
    Guessed,
    /// Re-computed on a miss.
    Recomputable,
    /// Only the key or folder that holds what is reported by itself.
    Implied,
    /// In a local resource that the platform empties at every recycle of the role.
    CleanedOnRecycle,
    /// It carries a secret of its own, so that whoever gets a copy of the image gets the same one.
    Cloned,
    /// Not seen to be written, but an access list was set so that the application can.
    Foretold,
    /// The role that does it is configured to run as two or more instances.
    Replicated,
    /// The ciphertext is kept where it outlives the key that reads it.
    KeyApart,
    /// What programs print while they do something else: a log of it.
    Printed,
    /// In a folder or a volume of the host of the container.
    OnHost,
    /// The same run makes it anew before it adds to it.
    Renewed,
    /// Tells Windows Installer that a component is there, and nobody else anything.
    KeyPath,
    /// Left in an image of a container: such an image is never generalised.
    ContainerImage,
    /// Done as another account than the one that runs later: what it does to its own profile nobody sees.
    OtherAccount,
    /// The same state is used elsewhere, in another artifact or further on, where it is told.
    Repeated,
    /// Told by the name of a setting: nobody was seen to ask for it.
    Named,
    /// By a tool that the application has with it: what calls it says what it does.
    Tool,
}
