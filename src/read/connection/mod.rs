//! Database connection strings, wherever they are found: which engine, on which machine, in which file.
//!
//! Follows the ADO.NET rules (MS documentation: "Connection String Syntax": pairs separated by semicolons, values in
//! single or double quotes, quotes doubled inside, `==` in a name) and reads URL, JDBC, Redis and Entity Framework
//! forms too. Values may have holes: program analysis knows only parts of some strings.

mod host;
mod pairs;
mod service;

pub use host::is_loopback;
pub use pairs::{Pairs, is_secret, without_secrets};
pub use service::remote_store;

use crate::catalog::config::{Engine, engine_of_extension, engine_of_keys, engine_of_provider, engine_of_scheme};
use crate::facts::{Certainty, Clue, ClueKind, Effect, Folder, Location, Operation, Part, Phase, Step, Store, Text};
use host::{Host, host_of, host_of_unc};

/// How far away the data is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// In a file that the program opens, or asks a local engine to attach.
    File,
    /// In an engine on this machine.
    LocalServer,
    /// In the memory of the process.
    Memory,
    /// On another host.
    Remote,
    /// The host is not known.
    Unknown,
}

/// What a connection string leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// Engine, `sqlite`; empty when it cannot be told.
    pub engine: String,
    /// How far away.
    pub reach: Reach,
    /// The file, or `engine://host/database`.
    pub location: Location,
    /// Opened for reading only.
    pub read_only: bool,
    /// Why it is thought so, in words.
    pub because: String,
}

impl Database {
    /// The effect on local state, if there is one.
    pub fn effect(&self, via: &str) -> Option<Effect> {
        let (operation, store) = match self.reach {
            Reach::LocalServer if self.is_placeholder() => return None,
            Reach::File | Reach::LocalServer if self.read_only => (Operation::Read, Store::Database),
            Reach::File | Reach::LocalServer => (Operation::Write, Store::Database),
            Reach::Memory => (Operation::KeepInMemory, Store::Memory),
            Reach::Remote | Reach::Unknown => return None,
        };
        let certainty = if self.location.text().has_unknown() { Certainty::Likely } else { Certainty::Proven };
        Some(
            Effect::new(operation, store, self.location.clone(), certainty, self.via(via))
                .in_phase(Phase::Run, "a connection string is used while the application runs")
                .because(Step::new(self.because.clone())),
        )
    }

    /// Does it name no database yet? Whoever fills in the rest of it says which.
    fn is_placeholder(&self) -> bool {
        let text = self.location.to_string();
        let database = text.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map(|(_, name)| name);
        database.is_some_and(|name| TO_FILL_IN.iter().any(|word| name.eq_ignore_ascii_case(word)))
    }

    fn via(&self, via: &str) -> String {
        let is_file = self.reach == Reach::File && !self.engine.is_empty();
        if is_file { with_engine(via, &self.engine, &self.location) } else { via.to_owned() }
    }

    /// The clue that the data is elsewhere, if it is.
    pub fn remote(&self) -> Option<Clue> {
        (self.reach == Reach::Remote)
            .then(|| Clue::new(ClueKind::RemoteClient, &self.engine, "").at(self.location.clone()))
    }
}

/// What stands for the name of a database until somebody gives one.
const TO_FILL_IN: &[&str] = &["null", "todo", "tbd", "placeholder"];

/// The API, and behind it the engine where the name of the file does not tell it.
pub fn with_engine(via: &str, engine: &str, location: &Location) -> String {
    let told = location.extension().and_then(|extension| engine_of_extension(&extension));
    if told.is_some_and(|told| told.name == engine) { via.to_owned() } else { format!("{via} ({engine})") }
}

/// Deepest nesting of connection strings inside connection strings (Entity Framework has two).
const MAX_NESTING: usize = 3;

/// Reads a connection string. `provider` is the provider's name where the configuration gives one, else empty.
/// `None`: it does not lead to a database.
pub fn database(text: &Text, provider: &str) -> Option<Database> {
    nested(text, provider, 0)
}

fn nested(text: &Text, provider: &str, depth: usize) -> Option<Database> {
    if depth >= MAX_NESTING {
        return None;
    }
    if let Some(found) = url(text) {
        return Some(found);
    }
    let pairs = Pairs::parse(text);
    if let Some(inner) = pairs.get(&["provider connection string"]) {
        let provider = pairs.lit(&["provider"]).unwrap_or_default();
        return nested(inner, provider, depth + 1);
    }
    if pairs.is_empty() {
        return redis(text).or_else(|| bare_file(text, provider));
    }
    pairs.database(provider).or_else(|| redis(text))
}

impl Pairs {
    fn database(&self, provider: &str) -> Option<Database> {
        let engine = [Some(provider), self.lit(&["provider", "driver", "xpoprovider"])]
            .into_iter()
            .flatten()
            .find_map(engine_of_provider)
            .or_else(|| engine_of_keys(|key| self.get(&[key]).is_some()));
        let read_only = self.is("mode", &["readonly", "read", "read only"])
            || self.is("read only", &["true", "yes"])
            || self.is("file mode", &["read only"])
            || self.is("access mode", &["read"]);
        if let Some(file) = self.get(&["attachdbfilename", "initial file name", "extended properties attachdbfilename"])
            && !file.is_empty()
        {
            let server = self.get(SERVER).map(host_of);
            if !matches!(server, Some(Host::Remote(_))) {
                return Some(file_database("sqlserver", file, read_only, "AttachDbFilename names a database file"));
            }
        }
        if let Some(found) = self.file(engine, read_only) {
            return Some(found);
        }
        if engine.is_some_and(|e| e.embedded) {
            return None;
        }
        let mut server = self.get(SERVER)?;
        // No server goes by that name: it was meant for another engine.
        let unknown = Text::unknown();
        if in_memory(server) {
            server = &unknown;
        }
        // An address alone is no database: queues, caches and services write `server=` too.
        let name = self.get(&["initial catalog", "database", "dbname", "db"]);
        if engine.is_none() && name.is_none() && !self.has_login() {
            return None;
        }
        let engine = engine.map_or_else(|| self.likely_engine(), |e| &e.name);
        Some(server_database(engine, server, name, read_only))
    }

    /// Without a provider the names of the pairs tell; SQL Server is the default of .NET.
    fn likely_engine(&self) -> &'static str {
        match self.lit(&["port"]) {
            Some("3306") => "mysql",
            Some("5432") => "postgresql",
            // What libpq calls a database (PostgreSQL documentation: "Parameter Key Words"); SqlClient refuses the word.
            _ if self.get(&["host", "dbname"]).is_some() => "postgresql",
            _ => "sqlserver",
        }
    }

    fn has_login(&self) -> bool {
        self.get(&[
            "integrated security",
            "trusted_connection",
            "user id",
            "uid",
            "user",
            "username",
            "persist security info",
        ])
        .is_some()
    }

    /// A database in a file: the engine is embedded, or the file's extension says so.
    fn file(&self, engine: Option<&'static Engine>, read_only: bool) -> Option<Database> {
        let is_firebird = engine.is_some_and(|e| e.name == "firebird");
        // Firebird has a server and, beside it, the path of the database on that server.
        if is_firebird && matches!(self.get(SERVER).map(host_of), Some(Host::Remote(_))) {
            return None;
        }
        let names: &[&str] = if is_firebird { &["database", "initial catalog"] } else { FILE };
        let file = self.get(names)?;
        if engine.is_none_or(|e| e.embedded) && (in_memory(file) || self.is("mode", &["memory"])) {
            let name = engine.map_or("sqlite", |e| &e.name);
            return Some(Database {
                engine: name.to_owned(),
                reach: Reach::Memory,
                location: Location::named(Text::lit(format!("{name}://memory"))),
                read_only,
                because: "the database is kept in memory".to_owned(),
            });
        }
        if let Some(engine) = engine.filter(|e| e.embedded) {
            // A template for sheets that somebody brings along, which is filled in with the place of each.
            if file.is_unknown() && self.is_of_sheets() {
                return Some(Database { reach: Reach::Unknown, ..file_database(&engine.name, file, read_only, "") });
            }
            if matches!(host_of_unc(file), Some(Host::Remote(_))) {
                return Some(Database { reach: Reach::Remote, ..file_database(&engine.name, file, read_only, "") });
            }
            return Some(file_database(&engine.name, file, read_only, "the engine keeps its data in this file"));
        }
        if engine.is_some() && !is_firebird {
            return None;
        }
        let extension = Location::file(file).extension()?;
        let found = engine_of_extension(&extension)?;
        // A host of a bare name may end in `.db`; a path or a data directory may not.
        let pathlike =
            file.trailing_lit().contains(['\\', '/', '|']) || file.leading_lit().contains(['\\', '/', '|', ':']);
        if found.name == "sqlite" && extension == "db" && !pathlike && self.has_login() {
            return None;
        }
        if matches!(host_of_unc(file), Some(Host::Remote(_))) {
            return Some(Database { reach: Reach::Remote, ..file_database(&found.name, file, read_only, "") });
        }
        Some(file_database(&found.name, file, read_only, "the extension says that this is a database file"))
    }
}

impl Pairs {
    /// Does the engine open sheets or lists, and no database of its own (MS documentation, "Extended Properties")?
    fn is_of_sheets(&self) -> bool {
        let said = self.lit(&["extended properties"]).unwrap_or_default().to_ascii_lowercase();
        ["excel", "text", "html"].iter().any(|format| said.trim_start_matches(['"', '\'', ' ']).starts_with(format))
    }
}

/// Is that how SQLite and its like write a database that is kept in memory?
fn in_memory(source: &Text) -> bool {
    let lower = source.as_lit().unwrap_or_default().to_ascii_lowercase();
    lower.contains(":memory:") || lower.contains("mode=memory")
}

const FILE: &[&str] = &["dbq", "data source", "datasource", "filename", "fulluri", "uri", "db", "database", "dbname"];
const SERVER: &[&str] =
    &["data source", "server", "address", "addr", "network address", "host", "hostname", "datasource"];

fn file_database(engine: &str, file: &Text, read_only: bool, because: &str) -> Database {
    let location = Location::file(&without_parameters(file)).based_on(Folder::AppDir);
    Database { engine: engine.to_owned(), reach: Reach::File, location, read_only, because: because.to_owned() }
}

/// SQLite accepts `file:name?mode=ro`.
fn without_parameters(file: &Text) -> Text {
    let Some(lit) = file.as_lit() else { return file.clone() };
    let rest = lit.trim().strip_prefix("file:").map_or(lit.trim(), |r| r.split('?').next().unwrap_or(r));
    Text::lit(rest)
}

fn server_database(engine: &str, server: &Text, name: Option<&Text>, read_only: bool) -> Database {
    let (reach, because) = match host_of(server) {
        Host::Local(host) => (Reach::LocalServer, format!("the server {host} is this machine")),
        Host::Remote(host) => (Reach::Remote, format!("the server {host} is another machine")),
        Host::Unknown => (Reach::Unknown, "the server is not known".to_owned()),
    };
    let mut text = Text::lit(format!("{engine}://"));
    text.push_text(server);
    if let Some(name) = name.filter(|n| !n.is_empty()) {
        text.push_lit("/");
        text.push_text(name);
    }
    Database { engine: engine.to_owned(), reach, location: Location::named(text), read_only, because }
}

/// `scheme://host/database`, `jdbc:scheme:...`.
fn url(text: &Text) -> Option<Database> {
    let lit = text.leading_lit().trim_start();
    let rest = lit.strip_prefix("jdbc:").unwrap_or(lit);
    let jdbc = rest.len() != lit.len();
    let (scheme, after) = rest
        .split_once("://")
        .filter(|(s, _)| is_scheme(s))
        .map_or_else(|| rest.split_once(':').filter(|_| jdbc), Some)?;
    let engine = engine_of_scheme(scheme).or_else(|| {
        let (scheme, sub) = scheme.split_once(':')?;
        engine_of_scheme(&format!("{scheme}:{sub}")).or_else(|| engine_of_scheme(scheme))
    })?;
    let lower = after.to_ascii_lowercase();
    if engine.embedded && !lower.starts_with("tcp:") && !lower.starts_with("//") && !lower.starts_with("hsql:") {
        if lower.starts_with("mem:") || lower.starts_with(":memory:") || lower.starts_with("memory:") {
            return Some(Database {
                engine: engine.name.clone(),
                reach: Reach::Memory,
                location: Location::named(Text::lit(format!("{}://memory", engine.name))),
                read_only: false,
                because: "the database is kept in memory".to_owned(),
            });
        }
        let path = after.strip_prefix("file:").unwrap_or(after);
        // `sqlite:////abs` and `sqlite:///C:/x` have a slash too many for a path.
        let path =
            path.strip_prefix('/').filter(|p| p.get(1..2) == Some(":") || scheme.starts_with("sqlite")).unwrap_or(path);
        let mut parts = text.parts().iter().skip(usize::from(!text.leading_lit().is_empty()));
        let ends = |path: &str| path.contains([';', '?']);
        let mut ended = ends(path);
        let path = path.split([';', '?']).next().unwrap_or(path);
        let mut path = path.strip_prefix("~/").map_or_else(
            || Text::lit(path),
            |r| Text::folder(Folder::UserProfile).concat(&Text::lit(format!("\\{r}"))),
        );
        while let Some(part) = parts.next().filter(|_| !ended) {
            match part {
                Part::Lit(lit) => {
                    ended = ends(lit);
                    path.push_lit(lit.split([';', '?']).next().unwrap_or(lit));
                }
                hole => path.push(hole.clone()),
            }
        }
        return Some(file_database(
            &engine.name,
            &path,
            lower.contains("mode=ro"),
            "the engine keeps its data in this file",
        ));
    }
    let authority_and_path = after.trim_start_matches('/');
    let (authority, path) = authority_and_path.split_once('/').unwrap_or((authority_and_path, ""));
    let authority = authority.split([';', '?']).next().unwrap_or(authority);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let name = path.split(['?', ';']).next().unwrap_or(path);
    let server = if host.is_empty() { Text::unknown() } else { Text::lit(host) };
    Some(server_database(&engine.name, &server, Some(&Text::lit(name)), false))
}

fn is_scheme(s: &str) -> bool {
    !s.is_empty() && s.len() <= 40 && s.chars().all(|c| c.is_ascii_alphanumeric() || "+-.:".contains(c))
}

/// StackExchange.Redis: `host:6379,option=value,...`.
fn redis(text: &Text) -> Option<Database> {
    let lit = text.as_lit()?.trim();
    let (host, options) = lit.split_once(',').unwrap_or((lit, ""));
    let known =
        ["abortconnect=", "ssl=", "password=", "connectretry=", "defaultdatabase=", "allowadmin=", "connecttimeout="];
    let options = options.to_ascii_lowercase().replace(' ', "");
    if host.contains(['=', ';', ' ', '\\', '/'])
        || !(host.ends_with(":6379") || known.iter().any(|k| options.contains(k)))
    {
        return None;
    }
    Some(server_database("redis", &Text::lit(host), None, false))
}

/// A path alone, where a provider or an extension says that it is a database.
fn bare_file(text: &Text, provider: &str) -> Option<Database> {
    let lit = text.trailing_lit();
    if lit.contains(['=', ';', '\n']) || lit.len() > 260 {
        return None;
    }
    let engine = engine_of_provider(provider).filter(|e| e.embedded).or_else(|| {
        let extension = Location::file(text).extension()?;
        engine_of_extension(&extension).filter(|e| e.embedded && extension.as_str() != "xls" && extension != "xlsx")
    })?;
    Some(file_database(&engine.name, text, false, "the value is the path of a database file"))
}
