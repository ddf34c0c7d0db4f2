//! What a program that the catalogue does not know is started for, told from its name and its arguments: to install, to
//! take away, or only to say something.

use super::call::{Caller, file};
use super::sink::Sink;
use super::words::{self, Word};
use crate::catalog::commands::Shell;
use crate::catalog::config::{WordRole, words as names};
use crate::facts::{Folder, Location, Operation, Phase, Place, Reading, Site, Store, Text};

/// What a program is started for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It installs; its name says so, or only its switches do.
    Installs { by_name: bool },
    /// It takes away what was installed.
    Removes,
    /// It prints something and ends.
    Asks,
    /// Anything else.
    Runs,
}

/// Switches that only installers have: quiet modes of MSI, NSIS, Inno Setup, InstallShield and .NET setups.
const QUIET: &[&str] = &["quiet", "passive", "silent", "verysilent", "s", "qn", "qb", "norestart", "suppressmsgboxes"];

/// Switches that make an installer take away what it has installed.
const REMOVING: &[&str] = &["uninstall", "remove", "deinstall"];

/// Switches that make it unpack what it holds, or fetch it for later.
const UNPACKING: &[&str] = &["x", "extract", "layout", "extractdrivers", "download", "t"];

/// Switches that ask for help, whatever else is on the line.
const HELP: &[&str] = &["?", "help"];

/// Words that ask when nothing else is on the line.
const QUESTIONS: &[&str] = &["h", "v", "version", "list", "info", "status"];

/// Parts of the names of installers.
const NAMES: &[&str] = &["setup", "install", "redist"];

/// What a file of this lower-case name and extension is started for.
pub(super) fn purpose(name: &str, extension: &str, location: &Location, arguments: &[Word]) -> Purpose {
    if asks(arguments) {
        return Purpose::Asks;
    }
    if extension != "exe" {
        return Purpose::Installs { by_name: true };
    }
    let any = |switches: &[&str]| arguments.iter().filter_map(switch).any(|s| switches.contains(&s.as_str()));
    if name.contains("unins") || any(REMOVING) {
        return Purpose::Removes;
    }
    if any(UNPACKING) {
        return Purpose::Runs;
    }
    let by_name = NAMES.iter().any(|part| name.contains(part));
    // What lies where programs are installed to has been installed, and is only quiet.
    let is_installed = matches!(location.file_place(), Place::ProgramFiles | Place::Windows);
    let is_told = sql_server(name, arguments).is_some();
    if by_name || is_told || (!is_installed && any(QUIET)) { Purpose::Installs { by_name } } else { Purpose::Runs }
}

/// The option or property by which an installer is told where what it sets up keeps its data, and the folder.
fn data_folder(arguments: &[Word]) -> Option<(String, Text)> {
    arguments.iter().enumerate().find_map(|(number, word)| {
        let lead = word.raw.leading_lit();
        let option = lead.trim_start_matches(['/', '-']);
        let end = option.find(['=', ':']).map(|at| at + lead.len() - option.len());
        let name = lead.get(..end.unwrap_or(lead.len()))?;
        let plain: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        if !names(WordRole::DataOption).any(|known| plain.ends_with(known)) {
            return None;
        }
        let value = match end {
            Some(end) => words::unquote(&words::drop_front(&word.text, end + 1)),
            None if name.starts_with(['/', '-']) => arguments.get(number + 1)?.text.clone(),
            None => return None,
        };
        (!value.is_empty()).then(|| (name.to_owned(), value))
    })
}

/// How the names of the setup of SQL Server begin, as it is distributed.
const SQL_SETUPS: &[&str] = &["setup", "sqlexpr", "sqlsetup", "sqlserver20", "sql20"];

/// The instance that the setup of SQL Server is told to install, as other readers write it (MS documentation, "Install SQL
/// Server from the command prompt"). Without the engine among its features it brings tools. Other programs know an action
/// and the name of an instance as well: without features only a name of its setup tells.
fn sql_server(program: &str, arguments: &[Word]) -> Option<Text> {
    let value = |name: &str| {
        arguments.iter().find_map(|word| {
            let lead = word.text.leading_lit();
            let (known, _) = lead.strip_prefix(['/', '-'])?.split_once(['=', ':'])?;
            let value = words::drop_front(&word.text, known.len() + 2);
            known.eq_ignore_ascii_case(name).then(|| words::unquote(&value))
        })
    };
    let action = value("ACTION")?.to_string().to_lowercase();
    let instance = value("INSTANCENAME");
    let has_engine = match value("FEATURES") {
        Some(features) if features.as_lit().is_some() => {
            let features = features.to_string().to_lowercase();
            features.split([',', ' ']).any(|feature| matches!(feature.trim(), "sql" | "sqlengine"))
        }
        // Tools have no administrators of their own.
        Some(_) => value("SQLSYSADMINACCOUNTS").is_some(),
        // Other programs install, and have instances, too.
        None => {
            let is_setup = SQL_SETUPS.iter().any(|setup| program.starts_with(setup));
            instance.is_some() && (is_setup || arguments.iter().any(is_of_sql_server))
        }
    };
    if !(matches!(action.as_str(), "install" | "completeimage") && has_engine) {
        return None;
    }
    let server = Text::lit("sqlserver://.");
    Some(match instance {
        Some(name) if name.as_lit().is_none_or(|name| !name.eq_ignore_ascii_case("MSSQLSERVER")) => {
            server.concat(&Text::lit("\\")).concat(&name)
        }
        _ => server,
    })
}

/// An option that only the setup program of SQL Server has.
fn is_of_sql_server(word: &Word) -> bool {
    let lead = word.text.leading_lit().to_ascii_lowercase();
    let name = lead.trim_start_matches(['/', '-']).split(['=', ':']).next().unwrap_or_default();
    matches!(name, "iacceptsqlserverlicenseterms" | "configurationfile" | "sapwd" | "securitymode")
        || name.starts_with("sql")
        || name.starts_with("installsql")
}

/// Reads the answers that the setup of SQL Server is given in a file, `/ConfigurationFile=` (MS documentation, "Install SQL
/// Server using a configuration file"): the same options as on its command line, which may be there as well.
pub(crate) fn sql_answers(options: &[(String, String)], site: &Site, reading: &mut Reading) {
    let mut words: Vec<Word> =
        options.iter().map(|(name, value)| Word::plain(Text::lit(format!("/{name}={value}")))).collect();
    if !options.iter().any(|(name, _)| name.eq_ignore_ascii_case("ACTION")) {
        words.push(Word::plain(Text::lit("/ACTION=Install")));
    }
    if sql_server("setup", &words).is_none() {
        return;
    }
    let here = Text::folder(Folder::Cwd);
    let source = options.iter().find(|(name, _)| name.eq_ignore_ascii_case("FEATURES"));
    let source = source.map(|(name, value)| format!("{name}={value}")).unwrap_or_default();
    let caller = Caller { shell: Shell::Any, here: &here, site, source: &source, trail: &[] };
    set_up("setup", &words, caller, &mut Sink::new(reading));
}

/// The server that an installer is told to set up, and where that keeps its data.
pub(super) fn set_up(name: &str, arguments: &[Word], caller: Caller<'_>, sink: &mut Sink<'_>) {
    let why = || format!("what {name} sets up keeps its data there while it runs");
    if let Some(instance) = sql_server(&name.to_lowercase(), arguments) {
        let kept = caller.effect(Operation::Write, Store::Database, Location::named(instance), "setup program");
        sink.effect(caller.site, kept.in_phase(Phase::Run, why()));
    }
    if let Some((option, folder)) = data_folder(arguments) {
        let location = file(&folder, caller.here).child(&Text::unknown());
        let kept = caller.effect(Operation::Write, Store::File, location, &option);
        sink.effect(caller.site, kept.in_phase(Phase::Run, why()));
    }
}

/// Does a command line only ask for something that is printed?
fn asks(arguments: &[Word]) -> bool {
    let is_question = |word: &Word| match word.text.as_lit().map(str::to_lowercase) {
        Some(plain) if QUESTIONS.contains(&plain.as_str()) => plain.len() > 1,
        _ => switch(word).is_some_and(|s| QUESTIONS.contains(&s.as_str())),
    };
    asks_for_help(arguments) || matches!(arguments, [only] if is_question(only))
}

/// Does it ask what the program is for?
pub(super) fn asks_for_help(arguments: &[Word]) -> bool {
    arguments.iter().filter_map(switch).any(|s| HELP.contains(&s.as_str()))
}

/// The name of a switch, with or without a value behind it.
fn switch(word: &Word) -> Option<String> {
    let lead = word.raw.leading_lit();
    let name = lead.strip_prefix("--").or_else(|| lead.strip_prefix(['/', '-']))?;
    Some(name.split([':', '=']).next().unwrap_or(name).to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Text;

    fn purpose_of(line: &str) -> Purpose {
        let words = super::super::words::split(&Text::parse(line));
        let name = super::super::words::base_name(&words[0].text).to_lowercase();
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        purpose(&name, extension, &Location::file(&words[0].text), &words[1..])
    }

    #[test]
    fn folders_for_data() {
        let of = |line: &str| {
            let words = super::super::words::split(&Text::parse(line));
            data_folder(&words[1..]).map(|(option, folder)| format!("{option} {folder}"))
        };
        assert_eq!(
            of("setup.exe /q /INSTALLSQLDATADIR=\"D:\\sql data\"").as_deref(),
            Some("/INSTALLSQLDATADIR D:\\sql data")
        );
        assert_eq!(of("pg.exe --mode unattended --datadir D:\\pg").as_deref(), Some("--datadir D:\\pg"));
        assert_eq!(of("x.msi DATADIR=D:\\x").as_deref(), Some("DATADIR D:\\x"));
        assert_eq!(of("setup.exe /quiet /metadata D:\\x"), None);
    }

    #[test]
    fn the_setup_of_sql_server() {
        let by = |program: &str, line: &str| {
            sql_server(program, &super::super::words::split(&Text::parse(line))).map(|at| at.to_string())
        };
        let of = |line: &str| by("setup.exe", line);
        let other = "/action=install /instancename=Prod";
        assert_eq!(by("sqlexpr_x64.exe", other).as_deref(), Some("sqlserver://.\\Prod"));
        assert_eq!(by("myservice.exe", other), None, "a service that installs an instance of itself");
        assert!(by("myservice.exe", "/action=install /features=SQL").is_some());
        let express = "/q /ACTION=Install /FEATURES=SQL,Tools /INSTANCENAME=SQLEXPRESS";
        assert_eq!(of(express).as_deref(), Some("sqlserver://.\\SQLEXPRESS"));
        assert_eq!(of("/Action=install /Features=SQLENGINE").as_deref(), Some("sqlserver://."));
        assert_eq!(of("/ACTION=Install /INSTANCENAME=MSSQLSERVER").as_deref(), Some("sqlserver://."));
        let unknown = "/ACTION=Install /FEATURES={arg:1} /SQLSYSADMINACCOUNTS=x";
        assert_eq!(of(unknown).as_deref(), Some("sqlserver://."));
        for line in [
            "/ACTION=Install /FEATURES=SSMS,ADV_SSMS /INSTANCENAME=X",
            "/ACTION=Uninstall /FEATURES=SQL /INSTANCENAME=X",
            "/ACTION=Install /FEATURES={arg:1}",
            "/q /norestart",
        ] {
            assert_eq!(of(line), None, "{line}");
        }
    }

    #[test]
    fn what_asks_installs_nothing() {
        let (by_name, by_switch) = (Purpose::Installs { by_name: true }, Purpose::Installs { by_name: false });
        for (line, expected) in [
            ("setup.exe", by_name),
            ("setup.exe --version 1.2", by_name),
            ("setup.exe list of.txt", by_name),
            ("vendor.exe /quiet /norestart", by_switch),
            ("{ProgramFiles}\\Desk\\desk.exe /s", Purpose::Runs),
            ("installer.exe --version", Purpose::Asks),
            ("setup.exe /quiet /?", Purpose::Asks),
            ("setup.exe -h", Purpose::Asks),
            ("installer.exe list", Purpose::Asks),
            ("setup.exe v", by_name),
            ("vendor.msi /help", Purpose::Asks),
            ("vendor.msi", by_name),
            ("setup.exe /uninstall /quiet", Purpose::Removes),
            ("unins000.exe /silent", Purpose::Removes),
            ("setup.exe /extract:C:\\x /quiet", Purpose::Runs),
            ("desk.exe", Purpose::Runs),
        ] {
            assert_eq!(purpose_of(line), expected, "{line}");
        }
    }
}
