//! The pairs of a connection string, by the ADO.NET rules: values in quotes, quotes doubled inside, `==` in a name.

use crate::facts::{Hole, Part, Text};

/// The pairs of a connection string; names are in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs {
    pairs: Vec<(String, Text)>,
}

/// A character or a hole.
enum Unit<'a> {
    Char(char),
    Hole(&'a Hole),
}

impl Pairs {
    /// Splits a connection string. Text without `=` gives no pairs.
    pub fn parse(text: &Text) -> Self {
        let mut units = Vec::new();
        for part in text.parts() {
            match part {
                Part::Lit(s) => units.extend(s.chars().map(Unit::Char)),
                Part::Hole(hole) => units.push(Unit::Hole(hole)),
            }
        }
        let mut pairs = Vec::new();
        let mut at = 0;
        while at < units.len() {
            let Some((name, after)) = read_name(&units, at) else { break };
            let (value, end) = read_value(&units, after);
            if !name.is_empty() {
                pairs.push((name, value));
            }
            at = end;
        }
        Pairs { pairs }
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The value of the first of these names that is there; a name that is repeated has its last value.
    pub fn get(&self, names: &[&str]) -> Option<&Text> {
        names.iter().find_map(|name| self.pairs.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v))
    }

    /// The same, as characters.
    pub fn lit(&self, names: &[&str]) -> Option<&str> {
        self.get(names).and_then(Text::as_lit).filter(|s| !s.is_empty())
    }

    /// Has one of these values, in any case.
    pub fn is(&self, name: &str, values: &[&str]) -> bool {
        self.lit(&[name]).is_some_and(|v| values.iter().any(|x| v.eq_ignore_ascii_case(x)))
    }
}

/// A name up to `=`; `==` is an equals sign in the name.
fn read_name(units: &[Unit<'_>], mut at: usize) -> Option<(String, usize)> {
    let mut name = String::new();
    loop {
        match units.get(at)? {
            Unit::Char('=') if matches!(units.get(at + 1), Some(Unit::Char('='))) => {
                name.push('=');
                at += 2;
            }
            Unit::Char('=') => return Some((name.trim().to_lowercase(), at + 1)),
            Unit::Char(';') => {
                name.clear();
                at += 1;
            }
            Unit::Char(c) => {
                name.push(*c);
                at += 1;
            }
            Unit::Hole(_) => at += 1,
        }
    }
}

/// A value up to `;`, or a quoted one.
fn read_value(units: &[Unit<'_>], mut at: usize) -> (Text, usize) {
    while matches!(units.get(at), Some(Unit::Char(c)) if c.is_whitespace()) {
        at += 1;
    }
    let close = match units.get(at) {
        Some(Unit::Char('"')) => Some('"'),
        Some(Unit::Char('\'')) => Some('\''),
        // ODBC: `Driver={SQL Server}`.
        Some(Unit::Char('{')) => Some('}'),
        _ => None,
    };
    at += usize::from(close.is_some());
    let mut value = Text::new();
    let mut run = String::new();
    while let Some(unit) = units.get(at) {
        match (unit, close) {
            (Unit::Char(c), Some(quote)) if *c == quote => {
                if matches!(units.get(at + 1), Some(Unit::Char(next)) if *next == quote) {
                    run.push(quote);
                    at += 2;
                    continue;
                }
                at += 1;
                break;
            }
            (Unit::Char(';'), None) => break,
            (Unit::Char(c), _) => run.push(*c),
            (Unit::Hole(hole), _) => {
                value.push_lit(&run);
                run.clear();
                value.push_hole((*hole).clone());
            }
        }
        at += 1;
    }
    value.push_lit(if close.is_none() { run.trim_end() } else { &run });
    while matches!(units.get(at), Some(Unit::Char(c)) if *c != ';') {
        at += 1;
    }
    (value, at + 1)
}

/// A connection string as it may be shown: passwords, keys and tokens are replaced.
pub fn without_secrets(text: &str) -> String {
    const SECRET: &[&str] = &[
        "password",
        "pwd",
        "accountkey",
        "sharedaccesskey",
        "sharedsecretvalue",
        "accesskey",
        "apikey",
        "token",
        "secret",
    ];
    let mut out = String::with_capacity(text.len());
    for (i, pair) in text.split(';').enumerate() {
        if i > 0 {
            out.push(';');
        }
        match pair.split_once('=') {
            Some((name, _)) if SECRET.iter().any(|s| name.replace(' ', "").to_lowercase().ends_with(s)) => {
                out.push_str(name);
                out.push_str("=***");
            }
            _ => out.push_str(pair),
        }
    }
    mask_user_info(&out)
}

/// `scheme://user:password@host`.
fn mask_user_info(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let authority = rest.split(['/', '?', '"', '\'']).next().unwrap_or(rest);
    match authority.rsplit_once('@') {
        Some((user, host)) => {
            let name = user.split(':').next().unwrap_or(user);
            format!("{scheme}://{name}:***@{host}{}", &rest[authority.len()..])
        }
        None => text.to_owned(),
    }
}
/// Does a key name a secret? Its value is never shown and cannot be a path.
pub fn is_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    [
        "password",
        "passwd",
        "pwd",
        "secret",
        "accesskey",
        "accountkey",
        "apikey",
        "api_key",
        "token",
        "secret_key",
        "access_key",
        "private_key",
        "app_key",
        "validationkey",
        "decryptionkey",
    ]
    .iter()
    .any(|word| key.ends_with(word))
}
