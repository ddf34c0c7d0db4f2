//! The relational database of a package, row by row.

use crate::facts::{NoteKind, Reading, Site};
use crate::read::script::sink::quote;
use msi::{Package, Select};
use std::collections::HashMap;
use std::io::Cursor;
use std::rc::Rc;

/// Most rows of all tables together; beyond this a package carries data.
const MAX_ROWS: usize = 400_000;

/// An opened package.
pub(super) struct Database<'b> {
    package: Package<Cursor<&'b [u8]>>,
    left: usize,
    /// Tables that were asked for: several are looked at twice, for their keys and for what they install.
    read: HashMap<&'static str, Rc<[Row]>>,
}

impl<'b> Database<'b> {
    /// Opens the compound file and reads the string pool.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub(super) fn open(bytes: &'b [u8]) -> std::io::Result<Self> {
        Ok(Database { package: Package::open(Cursor::new(bytes))?, left: MAX_ROWS, read: HashMap::new() })
    }

    /// The rows of a table; none if there is no such table.
    pub(super) fn rows(&mut self, table: &'static str, reading: &mut Reading) -> Rc<[Row]> {
        if let Some(rows) = self.read.get(table) {
            return Rc::clone(rows);
        }
        let rows: Rc<[Row]> = self.select(table, reading).into();
        self.read.insert(table, Rc::clone(&rows));
        rows
    }

    fn select(&mut self, table: &'static str, reading: &mut Reading) -> Vec<Row> {
        if !self.package.has_table(table) {
            return Vec::new();
        }
        let rows = match self.package.select_rows(Select::table(table)) {
            Ok(rows) => rows,
            Err(error) => {
                reading.note(NoteKind::Malformed, format!("the table {table} cannot be read: {error}"));
                return Vec::new();
            }
        };
        let found: Vec<Row> = rows.take(self.left).map(|row| Row { table, row }).collect();
        self.left -= found.len();
        if self.left == 0 {
            reading
                .note(NoteKind::Capped, format!("more than {MAX_ROWS} rows: the table {table} is not read to its end"));
        }
        found
    }
}

/// A row of a table.
pub(super) struct Row {
    table: &'static str,
    row: msi::Row,
}

impl Row {
    fn value(&self, column: &str) -> Option<&msi::Value> {
        self.row.has_column(column).then(|| &self.row[column])
    }

    /// A text that is not null.
    pub(super) fn text(&self, column: &str) -> Option<&str> {
        self.value(column)?.as_str()
    }

    /// A number that is not null.
    pub(super) fn number(&self, column: &str) -> Option<i32> {
        self.value(column)?.as_int()
    }

    /// Where the row is: its table and its first key.
    pub(super) fn site(&self) -> Site {
        let key = match self.row.len() {
            0 => String::new(),
            _ => self.row[0].as_str().map_or_else(|| self.row[0].to_string(), str::to_owned),
        };
        Site::row(self.table, key)
    }

    /// The row as evidence quotes it: the table, and the columns that say something.
    pub(super) fn quoted(&self) -> String {
        let said = self.row.columns().iter().enumerate().filter_map(|(at, column)| match &self.row[at] {
            msi::Value::Null | msi::Value::Binary => None,
            msi::Value::Int(number) => Some(format!("{}={number}", column.name())),
            msi::Value::Str(text) => Some(format!("{}={text}", column.name())),
        });
        quote(&format!("{}: {}", self.table, said.collect::<Vec<_>>().join(", ")))
    }
}
