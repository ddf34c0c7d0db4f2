//! Selectors: which nodes of a document a row of the catalogue means.

use serde::{Deserialize, Deserializer};

/// A text in which `*` stands for any characters; letters match in any case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(String);

impl Glob {
    /// Reads a pattern.
    pub fn new(pattern: &str) -> Self {
        Glob(pattern.to_lowercase())
    }

    /// Matches the whole of `text`.
    pub fn matches(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let mut pieces = self.0.split('*');
        let first = pieces.next().unwrap_or_default();
        let Some(mut rest) = text.strip_prefix(first) else { return false };
        let pieces: Vec<&str> = pieces.collect();
        let Some((last, middle)) = pieces.split_last() else { return rest.is_empty() };
        for piece in middle {
            match rest.find(piece) {
                Some(at) => rest = &rest[at + piece.len()..],
                None => return false,
            }
        }
        rest.ends_with(last)
    }
}

impl<'de> Deserialize<'de> for Glob {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Glob::new(&String::deserialize(d)?))
    }
}

/// Steps down the document tree: `system.net/mailSettings/smtp[deliveryMethod=Network|*Iis]`.
///
/// `*` is any child, `**` any number of levels, `*.dir` every child whose name ends so. A condition in brackets looks at a child or attribute: `[x]` it is
/// there, `[!x]` it is not, `[+x|y]` there are attributes besides these, `[x=a|b]` and `[x!=a|b]` compare its text (`*` stands for any characters, case does not
/// matter), `[x?!=a]` also holds where it is not there, `[x:loopback]` is a named test. `[.=a]` looks at the node itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// From the top down.
    pub steps: Vec<Step>,
}

/// One level of a [`Selector`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which children.
    pub name: Name,
    /// What must be true of them.
    pub conditions: Vec<Condition>,
}

/// The names that a [`Step`] accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// Any child.
    Any,
    /// The node itself and everything below it.
    Deep,
    /// Children of this name, in any case.
    Is(String),
    /// Children with a name like this.
    Like(Glob),
}

/// A condition in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Names from the node to what is looked at; empty for the node itself.
    pub path: Vec<String>,
    /// The test.
    pub test: Test,
}

/// The test of a [`Condition`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// It is there.
    Present,
    /// It is not there.
    Absent,
    /// Its text is one of these.
    Is(Vec<Glob>),
    /// It is there and its text is none of these.
    IsNot(Vec<Glob>),
    /// It is not there, or its text is none of these: for a key whose default is something else.
    IsNowhere(Vec<Glob>),
    /// It names this machine: a loopback address or `.`.
    Loopback,
    /// It has attributes of other names than these.
    Besides(Vec<Glob>),
}

impl Selector {
    /// Reads the textual form.
    ///
    /// # Errors
    /// In words, for the author of the row.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut steps = Vec::new();
        for step in split_outside_brackets(text) {
            let (name, mut rest) = match step.find('[') {
                Some(at) => (&step[..at], &step[at..]),
                None => (step, ""),
            };
            let name = match name {
                "" => return Err(format!("an empty step in {text:?}")),
                "*" => Name::Any,
                "**" => Name::Deep,
                name if name.contains('*') => Name::Like(Glob::new(name)),
                name => Name::Is(name.to_owned()),
            };
            let mut conditions = Vec::new();
            while let Some(inner) = rest.strip_prefix('[') {
                let (condition, after) =
                    inner.split_once(']').ok_or_else(|| format!("a bracket is not closed in {text:?}"))?;
                conditions.push(Condition::parse(condition)?);
                rest = after;
            }
            if !rest.is_empty() {
                return Err(format!("{rest:?} follows a condition in {text:?}"));
            }
            steps.push(Step { name, conditions });
        }
        Ok(Selector { steps })
    }
}

fn split_outside_brackets(text: &str) -> Vec<&str> {
    let mut depth = 0usize;
    text.split(|c| {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == '/' && depth == 0
    })
    .collect()
}

impl Condition {
    fn parse(text: &str) -> Result<Self, String> {
        let globs = |list: &str| list.split('|').map(Glob::new).collect::<Vec<_>>();
        let (path, test) = if let Some(list) = text.strip_prefix('+') {
            (".", Test::Besides(globs(list)))
        } else if let Some(path) = text.strip_prefix('!') {
            (path, Test::Absent)
        } else if let Some((path, list)) = text.split_once("?!=") {
            (path, Test::IsNowhere(globs(list)))
        } else if let Some((path, list)) = text.split_once("!=") {
            (path, Test::IsNot(globs(list)))
        } else if let Some((path, list)) = text.split_once('=') {
            (path, Test::Is(globs(list)))
        } else if let Some(path) = text.strip_suffix(":loopback") {
            (path, Test::Loopback)
        } else {
            (text, Test::Present)
        };
        if path.is_empty() {
            return Err(format!("the condition {text:?} looks at nothing; [.=x] looks at the node itself"));
        }
        let path = if path == "." { Vec::new() } else { path.split('/').map(str::to_owned).collect() };
        Ok(Condition { path, test })
    }
}

impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Selector::parse(&String::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors() {
        let s = Selector::parse("a/**/b[x=1|2*][!y]/*[.!=z]").unwrap_or(Selector { steps: vec![] });
        assert_eq!(s.steps.len(), 4);
        assert_eq!(s.steps[2].conditions.len(), 2);
        assert!(Selector::parse("a//b").is_err() && Selector::parse("a[x").is_err() && Selector::parse("a[]").is_err());
    }

    #[test]
    fn globs() {
        for (pattern, text, expected) in [
            ("InProc", "inproc", true),
            ("*FileAppender", "log4net.Appender.RollingFileAppender", true),
            ("*FileAppender*", "x.FileAppender, y", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXbY", false),
            ("ab", "abc", false),
        ] {
            assert_eq!(Glob::new(pattern).matches(text), expected, "{pattern} {text}");
        }
    }
}
