//! The rows of the tables of functions.

use super::Model;
use super::words::{EditWord, words};
use crate::facts::{Folder, Operation, Store, Trait};
use serde::Deserialize;

/// Who calls a function that is handed over by its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Caller {
    /// Whoever handed it over: in a thread, when a message or the time comes.
    Same,
    /// The service control manager.
    Services,
    /// The runtime or the system, when the program ends.
    Exit,
}

/// Where a function finds an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passed {
    /// At this place of the convention.
    At(u8),
    /// In the register that x86 has for the object of a method.
    Object,
}

/// One function.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Module, or `crt` / `msvcp` for any of their DLLs.
    #[serde(rename = "in")]
    pub module: String,
    /// Has the two forms `NameA` and `NameW`.
    #[serde(default)]
    pub aw: bool,
    /// The bare name exists too, and is the narrow form.
    #[serde(default)]
    pub plain: bool,
    /// Strings are UTF-16.
    #[serde(default)]
    pub wide: bool,
    /// A method: on x86 argument 0 is in a register: the object, or where the method puts the object that it gives (GCC: what
    /// is passed first is in ECX, whatever it is).
    #[serde(default)]
    pub method: bool,
    /// Arguments that are string objects of the C++ library.
    #[serde(default)]
    pub objects: Vec<u8>,
    /// Nothing ends a text that fills all of its room.
    #[serde(default)]
    pub unended: bool,
    /// Argument with how many characters the buffer takes, their end included.
    pub room: Option<u8>,
    /// Argument with how many characters are put there at most. Beside a room, -1 asks for as many as fit.
    pub most: Option<u8>,
    /// A text for which there is no room ends the program.
    #[serde(default)]
    pub fails: bool,
    /// Narrow strings are UTF-8.
    #[serde(default)]
    pub utf8: bool,
    /// See [`Model`].
    pub model: Option<Model>,
    /// Arguments in the order of the model.
    #[serde(default)]
    pub args: Vec<u8>,
    /// Words for what becomes of a string object, or what is looked for in one, see [`Row::edit`].
    #[serde(default, deserialize_with = "words", rename = "edit")]
    edits: Vec<EditWord>,
    /// Bits that the function adds to the mode that it is given.
    #[serde(default)]
    pub adds: u64,
    /// `operation store`.
    pub does: Option<String>,
    /// Argument with the path.
    pub file: Option<u8>,
    /// Without a path there is no file: what it makes is in memory.
    #[serde(default)]
    pub optional: bool,
    /// Argument with another kind of name.
    pub name: Option<u8>,
    /// That argument is a structure: how many bytes stand before the pointer to the name, in programs of 64 and of 32 bits.
    pub within: Option<[u8; 2]>,
    /// Argument with an open registry key.
    pub key: Option<u8>,
    /// Argument with the access rights or flags that say which view of the registry is meant.
    pub access: Option<u8>,
    /// Argument with the path that is copied or moved.
    pub from: Option<u8>,
    /// Argument with a key (or section) below.
    pub sub: Option<u8>,
    /// Argument with the name of a value.
    pub value: Option<u8>,
    /// Argument that points to the written value.
    pub data: Option<u8>,
    /// Argument with the type of that, as the registry tells types apart.
    pub kind: Option<u8>,
    /// Argument with the written value, where it is a number.
    pub number: Option<u8>,
    /// Arguments with names below a fixed location, the outermost first.
    #[serde(default)]
    pub below: Vec<u8>,
    /// Words of all arguments, behind which the result lies where there are no registers for it (Go, x86).
    pub words: Option<u8>,
    /// Argument with the format of a settings object.
    pub format: Option<u8>,
    /// Argument with the scope of a settings object.
    pub scope: Option<u8>,
    /// What the whole program is called by from now on, `organization` or `application`: fills the hole of that name,
    /// `{param:organization}`, in the places of other calls.
    pub sets: Option<String>,
    /// Beginnings of names of functions, one of which the image has to import for the row to hold.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Row that holds otherwise; without one the call then leaves nothing behind.
    pub otherwise: Option<String>,
    /// Who calls the function that is handed over.
    pub caller: Option<Caller>,
    /// File, section and entry of an INI file.
    pub ini: Option<Vec<u8>>,
    /// The location, when it is always the same.
    pub fixed: Option<String>,
    /// Argument with a handle whose opener knows the location.
    pub handle: Option<u8>,
    /// Argument with a handle that was opened on a machine.
    pub parent: Option<u8>,
    /// The result is a handle of this kind, to what `name` or `file` says.
    pub opens: Option<String>,
    /// Argument with the namespace that `name` is in.
    pub namespace: Option<u8>,
    /// Argument with the name of a machine; null is this one.
    pub host: Option<u8>,
    /// Argument with a command line that will be started.
    pub starts: Option<u8>,
    /// Argument with the buffer that receives what is read, or the folder.
    pub fills: Option<u8>,
    /// Argument with the text that stands for what is not there.
    pub default: Option<u8>,
    /// Folder that is asked for.
    pub folder: Option<String>,
    /// Traits of the effect.
    pub traits: Option<String>,
    /// Has no harmless use, so a call says enough even without a location.
    #[serde(default)]
    pub specific: bool,
    /// `does`, parsed.
    #[serde(skip)]
    pub effect: Option<(Operation, Store)>,
    /// `traits`, parsed.
    #[serde(skip)]
    pub mark: Option<Trait>,
    /// `folder`, parsed.
    #[serde(skip)]
    pub known_folder: Option<Folder>,
}

impl Row {
    /// Where an argument is passed: on x86 the first of a method is in a register, and the others move up. The options of
    /// the common functions of the universal runtime are 64 bits wide there: two arguments.
    pub fn passed(&self, n: u8, is_64: bool) -> Passed {
        match n.checked_sub(1) {
            Some(_) if !is_64 && self.model == Some(Model::FormatCommon) => Passed::At(n + 1),
            _ if is_64 || !self.method => Passed::At(n),
            Some(n) => Passed::At(n),
            None => Passed::Object,
        }
    }

    /// What the function puts in the place of which part of its string object, or what it looks for there.
    pub fn edit(&self) -> &[EditWord] {
        use EditWord::{All, At, Count, End, Length, Object, Text};
        match self.model {
            Some(Model::StringSet) => &[All, Text],
            Some(Model::StringCopy) => &[All, Object],
            Some(Model::StringAppend) if self.args.len() > 2 => &[End, Text, Length],
            Some(Model::StringAppend) => &[End, Text],
            Some(Model::StringAdd) => &[End, Object],
            Some(Model::StringClear) => &[All],
            Some(Model::StringRoom) => &[At, Count, Text, Length],
            _ => &self.edits,
        }
    }

    /// What is said of the call depends on this argument: on the place that it names, or the way it is opened.
    pub fn judges(&self, argument: usize) -> bool {
        self.deciding().chain([self.format, self.scope].into_iter().flatten()).any(|n| usize::from(n) == argument)
    }

    /// Arguments that say where or how.
    fn deciding(&self) -> impl Iterator<Item = u8> {
        let single = [
            self.namespace,
            self.file,
            self.name,
            self.key,
            self.sub,
            self.value,
            self.handle,
            self.parent,
            self.host,
            self.starts,
        ];
        let several = [&self.args, &self.below].into_iter().chain(self.ini.as_ref());
        single.into_iter().flatten().chain(several.flatten().copied())
    }

    /// Changes state, or opens what is changed: worth looking for in code. What only reads or builds paths is
    /// understood when it is met.
    pub fn is_sink(&self) -> bool {
        use Model::{
            Callback, CertStore, ChangeFolder, ConnectionString, CreateFile, Dpapi, FileInformation, FileMapping,
            Fopen, GnuOpenmode, GoOflag, KeyContainer, Move, NamedSecurity, NtCreateFile, NtFileInformation,
            NtOpenFile, Oflag, OpenStyle, Openmode, ProgramName, QtOpenmode, RegCreate, RtlRegistry, ServiceDispatcher,
            SettingsWrite, ShellOperation, ShortcutTarget, SqlDatabase, SqliteFlags, Starts, Stgm, TempFileName,
            VbOpenmode, WindowClass, WindowClassEx, WxOpenmode,
        };
        self.effect.is_some()
            || matches!(
                self.model,
                Some(
                    Callback
                        | CertStore
                        | ChangeFolder
                        | ConnectionString
                        | CreateFile
                        | Dpapi
                        | FileInformation
                        | FileMapping
                        | Fopen
                        | GnuOpenmode
                        | GoOflag
                        | KeyContainer
                        | Move
                        | NamedSecurity
                        | NtCreateFile
                        | NtFileInformation
                        | NtOpenFile
                        | Oflag
                        | OpenStyle
                        | Openmode
                        | ProgramName
                        | QtOpenmode
                        | RegCreate
                        | RtlRegistry
                        | ServiceDispatcher
                        | SettingsWrite
                        | ShellOperation
                        | ShortcutTarget
                        | SqlDatabase
                        | SqliteFlags
                        | Starts
                        | Stgm
                        | TempFileName
                        | VbOpenmode
                        | WindowClass
                        | WindowClassEx
                        | WxOpenmode
                )
            )
    }

    /// Number of arguments that the row speaks of.
    pub fn arity(&self) -> usize {
        let written = [self.data, self.kind, self.number];
        let content = [self.fills, self.default, self.access, self.from].into_iter().chain(written).flatten();
        self.deciding().chain(content).max().map_or(0, |n| usize::from(n) + 1)
    }
}
