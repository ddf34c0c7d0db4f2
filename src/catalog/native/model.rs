//! How functions are to be understood whose rows do not say it in plain fields.

use serde::Deserialize;

/// How a call is to be understood when plain fields do not say it. Numbers in `args` are in the order given here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// path, access, disposition, flags
    CreateFile,
    /// object attributes, access, disposition, options
    NtCreateFile,
    /// object attributes, access, options
    NtOpenFile,
    /// path, `OF_` style
    OpenStyle,
    /// path, mode string, optionally the out-parameter for the stream
    Fopen,
    /// path, `_O_` flags
    Oflag,
    /// path, `std::ios_base::openmode` of the Microsoft library
    Openmode,
    /// path, `std::ios_base::openmode` of libstdc++
    GnuOpenmode,
    /// path, `STGM_` mode
    Stgm,
    /// path, `SQLITE_OPEN_` flags
    SqliteFlags,
    /// from, to, flags
    Move,
    /// file that is replaced, what replaces it, what becomes of it
    Replace,
    /// file handle, `FILE_INFO_BY_HANDLE_CLASS`, structure
    FileInformation,
    /// file handle, `FILE_INFORMATION_CLASS`, structure
    NtFileInformation,
    /// object name, `SE_OBJECT_TYPE`
    NamedSecurity,
    /// `SHFILEOPSTRUCT`
    ShellOperation,
    /// file, protection, name
    FileMapping,
    /// folder, prefix, number, out
    TempFileName,
    /// key, sub-key, out, access
    RegOpen,
    /// key, sub-key, out, access, options
    RegCreate,
    /// root, machine, out
    RegConnect,
    /// out
    RegCurrentUser,
    /// relative-to
    RtlRegistry,
    /// provider, flags, name
    CertStore,
    /// flags
    Dpapi,
    /// container, flags
    KeyContainer,
    /// connection string
    ConnectionString,
    /// service table
    ServiceDispatcher,
    /// Only an installer's custom action calls it.
    CustomAction,
    /// function that will be called, see `caller`; optionally the argument that it is given, and as which of its own
    Callback,
    /// `WNDCLASS`
    WindowClass,
    /// `WNDCLASSEX`
    WindowClassEx,
    /// program, command line
    Starts,
    /// CSIDL, out, optionally a folder below it
    CsidlPath,
    /// KNOWNFOLDERID, out
    KnownFolder,
    /// module, out
    ModuleFileName,
    /// text, out
    Expand,
    /// variable, optionally out
    EnvGet,
    /// variable, out-parameter for a new string
    EnvDup,
    /// out
    Identity,
    /// out, path
    FullPath,
    /// The result is given by whoever starts the program.
    Input,
    /// destination, source, optionally the most characters
    Copy,
    /// destination, source, how many bytes or characters
    CopyBytes,
    /// destination, source, optionally the most characters
    Append,
    /// out-parameter for the array of the program's arguments
    ArgumentsOut,
    /// The result points to the array of the program's arguments.
    ArgumentsPointer,
    /// The result is the array of the program's arguments.
    ArgumentsList,
    /// string object, text
    StringSet,
    /// string object, text, optionally its length
    StringAppend,
    /// string object, another one
    StringCopy,
    /// string object, another one that is appended
    StringAdd,
    /// string object that becomes two, one behind the other: objects or texts, as `objects` says
    StringJoin,
    /// string object
    StringClear,
    /// string object, and what `edit` says
    StringEdit,
    /// string object, and what `edit` says; the result is a number of characters
    StringFind,
    /// string object, place, characters that go, text, its length: room for it, and the text where there is one
    StringRoom,
    /// Makes what widens characters.
    StringConvert,
    /// where a string has its characters, the first and the end of those that are copied there
    StringRange,
    /// string object, variable with the number of characters; the result is memory for them
    StringCreate,
    /// string object, its length
    StringLength,
    /// string object; the result is its length
    StringSize,
    /// string object; the result says whether its length is zero
    StringEmpty,
    /// string object; the result says whether its characters are in it
    StringIsLocal,
    /// string object, number of characters (or where `edit` says it); the result is the address of the next one
    StringAt,
    /// string object that ends: another may take its place
    StringEnd,
    /// string object, pointer together with a length
    StringView,
    /// string object that becomes the folder in `fixed`
    StringFolder,
    /// string object that becomes a path, its folder, its name
    StringPath,
    /// string object that is a path, name that is put behind it: a pointer together with a length
    StringPathView,
    /// string object, `QStandardPaths::StandardLocation`
    StandardPath,
    /// Makes an object (argument 0) that keeps settings: in `file`, or below `fixed` by the names in `below`.
    SettingsObject,
    /// settings object, name of a group
    SettingsGroup,
    /// settings object
    SettingsGroupEnd,
    /// settings object, name of the value
    SettingsWrite,
    /// object that names the driver, name
    SqlDatabase,
    /// string object or text with the name that `sets` says the program goes by
    ProgramName,
    /// path, `QIODevice::OpenMode`
    QtOpenmode,
    /// path, `wxFile::OpenMode`
    WxOpenmode,
    /// path, mode of Visual Basic's `Open` statement
    VbOpenmode,
    /// path, flags of Go's `os.OpenFile`
    GoOflag,
    /// slice of strings; the result is a path
    GoJoin,
    /// strings
    GoConcat,
    /// variable
    GoGetenv,
    /// string object; the result is its text
    StringText,
    /// string object, pointer to its characters
    StringPointer,
    /// string object; the result is where short strings are kept in it
    StringLocal,
    /// source
    Duplicate,
    /// source
    Length,
    /// text, character
    FindLast,
    /// text, what is looked for
    FindInside,
    /// text, text
    Compare,
    /// text
    FindFileName,
    /// text
    FindExtension,
    /// destination, format, first value
    Format,
    /// destination, format, list
    FormatList,
    /// destination, format, list; the options come before
    FormatCommon,
    /// destination, source
    Widen,
    /// destination, source
    Narrow,
    /// buffer, more
    PathAppend,
    /// destination, folder, file
    PathCombine,
    /// buffer
    RemoveFileName,
    /// buffer
    AddSeparator,
    /// buffer
    RemoveExtension,
    /// buffer, extension
    RenameExtension,
    /// buffer, extension that is put behind a name without one
    AddExtension,
    /// buffer
    UnknownText,
    /// buffer, byte, count
    SetBytes,
    /// buffer, format: conversions are parts of a time
    FormatTime,
    /// destination, drive, folder, name, extension
    MakePath,
    /// path, drive, folder, name, extension
    SplitPath,
    /// first of the variables that are filled, behind the format
    Scan,
    /// `OPENFILENAME`
    FileDialog,
    /// message, what it is about
    Message,
    /// folder that relative names are below from now on
    ChangeFolder,
    /// optionally out
    TempName,
    /// out
    GeneratedGuid,
    /// out, id
    GuidText,
    /// structure, word of it that points to what is filled
    FillsWithin,
    /// class, interface, out
    ComCreate,
    /// where a shortcut leads
    ShortcutTarget,
    /// module, name
    ProcAddress,
    /// Known to leave its arguments alone.
    Nothing,
}
