//! The name of a state: how a place is written may differ, and be the same one.

use super::location::{Extent, Location};
use super::text::{Hole, Part, Source, Text};
use super::vocabulary::Store;
use std::collections::BTreeSet;

/// Names of this machine in front of what runs on it: of a server, `.` and `(local)` stand for it (MS documentation,
/// "SqlConnection.ConnectionString"), and the others are its address everywhere.
const THIS_MACHINE: &[&str] = &["(local)", "localhost", "127.0.0.1", "::1", "[::1]"];

/// What tells the state at a location from any other: two spellings of one place have one name. It is for comparing, not for
/// people.
pub fn state_name(store: Store, location: &Location) -> String {
    let key = location.key();
    if let Some((scheme, rest)) = key.split_once("://") {
        return format!("{scheme}://{}", server_name(rest));
    }
    if !store.is_path() {
        return key;
    }
    match location.extent() {
        Extent::Full => path_name(&key),
        _ => unnamed(location.text()).unwrap_or_else(|| path_name(&key)),
    }
}

/// `localhost\desk/orders` is `.\desk/orders`.
fn server_name(rest: &str) -> String {
    let is_end = |at: usize| rest[at..].is_empty() || rest[at..].starts_with(['/', '\\', ',', ':']);
    let named = THIS_MACHINE.iter().find(|name| rest.starts_with(**name) && is_end(name.len()));
    named.map_or_else(|| rest.to_owned(), |name| format!(".{}", &rest[name.len()..]))
}

/// Without the current folder in front, which is what a path without any begins in; and without separators in front of what
/// is not known, which may begin or end with one.
fn path_name(key: &str) -> String {
    let below = key.strip_prefix("{cwd}\\").unwrap_or(key);
    let mut name = String::with_capacity(below.len());
    for c in below.chars() {
        match c {
            '{' => name.truncate(name.trim_end_matches('\\').len()),
            '\\' if name.len() > 1 && name.ends_with('\\') => continue,
            _ => {}
        }
        name.push(c);
    }
    name
}

/// A path in which nothing is named, by what it is made of: `{input:request}\{?}\{input:request}` says no more than
/// `{input:request}`.
fn unnamed(text: &Text) -> Option<String> {
    let mut made_of = BTreeSet::new();
    for part in text.parts() {
        match part {
            Part::Lit(lit) if lit.chars().any(char::is_alphanumeric) => return None,
            Part::Hole(Hole::Folder(_)) => return None,
            Part::Lit(_) | Part::Hole(Hole::Unknown | Hole::From(Source::Param | Source::Output, _)) => {}
            Part::Hole(hole) => {
                made_of.insert(Text::hole(hole.clone()).to_string().to_lowercase());
            }
        }
    }
    Some(made_of.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn are_one(store: Store, spellings: [&str; 2]) -> bool {
        let [a, b] = spellings.map(|text| state_name(store, &Location::named(Text::parse(text))));
        a == b
    }

    #[test]
    fn spellings_of_one_server() {
        let are_one = |spellings| are_one(Store::Database, spellings);
        assert!(are_one([r"sqlserver://.\DESK/Orders", r"sqlserver://localhost\desk/orders"]));
        assert!(are_one(["sqlserver://(local)/Orders", "sqlserver://127.0.0.1/Orders"]));
        assert!(!are_one(["sqlserver://(local)/Orders", "sqlserver://(localdb)/Orders"]));
        assert!(!are_one(["sqlserver://localhost/Orders", "sqlserver://localhost/Bills"]));
        assert!(!are_one(["sqlserver://localhost,1433/Orders", "sqlserver://localhost,1434/Orders"]));
        assert!(!are_one(["mysql://localhost/Orders", "sqlserver://localhost/Orders"]));
    }

    #[test]
    fn spellings_of_one_file() {
        let are_one = |spellings| are_one(Store::File, spellings);
        assert!(are_one([r"{Cwd}\desk.dmp", "desk.dmp"]));
        assert!(are_one([r"{WebRoot}\Desk\{?}", r"{WebRoot}\Desk{?}"]));
        assert!(are_one([r"C:\Desk\\a.dat", r"C:\Desk\a.dat"]));
        assert!(!are_one([r"\\desk\a.dat", r"\desk\a.dat"]), "another machine");
        assert!(!are_one([r"{Cwd}\desk.dmp", r"{AppDir}\desk.dmp"]));
        assert!(are_one([r"{input:request}\{?}\{input:request}", r"{input:request}{input:request}"]));
        assert!(!are_one([r"{AppDir}\{?}", r"{Temp}\{?}"]));
        assert!(!are_one([r"{input:request}\{?}", r"{config:Desk}\{?}"]));
    }
}
