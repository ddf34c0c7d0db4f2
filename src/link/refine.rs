//! From names to kinds of store: a file called `orders.sdf` is a database, whatever API opened it.

use crate::facts::{Certainty, Effect, Hole, Location, Operation, Origin, Part, Reading, Store, Text, Trait};

/// Extensions of database files (engines: SQLite, SQL Server, SQL CE, Access, ESE, dBase, Firebird, LiteDB).
const DATABASES: &[&str] = &[
    "sqlite", "sqlite3", "db3", "s3db", "sdf", "mdf", "ldf", "ndf", "mdb", "accdb", "edb", "dbf", "fdb", "gdb",
    "litedb", "db", "realm",
];
/// Extensions of log files.
const LOGS: &[&str] = &["log", "svclog", "trc"];
/// Extensions of event traces and dumps.
const TRACES: &[&str] = &["etl", "blg"];
const DUMPS: &[&str] = &["dmp", "mdmp", "hdmp"];
/// How variables of the application are written: of classic ASP, and of ASP.NET.
const KEPT_BY_APPLICATION: [&str; 2] = ["application:", "aspnet-application://"];
/// Extensions of shortcuts, to files and to pages.
const LINKS: &[&str] = &["lnk", "url"];

/// Keys of the data sources of ODBC (MS documentation, "Registry Entries for Data Sources"): the list of all, and a key for
/// each.
const SOURCES: &str = "\\software\\odbc\\odbc.ini\\";
const LIST: &str = "odbc data sources\\";

/// Refines plain files, folders and registry values by their location.
pub(super) fn stores(readings: &mut [Reading]) {
    for reading in readings {
        let is_native = reading.format.starts_with("pe-");
        for effect in super::effects_mut(std::slice::from_mut(reading)) {
            if effect.store == Store::Registry
                && matches!(effect.operation, Operation::Create | Operation::SetValue | Operation::Write)
                && let Some(source) = data_source(&effect.location)
            {
                effect.store = Store::Database;
                effect.operation = Operation::Configure;
                effect.location = source;
            }
            if effect.store == Store::Queue && is_remote_queue(&effect.location.key()) {
                effect.mark(Trait::Remote);
            }
            if effect.store == Store::Memory && is_called_cache(effect) {
                effect.store = Store::Cache;
            }
            if effect.store != Store::File {
                continue;
            }
            if matches!(effect.location.text().as_hole(), Some(Hole::Folder(_)))
                && effect.operation != Operation::Delete
            {
                // A file is not a folder: its name was put behind the folder in a way that was not followed.
                effect.location = effect.location.child(&Text::unknown());
                effect.certainty = effect.certainty.min(Certainty::Likely);
            }
            let extension = effect.location.extension().unwrap_or_default();
            let extension = extension.as_str();
            effect.store = if effect.location.is_scratch() || is_named_scratch(&effect.location, is_native) {
                Store::TempFile
            } else if DATABASES.contains(&extension) {
                Store::Database
            } else if LOGS.contains(&extension) || effect.has(Trait::Printed) || is_log_text(effect) {
                Store::Log
            } else if TRACES.contains(&extension) {
                Store::Trace
            } else if DUMPS.contains(&extension) {
                Store::Dump
            } else if LINKS.contains(&extension) && effect.operation != Operation::Read {
                Store::Shortcut
            } else if extension == "ini" && effect.operation != Operation::Read {
                Store::Ini
            } else {
                Store::File
            };
        }
    }
}

/// A variable of the application whose key, or what the key is made of, is called a cache.
fn is_called_cache(effect: &Effect) -> bool {
    let key = effect.location.key();
    let Some((_, name)) = KEPT_BY_APPLICATION.iter().find_map(|kept| Some((kept, key.strip_prefix(kept)?))) else {
        return false;
    };
    let said = || effect.evidence.first().and_then(|step| step.text.split_once('=')).map(|(key, _)| key.to_lowercase());
    let is_cache = |key: &str| key.contains("cache") && !key.contains("notcache") && !key.contains("uncache");
    // What a request brought, and what grows by itself, is nowhere else.
    let is_own = matches!(effect.origin, Origin::Input | Origin::Previous);
    !is_own && (is_cache(name) || said().is_some_and(|key| is_cache(&key)))
}

/// The key of the data source that a value below the keys of ODBC is about: all of them together make one.
fn data_source(location: &Location) -> Option<Location> {
    let (shown, key) = (location.to_string(), location.key());
    let start = key.find(SOURCES)? + SOURCES.len();
    let in_list = key.get(start..)?.strip_prefix(LIST);
    let name_at = if in_list.is_some() { start + LIST.len() } else { start };
    let name = shown.get(name_at..)?.split('\\').next()?;
    if name.is_empty() || format!("{}\\", name.to_lowercase()) == LIST {
        return None;
    }
    Some(Location::registry(&Text::parse(&format!("{}{name}", shown.get(..start)?))))
}

/// How templates of names for temporary files end (POSIX, "mkstemp").
const TEMPLATE: &str = "XXXXXX";

/// Named as programs name what they take away again: `~temp0001.dat`, and in machine code, where a function makes a name of
/// it, `outXXXXXX`. To a script and to settings that is a name like any other.
fn is_named_scratch(location: &Location, is_native: bool) -> bool {
    let is_marked = |name: &str| name.len() > 1 && name.starts_with('~');
    let is_template = |name: &str| name.rsplit_once('.').map_or(name, |(stem, _)| stem).ends_with(TEMPLATE);
    let last = location.text().trailing_lit();
    let name = last.rsplit_once('\\').map_or(last, |(_, name)| name);
    name.len() < last.len() && is_marked(name) || is_native && is_template(name)
}

/// A path or direct format name of a queue that names another machine (MS documentation: "Path Names", "Direct
/// Format Names"). `.` and the local host are this one.
fn is_remote_queue(location: &str) -> bool {
    let location = location.strip_prefix("msmq://").unwrap_or(location);
    let direct = location.split_once("direct=").map(|(_, rest)| rest.split_once(':').map_or(rest, |(_, host)| host));
    let path = direct.unwrap_or(location);
    let host = path.trim_start_matches('/').split(['\\', '/', ':']).next().unwrap_or_default();
    let named = direct.is_some() || path.contains("\\private$\\");
    named && !host.is_empty() && !host.starts_with('{') && !matches!(host, "." | "localhost" | "127.0.0.1")
}

/// `errors.txt` that is appended to, or anything below a folder called `logs`; what is appended to below a folder that
/// speaks of logs is one too.
fn is_log_text(effect: &Effect) -> bool {
    let shown = effect.location.to_string();
    let folders = || shown.split('\\').rev().skip(1);
    let in_log_folder = || folders().any(|part| matches!(&*part.to_lowercase(), "log" | "logs" | "logfiles"));
    let is_appended = effect.operation == Operation::Append;
    let name = known_name(&effect.location);
    let named_log = || name.to_lowercase().ends_with(".txt") && has_log(&name);
    let below_logs = || folders().any(|part| !part.contains('{') && has_log(part));
    in_log_folder() || is_appended && (named_log() || below_logs())
}

/// Words in which a log is none.
const NO_LOGS: &[&str] = &[
    "catalog", "dialog", "blog", "login", "logon", "logic", "logo", "analog", "prolog", "backlog", "ology", "ologi",
    "logist", "logout",
];

/// A name speaks of a log, not of a catalogue. A word that begins with a capital stands for itself: `DBLog`.
fn has_log(name: &str) -> bool {
    let is_word = |(at, _): (usize, &str)| {
        let behind = name.get(at + "Log".len()..).unwrap_or_default();
        let ends = behind.strip_prefix('s').unwrap_or(behind);
        !ends.starts_with(|c: char| c.is_ascii_lowercase())
    };
    let name_in_lower_case = name.to_lowercase();
    name.match_indices("Log").any(is_word)
        || NO_LOGS.iter().fold(name_in_lower_case, |name, word| name.replace(word, "")).contains("log")
}

/// What is known of the name of a file: `startuplog-.txt` where the day in it is not.
fn known_name(location: &Location) -> String {
    let mut name = String::new();
    for part in location.text().parts() {
        let Part::Lit(lit) = part else { continue };
        match lit.rsplit_once('\\') {
            Some((_, last)) => last.clone_into(&mut name),
            None => name.push_str(lit),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use crate::facts::{Certainty, Location, Text, listing};

    #[test]
    fn a_file_is_not_a_folder() {
        let mut readings = listing::parse("effect append file {AppDir} certainty=proven").unwrap();
        super::stores(&mut readings);
        let effect = readings[0].facts[0].as_effect().unwrap();
        assert_eq!((effect.location.to_string().as_str(), effect.certainty), ("{AppDir}\\{?}", Certainty::Likely));
    }

    #[test]
    fn the_values_of_a_data_source_are_one() {
        let of = |at: &str| super::data_source(&Location::registry(&Text::parse(at))).map(|l| l.to_string());
        let root = r"HKLM\SOFTWARE\ODBC\ODBC.INI";
        for value in [r"\Desk\Driver", r"\Desk\Server", r"\Desk", r"\ODBC Data Sources\Desk"] {
            assert_eq!(of(&format!("{root}{value}")).as_deref(), Some(&*format!(r"{root}\Desk")), "{value}");
        }
        assert_eq!(of(&format!(r"{root}\{{?}}_a\Driver")).as_deref(), Some(&*format!(r"{root}\{{?}}_a")));
        assert_eq!(of(r"HKLM\SOFTWARE\ODBC\ODBCINST.INI\Desk\Driver"), None);
        assert_eq!(of(root), None);
        assert_eq!(of(&format!(r"{root}\ODBC Data Sources")), None);
    }

    #[test]
    fn queues_of_other_machines() {
        for (location, remote) in [
            ("formatname:direct=os:queuehost\\private$\\orders", true),
            ("queuehost\\private$\\orders", true),
            (".\\private$\\orders", false),
            ("msmq://.\\private$\\orders", false),
            ("msmq://queuehost\\private$\\orders", true),
            ("formatname:direct=os:.\\private$\\orders", false),
            ("{config:appsettings/queue}", false),
        ] {
            assert_eq!(super::is_remote_queue(location), remote, "{location}");
        }
    }

    #[test]
    fn names_tell_the_kind() {
        let mut readings = listing::parse(
            "artifact desk.exe format=pe-x64\n\
             effect create file \"{AppDir}\\orders.sdf\"\n\
             effect append file \"{AppDir}\\Logs\\x.dat\"\n\
             effect create file \"{Temp}\\x.db\"\n\
             effect create file \"C:\\Windows\\Temp\\x.db\"\n\
             effect create file \"{Windows}\\Temp\\setup.log\"\n\
             effect create file \"{Windows}\\Temporary.txt\"\n\
             effect create file \"{AppDir}\\~temp0001.dat\"\n\
             effect create file \"{AppDir}\\readme.txt\"\n\
             effect append file \"{AppDir}\\startlog-{?}.txt\"\n\
             effect append file \"{config:log}.txt\"\n\
             effect append file \"{AppDir}\\log{?}\\a.txt\"\n\
             effect append file \"{AppDir}\\catalog-{?}.txt\"\n\
             effect append file \"{AppDir}\\catalog-log.txt\"\n\
             effect append file \"{AppDir}\\DBLog.txt\"\n\
             effect create file \"{AppDir}\\d2tmpXXXXXX\"\n\
             effect append file \"{AppDir}\\Logs_Y\\Err_1.txt\"\n\
             effect append file \"{AppDir}\\WebLogins\\a.txt\"\n\
             effect write file \"{AppDir}\\TraceLog\\a.txt\"\n",
        )
        .unwrap();
        super::stores(&mut readings);
        let text = listing::print(&readings);
        let stores: Vec<&str> =
            text.lines().filter(|l| l.starts_with("effect")).map(|l| l.split(' ').nth(2).unwrap()).collect();
        let first = ["database", "log", "temp-file", "temp-file", "temp-file", "file", "temp-file", "file"];
        assert_eq!(stores[..8], first);
        assert_eq!(stores[8..13], ["log", "file", "file", "file", "log"], "a word in what is known of a name");
        assert_eq!(
            stores[13..],
            ["log", "temp-file", "log", "file", "file"],
            "a word of its own in the name of a file or folder"
        );
    }

    #[test]
    fn a_template_is_a_name_to_a_script() {
        let kind = |format: &str, name: &str| {
            let text = format!("artifact desk format={format}\neffect create file C:\\Desk\\{name}\n");
            let mut readings = listing::parse(&text).unwrap();
            super::stores(&mut readings);
            readings[0].facts[0].as_effect().unwrap().store
        };
        assert_eq!(kind("pe-x64", "outXXXXXX"), crate::facts::Store::TempFile);
        assert_eq!(kind("power-shell", "outXXXXXX"), crate::facts::Store::File);
        assert_eq!(kind("power-shell", "~out.dat"), crate::facts::Store::TempFile);
    }
}
