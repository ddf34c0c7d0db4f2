//! Kinds of places, before any target says which volume they are on.

use serde::{Deserialize, Serialize};

/// What kind of place a location is in. A target maps each to a volume class (`rules/targets/`); a drive letter in
/// particular means nothing without one.
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
pub enum Place {
    /// `%SystemDrive%\` and folders of its own below it.
    OsRoot,
    /// `%SystemRoot%`.
    Windows,
    /// `%ProgramFiles%`.
    ProgramFiles,
    /// `%ProgramData%`.
    ProgramData,
    /// The profile of whoever runs.
    UserProfile,
    /// .NET isolated storage.
    IsolatedStorage,
    /// `%TEMP%`.
    Temp,
    /// A named local resource of a role, or the temporary disk.
    LocalResource,
    /// Beside the program, `~/`, `inetpub\wwwroot`.
    AppDir,
    /// `App_Data`.
    AppData,
    /// `%HOME%`.
    Home,
    /// Temporary ASP.NET Files.
    AspnetTemp,
    /// IIS log files.
    IisLogs,
    /// A folder or a volume of the host that a container sees.
    HostFolder,
    /// A path with a drive letter that is no known folder: the target says what the letter means.
    DriveA,
    /// See [`Place::DriveA`].
    DriveC,
    /// See [`Place::DriveA`].
    DriveD,
    /// See [`Place::DriveA`].
    DriveE,
    /// Any other drive letter.
    DriveOther,
    /// `\\server\share`.
    UncShare,
    /// A device, pipe, mail slot, console: nothing is kept.
    Device,
    /// `HKEY_LOCAL_MACHINE`.
    Hklm,
    /// `HKEY_CURRENT_USER` of the running identity.
    Hkcu,
    /// `HKEY_CLASSES_ROOT`.
    Hkcr,
    /// `HKEY_USERS` and loaded hives.
    Hku,
    /// A registry key whose root is not known.
    HkUnknown,
    /// Process memory.
    Memory,
    /// Lives until the machine restarts: volatile keys, page-file sections, session drive maps.
    BootSession,
    /// A state store of this machine that is neither a path nor a plain registry key: event log, certificate store,
    /// service table, local database engine, queue.
    MachineStore,
    /// A store on another host.
    Remote,
    /// Not known.
    Unknown,
}

impl Place {
    /// The place of a drive letter.
    pub fn of_drive(letter: char) -> Place {
        match letter.to_ascii_uppercase() {
            'A' | 'B' => Place::DriveA,
            'C' => Place::DriveC,
            'D' => Place::DriveD,
            'E' | 'F' => Place::DriveE,
            _ => Place::DriveOther,
        }
    }
}
