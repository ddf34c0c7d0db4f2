//! When in the life of an image something happens, and how that is known.

use serde::{Deserialize, Serialize};

/// When an effect takes place, relative to the capture of the image and the start of the instance.
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
pub enum Phase {
    /// Before the image is captured: the result is baked in.
    Build,
    /// Once, when an instance first boots.
    FirstBoot,
    /// At every start of the instance or the role.
    Startup,
    /// While the application serves.
    Run,
    /// While it is being stopped: a failed machine never gets there.
    Shutdown,
    /// Not on the instance at all: tests, samples, uninstallers.
    NotShipped,
    /// No evidence. Judged as [`Phase::Run`] for programs, and said to be assumed.
    #[default]
    Unknown,
}
