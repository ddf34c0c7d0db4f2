//! What else is known of an artifact and bears on its effects.

use super::location::Location;
use serde::{Deserialize, Serialize};

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
    /// What is started at the same site gets this: `key` is `env/NAME` for a variable, `arg/1`, `arg/NAME` or `arg/*`
    /// for an argument, or `cwd` for its current folder; `location` is the value.
    Given,
    /// This script takes the parameter `value` as its `key`-th; `location` is what it is when nobody gives it.
    Takes,
    /// The whole artifact, or the symbol in `key`, runs in the phase named by `value`.
    RunsIn,
    /// A volume or path that outlives the instance: `location`, and `key` says by what.
    DurableMount,
    /// A folder or a volume of the host that a container sees: it outlives the container, and not the host.
    HostMount,
    /// A link or a substituted drive at `location` leads to the path in `value`; `key` says what makes it.
    LeadsTo,
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
    /// A comment that accepts findings: `key` is the rules and, after `@`, the lines it covers or `file`
    /// (`WP201,WP101@13`, `WP201@13-17`); `value` is the reason.
    Allow,
}

/// How a [`ClueKind::Starts`] says that what is started is a tool of somebody else, of which the call says what it does.
pub const TOOL: &str = "tool";

/// Key of the [`ClueKind::Role`] of a script that stays and serves, whatever starts it: it listens, or goes round and round.
pub const STAYS: &str = "stays";
/// Value of [`STAYS`] where nothing ends the script; others only do something in several rounds.
pub const NEVER_ENDS: &str = "it never ends";

/// Key of the [`ClueKind::Starts`] of what an installer uses itself and does not install.
pub const PLUG_IN: &str = "plug-in";

/// Key of the [`ClueKind::Role`] of a program that unpacks and sets up what it carries; `value` is what made it.
pub const SELF_EXTRACTING: &str = "self-extracting";

/// Key of the [`ClueKind::Role`] of a library that registers itself; `value` is the function that does.
pub const SELF_REGISTERING: &str = "self-registering";

/// Key of the [`ClueKind::Role`] of a well-known program that others bring along; `value` is the product.
pub const BROUGHT_ALONG: &str = "brought-along";

/// Key of the [`ClueKind::Role`] of what is a container by an image that was made before: `value` is its name.
pub const CONTAINER: &str = "container";

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
