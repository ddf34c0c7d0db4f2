//! What a script binds to something outside: directories by a moniker, databases by a connection string.

use super::super::call;
use super::super::calls::Found;
use super::super::sink::Sink;
use super::Script;
use crate::facts::{Clue, Location, Operation, Origin, Site, Store, Text};
use crate::read::connection;

impl Script<'_, '_> {
    /// `GetObject("IIS://...").SetInfo` and `GetObject("WinNT://...").Create`: what is bound decides what a method
    /// does.
    pub(super) fn directory_object(&self, name: &str, found: &Found<'_>, site: &Site, sink: &mut Sink<'_>) -> bool {
        let Some((object, method)) = name.rsplit_once('.') else { return false };
        let Some(bound) = self.variables.get(object) else { return false };
        let moniker = bound.leading_lit().to_lowercase();
        let argument = |n: usize| self.argument(found, n).unwrap_or_else(Text::unknown);
        let (operation, store, location) = match method {
            "setinfo" if moniker.starts_with("iis://") => (Operation::Configure, Store::IisConfig, bound.clone()),
            "create" if moniker.starts_with("winnt://") => (Operation::Create, Store::Account, argument(1)),
            _ => return false,
        };
        sink.effect(site, self.caller(found, site).effect(operation, store, Location::named(location), &found.name));
        true
    }

    /// `connection.Open "Provider=...;Data Source=..."`: a database in a file, or of a server.
    pub(super) fn connection(&self, text: &Text, found: &Found<'_>, site: &Site, sink: &mut Sink<'_>) {
        let shown = text.to_string();
        let lower = shown.to_ascii_lowercase();
        if !(lower.contains("provider=") || lower.contains("driver=") || lower.contains("dsn=")) {
            return;
        }
        let file = lower.contains("microsoft.jet")
            || lower.contains("microsoft.ace")
            || lower.contains("sqlite")
            || lower.contains("access driver");
        let server =
            ["sqloledb", "sqlncli", "msoledbsql", "{sql server}", "{odbc driver"].iter().any(|p| lower.contains(p));
        // Drivers of ODBC that lead to a server of their own name.
        let other = ["mysql", "mariadb", "postgres", "psqlodbc"].into_iter().find(|name| {
            ["driver=", "provider="]
                .iter()
                .filter_map(|key| lower.split_once(key))
                .any(|(_, value)| value.split(';').next().is_some_and(|value| value.contains(name)))
        });
        let provider = if server { Some("System.Data.SqlClient") } else { other };
        if let Some(database) = provider.and_then(|provider| connection::database(text, provider)) {
            let said = super::super::sink::quote(found.source);
            if let Some(effect) = database.effect("ADODB") {
                sink.effect(site, effect.because(crate::facts::Step::new(said)));
            } else if let Some(clue) = database.remote() {
                sink.clue(site, Clue { value: "ADODB".to_owned(), ..clue });
            }
            return;
        }
        let start = ["data source=", "dbq=", "database="].iter().find_map(|k| lower.find(k).map(|i| i + k.len()));
        let (Some(start), true) = (start, file) else { return };
        let value = shown[start..].split(';').next().unwrap_or_default();
        let location = call::file(&Text::parse(value), &self.here);
        let caller = self.caller(found, site);
        let is_read = connection::database(text, "").is_some_and(|database| database.read_only);
        let operation = if is_read { Operation::Read } else { Operation::Write };
        let via = connection::with_engine("ADODB", if lower.contains("sqlite") { "sqlite" } else { "jet" }, &location);
        sink.effect(site, caller.effect(operation, Store::Database, location, &via).of_origin(Origin::Unknown));
    }
}
