//! Servers of databases that a command talks to.

use super::Scope;
use crate::catalog::commands::Outcome;
use crate::facts::{Certainty, Location, Operation, Text};
use crate::read::connection::{self, Reach};
use crate::read::script::sink::Sink;

impl Scope<'_> {
    /// The databases of a server on this machine; those of another are noted as what they are. Without a name the
    /// tools of SQL Server connect to the default instance of the machine (MS documentation, "sqlcmd Utility"). Also whether
    /// it may be written to, and how certain it is that the server is this machine.
    pub(super) fn server(
        &self,
        at: &Text,
        outcome: &Outcome,
        via: &str,
        sink: &mut Sink<'_>,
    ) -> Option<(Location, bool, Certainty)> {
        let mut connection = match at.as_lit() {
            Some("") if self.arguments.bound.is_open => return None,
            Some("") => Text::lit("Server=."),
            _ if at.leading_lit().contains('=') => at.clone(),
            _ => Text::lit("Server=").concat(at),
        };
        let database = outcome.database.as_ref().and_then(|name| self.arguments.evaluate(name).into_iter().next());
        if let Some(database) = database.filter(|name| !name.is_empty() && !at.leading_lit().contains('=')) {
            connection = connection.concat(&Text::lit(";Database=")).concat(&database);
        }
        let engine = outcome.engine.as_deref().unwrap_or("System.Data.SqlClient");
        let Some(found) = connection::database(&connection, engine) else {
            return Some((Location::named(at.clone()), true, Certainty::Proven));
        };
        if let Some(mut clue) = found.remote() {
            via.clone_into(&mut clue.value);
            sink.clue(self.caller.site, clue);
            return None;
        }
        match found.reach {
            // A database that is made where somebody says may well be made here.
            Reach::Unknown if outcome.does == Operation::Create => {
                Some((found.location, !found.read_only, Certainty::Possible))
            }
            // Of a server that somebody hands over nothing is known.
            Reach::Unknown => None,
            _ => Some((found.location, !found.read_only, Certainty::Proven)),
        }
    }
}
