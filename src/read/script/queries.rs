//! What a query does to a database: whether it only asks, and where a copy of the database is put.

use crate::facts::{Body, Effect, Hole, Operation, Part, Reading, Store, Text};

/// Words that change something, where they stand outside of texts and quoted names (Transact-SQL reference, "Statements").
const CHANGES: &[&str] = &[
    "insert",
    "update",
    "delete",
    "merge",
    "truncate",
    "create",
    "alter",
    "drop",
    "into",
    "exec",
    "execute",
    "backup",
    "restore",
    "grant",
    "revoke",
    "deny",
    "bulk",
    "kill",
    "shutdown",
    "reconfigure",
    "attach",
    "copy",
    "load",
];
/// Words that a query which only asks begins with, or that prepare one.
const ASKS: &[&str] =
    &["select", "with", "use", "set", "declare", "print", "go", "show", "describe", "explain", "begin", "if"];
/// Procedures of SQL Server that only tell (its reference, "System Stored Procedures").
const TELLS: &[&str] = &[
    "sp_who",
    "sp_who2",
    "sp_help",
    "sp_helpdb",
    "sp_helptext",
    "sp_helpindex",
    "sp_helpfile",
    "sp_helpuser",
    "sp_helplogins",
    "sp_databases",
    "sp_spaceused",
    "sp_lock",
    "sp_tables",
    "sp_columns",
    "sp_readerrorlog",
    "xp_readerrorlog",
    "xp_msver",
    "sp_monitor",
];

/// Does the query leave everything as it is? One that is not known to its first word is not known to do so.
pub(crate) fn only_asks(query: &Text) -> bool {
    let words = words(query);
    let is_table_of_its_own = |at: usize| {
        // A temporary table, or a variable that holds one, is gone with the connection.
        let beyond = ["into", "table", "from"];
        let next = words.iter().skip(at + 1).find(|word| !beyond.contains(&word.as_str()));
        next.is_some_and(|next| next.starts_with(['#', '@']))
    };
    let is_change = |(at, word): (usize, &String)| match word.as_str() {
        "exec" | "execute" => !words.get(at + 1).is_some_and(|next| is_telling(next)),
        word => CHANGES.contains(&word) && !is_table_of_its_own(at),
    };
    // What is executed is looked at with all others.
    let executes = |first: &str| matches!(first, "exec" | "execute");
    let begins =
        words.first().is_some_and(|first| ASKS.contains(&first.as_str()) || executes(first) || is_telling(first));
    begins && !words.iter().enumerate().any(is_change)
}

fn is_telling(procedure: &str) -> bool {
    TELLS.contains(&procedure.rsplit('.').next().unwrap_or(procedure))
}

/// The words of a query in lower case, without remarks, texts and quoted names; what is not known ends a word.
fn words(query: &Text) -> Vec<String> {
    let mut lit = String::new();
    for part in query.parts() {
        match part {
            Part::Lit(text) => lit.push_str(text),
            // In front of everything it may be the whole query.
            Part::Hole(_) if lit.trim().is_empty() => return Vec::new(),
            Part::Hole(_) => lit.push('?'),
        }
    }
    let mut words = Vec::new();
    let mut word = String::new();
    let mut rest = lit.as_str();
    while let Some(c) = rest.chars().next() {
        let end = match c {
            '\'' | '"' | '`' => closed(&rest[1..], c).map(|at| at + 2),
            '[' => closed(&rest[1..], ']').map(|at| at + 2),
            '-' if rest.starts_with("--") => Some(rest.find('\n').unwrap_or(rest.len())),
            '/' if rest.starts_with("/*") => Some(rest.find("*/").map_or(rest.len(), |at| at + 2)),
            _ => None,
        };
        match end {
            None if c.is_alphanumeric() || "_#@.".contains(c) => word.extend(c.to_lowercase()),
            _ if word.is_empty() => {}
            _ => words.push(std::mem::take(&mut word)),
        }
        rest = &rest[end.unwrap_or(c.len_utf8())..];
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

fn closed(text: &str, by: char) -> Option<usize> {
    text.find(by)
}

/// Where `BACKUP DATABASE x TO DISK = 'path'` puts the copy; a name alone is one in a folder that the server is set to.
pub(crate) fn copy_on_disk(query: &Text) -> Option<Text> {
    let shown = query.to_string();
    let lower = shown.to_ascii_lowercase();
    let at = lower.find("disk").map(|at| at + "disk".len())?;
    let value = shown[at..].trim_start().strip_prefix('=')?.trim_start();
    let value = value.strip_prefix(['N', 'n']).unwrap_or(value);
    let quote = value.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let path = Text::parse(value[1..].split(quote).next()?);
    let is_named = path.parts().iter().all(|part| matches!(part, Part::Lit(lit) if !lit.contains([':', '\\', '/'])));
    Some(match is_named {
        true => Text::from_parts([Part::Hole(Hole::Unknown), Part::Lit("\\".to_owned())]).concat(&path),
        false => path,
    })
}

/// Does a source speak of a change of tables anywhere, whether or not that was followed?
pub(crate) fn mentions_changes(source: &str) -> bool {
    let source = source.to_ascii_lowercase();
    let has = |words: &str| memchr::memmem::find(source.as_bytes(), words.as_bytes()).is_some();
    ["insert into", "delete from", "delete *", "addnew", "drop table", "create table", "alter table"]
        .into_iter()
        .any(has)
        || has("update ") && has(" set ")
}

/// The queries of one script, as far as it was followed.
#[derive(Default)]
pub(crate) struct Queries {
    asks: bool,
    /// Something is changed, or may be.
    changes: bool,
}

impl Queries {
    pub(crate) fn tell<'t>(&mut self, queries: impl IntoIterator<Item = &'t Text>) {
        let mut queries = queries.into_iter().peekable();
        self.changes |= queries.peek().is_none();
        for query in queries {
            match only_asks(query) {
                true => self.asks = true,
                false => self.changes = true,
            }
        }
    }

    pub(crate) fn may_change(&mut self) {
        self.changes = true;
    }

    /// What another script told that runs within this one.
    pub(crate) fn add(&mut self, other: &Queries) {
        self.asks |= other.asks;
        self.changes |= other.changes;
    }

    /// Is it known that nothing is changed?
    pub(crate) fn only_ask(&self) -> bool {
        self.asks && !self.changes
    }

    /// Is nothing known?
    pub(crate) fn are_none(&self) -> bool {
        !self.asks && !self.changes
    }
}

/// Is each connection that a script made by an API opened by the query that asks, to one database? A connection by itself is
/// there for whoever takes the script in.
pub(super) fn opened_to_ask(reading: &Reading, connects: impl Fn(&str) -> bool) -> bool {
    let effects = reading.facts.iter().filter_map(|fact| fact.as_effect());
    let mut connected = effects.filter(|effect| effect.store == Store::Database && connects(&effect.via));
    let asks = |effect: &Effect| {
        let said = effect.evidence.first().map(|step| step.text.to_ascii_lowercase()).unwrap_or_default();
        said.split_once(".open").is_some_and(|(_, query)| query.trim_start_matches([' ', '(']).starts_with("\"select "))
    };
    let Some(first) = connected.next() else { return false };
    let key = first.location.key();
    asks(first) && connected.all(|effect| asks(effect) && effect.location.key() == key)
}

/// A connection that a script made, by an API of which `connects` is true, is no change where all that it asks is known to
/// leave everything as it is.
pub(super) fn looked_at(reading: &mut Reading, connects: impl Fn(&str) -> bool) {
    for fact in &mut reading.facts {
        if let Body::Effect(effect) = &mut fact.body
            && effect.store == Store::Database
            && effect.operation == Operation::Write
            && connects(&effect.via)
        {
            effect.operation = Operation::Read;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_that_only_asks_is_told_from_one_that_changes() {
        for query in [
            "SELECT COUNT(*) FROM T",
            "  -- update the figures\nselect 'delete from x', [drop], REPLACE(a, 'b', 'c') from t where id = {arg:1}",
            "WITH L AS (SELECT a FROM Quotes) SELECT * FROM L",
            "SET NOCOUNT ON; USE Kite; SELECT updated FROM t",
            "select a into #t from b; insert into #t select 1; drop table #t; select * from #t",
            "declare @t table (a int) insert @t select 1 select * from @t",
            "sp_who2",
            "exec master.dbo.sp_help 'x'",
        ] {
            assert!(only_asks(&Text::parse(query)), "{query}");
        }
        for query in [
            "",
            "{arg:1}",
            "{arg:1} SELECT 1",
            "SELECT 1; DELETE FROM T",
            "SELECT a INTO b FROM c",
            "WITH L AS (SELECT 1 a) UPDATE t SET a = 1",
            "WITH L AS (SELECT 1 a) DELETE t",
            "EXEC usp_Close",
            "usp_Close",
            "IF EXISTS (SELECT 1) DROP TABLE t",
            "BACKUP DATABASE Kite TO DISK='C:\\k.bak'",
            "DBCC SHRINKDATABASE (a)",
        ] {
            assert!(!only_asks(&Text::parse(query)), "{query}");
        }
    }

    #[test]
    fn the_copy_of_a_database_is_found() {
        let copy = |query: &str| copy_on_disk(&Text::parse(query)).map(|text| text.to_string());
        assert_eq!(copy("BACKUP DATABASE a TO DISK='C:\\b\\{?}.bak' WITH INIT").as_deref(), Some("C:\\b\\{?}.bak"));
        assert_eq!(copy("backup log a to disk = N'a.trn'").as_deref(), Some("{?}\\a.trn"));
        assert_eq!(copy("BACKUP DATABASE a TO URL = 'https://a'"), None);
        assert_eq!(copy("BACKUP DATABASE a TO DISK = @path"), None);
    }
}
