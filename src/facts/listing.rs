//! Facts as text that prints and parses back: `wipeproof facts`, rule examples, golden reader tests.
//!
//! ```text
//! artifact bin/OrderDesk.exe format=pe-x64
//! effect set-value registry "HKLM\Software\Contoso\LastRun" phase=run because="service entry" certainty=proven
//!   via=advapi32!RegSetValueExW at=section:.text,rva:0x1234
//!   step "key opened by RegCreateKeyExW" at=section:.text,rva:0x11f0
//! clue config-value key=appSettings/LogPath value="C:\Logs" at=line:12,column:5
//! note malformed "import table ends early"
//! ```
//!
//! A line starts with a keyword; `key=value` fields follow in any order. A value with blanks or quotes is quoted.
//! Inside quotes the backtick escapes (`` `" ``, `` `n ``, ``` `` ```), because paths are full of backslashes.
//! Lines starting with `#` are comments. Indented lines continue the fact above: more fields, or a `step`.

use super::{Body, Certainty, Clue, Effect, Fact, Location, Note, Owner, Phase, Reading, Site, Step, Text, Trait};
use std::fmt::Write as _;

/// What is wrong with a listing, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ListingError {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

/// Prints readings. The result parses back to equal readings.
pub fn print(readings: &[Reading]) -> String {
    let mut out = String::new();
    for reading in readings {
        print_reading(&mut out, reading);
    }
    out
}

fn print_reading(out: &mut String, reading: &Reading) {
    let mut line = Line::new("artifact");
    line.word(&reading.artifact);
    line.field("format", &reading.format);
    if reading.owner != Owner::Application {
        line.field("owner", reading.owner.into());
    }
    line.end(out);
    for fact in &reading.facts {
        print_fact(out, fact);
    }
    for note in &reading.notes {
        let mut line = Line::new("note");
        line.word(note.kind.into());
        line.word(&note.text);
        line.end(out);
    }
}

fn print_fact(out: &mut String, fact: &Fact) {
    match &fact.body {
        Body::Effect(e) => {
            let mut line = Line::new("effect");
            line.word(e.operation.into());
            line.word(e.store.into());
            line.word(&e.location.to_string());
            line.field("certainty", e.certainty.into());
            line.field("via", &e.via);
            if e.phase != Phase::Unknown {
                line.field("phase", e.phase.into());
            }
            if !e.phase_evidence.is_empty() {
                line.field("because", &e.phase_evidence);
            }
            if e.origin != super::Origin::Unknown {
                line.field("origin", e.origin.into());
            }
            if !e.traits.is_empty() {
                line.field("traits", &e.traits.iter().map(|t| t.into()).collect::<Vec<&str>>().join(","));
            }
            line.site(&fact.site);
            line.end(out);
            for step in &e.evidence {
                let mut line = Line::new("  step");
                line.word(&step.text);
                if let Some(artifact) = &step.artifact {
                    line.field("in", artifact);
                }
                if let Some(site) = &step.site {
                    line.site(site);
                }
                line.end(out);
            }
        }
        Body::Clue(c) => {
            let mut line = Line::new("clue");
            line.word(c.kind.into());
            line.field("key", &c.key);
            line.field("value", &c.value);
            if let Some(location) = &c.location {
                line.field("location", &location.to_string());
            }
            line.site(&fact.site);
            line.end(out);
        }
    }
}

/// A line under construction.
struct Line(String);

impl Line {
    fn new(keyword: &str) -> Self {
        Line(keyword.to_owned())
    }

    fn word(&mut self, value: &str) {
        self.0.push(' ');
        self.0.push_str(&quote(value));
    }

    fn field(&mut self, key: &str, value: &str) {
        let _ = write!(self.0, " {key}={}", quote(value));
    }

    fn site(&mut self, site: &Site) {
        let fields = site_fields(site);
        if !fields.is_empty() {
            self.field("at", &fields.join(";"));
        }
    }

    fn end(self, out: &mut String) {
        out.push_str(&self.0);
        out.push('\n');
    }
}

fn site_fields(site: &Site) -> Vec<String> {
    let mut fields = Vec::new();
    let mut number = |name: &str, value: Option<u32>| {
        if let Some(n) = value {
            fields.push(format!("{name}:{n}"));
        }
    };
    number("line", site.line);
    number("column", site.column);
    let mut text = |name: &str, value: &Option<String>| {
        if let Some(s) = value {
            fields.push(format!("{name}:{}", s.replace(';', "`;")));
        }
    };
    text("section", &site.section);
    text("method", &site.method);
    text("table", &site.table);
    text("row", &site.row);
    text("key", &site.key);
    text("symbol", &site.symbol);
    text("source", &site.source_file);
    for (name, value) in [("rva", site.rva), ("il", site.il_offset)] {
        if let Some(n) = value {
            fields.push(format!("{name}:0x{n:x}"));
        }
    }
    if let Some(n) = site.source_line {
        fields.push(format!("source-line:{n}"));
    }
    fields
}

fn quote(value: &str) -> String {
    let plain = !value.is_empty()
        && value.chars().all(|c| !c.is_whitespace() && !c.is_control() && !matches!(c, '"' | '`' | '='))
        && !value.starts_with('#');
    if plain {
        return value.to_owned();
    }
    let mut out = String::with_capacity(value.len() + 2);
    out.push('"');
    for c in value.chars() {
        match c {
            '"' => out.push_str("`\""),
            '`' => out.push_str("``"),
            '\n' => out.push_str("`n"),
            '\r' => out.push_str("`r"),
            '\t' => out.push_str("`t"),
            c if c.is_control() => {
                let _ = write!(out, "`u{{{:x}}}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A token of a line: a bare word, or `key=value`.
#[derive(Debug)]
enum Token {
    Word(String),
    Field(String, String),
}

fn tokenize(line: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut chars = line.chars().peekable();
    loop {
        while chars.peek().is_some_and(|c| c.is_whitespace()) {
            chars.next();
        }
        if chars.peek().is_none() {
            return Ok(tokens);
        }
        let mut key = None;
        let mut value = String::new();
        while let Some(&c) = chars.peek() {
            if c.is_whitespace() {
                break;
            }
            chars.next();
            match c {
                '=' if key.is_none() => key = Some(std::mem::take(&mut value)),
                '"' => read_quoted(&mut chars, &mut value)?,
                c => value.push(c),
            }
        }
        tokens.push(match key {
            Some(key) => Token::Field(key, value),
            None => Token::Word(value),
        });
    }
}

fn read_quoted(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, value: &mut String) -> Result<(), String> {
    while let Some(c) = chars.next() {
        match c {
            '"' => return Ok(()),
            '`' => match chars.next() {
                Some('n') => value.push('\n'),
                Some('r') => value.push('\r'),
                Some('t') => value.push('\t'),
                Some('u') => {
                    let hex: String = chars.by_ref().skip(1).take_while(|c| *c != '}').collect();
                    let c = u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32);
                    value.push(c.ok_or_else(|| format!("`u{{{hex}}} is not a character"))?);
                }
                Some(c) => value.push(c),
                None => return Err("the line ends after a backtick".into()),
            },
            c => value.push(c),
        }
    }
    Err("a quoted value has no closing quote".into())
}

/// Reads a listing. Facts before any `artifact` line belong to an artifact without a name.
pub fn parse(listing: &str) -> Result<Vec<Reading>, ListingError> {
    let mut readings: Vec<Reading> = Vec::new();
    for (index, line) in listing.lines().enumerate() {
        let at = |message: String| ListingError { line: index + 1, message };
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        let mut fields = Fields::new(tokenize(line).map_err(at)?);
        let continues = line.starts_with([' ', '\t']);
        let keyword = if continues && !matches!(fields.peek_word(), Some("step")) {
            "more".to_owned()
        } else {
            fields.word("keyword").map_err(at)?
        };
        parse_line(&keyword, &mut fields, &mut readings).map_err(at)?;
        fields.finish().map_err(at)?;
    }
    Ok(readings)
}

fn parse_line(keyword: &str, fields: &mut Fields, readings: &mut Vec<Reading>) -> Result<(), String> {
    if keyword == "artifact" {
        let mut reading = Reading::new(fields.word("path")?, fields.take("format").unwrap_or_default());
        if let Some(owner) = fields.take("owner") {
            reading.owner = parse_name(&owner)?;
        }
        readings.push(reading);
        return Ok(());
    }
    if readings.is_empty() {
        readings.push(Reading::new("", ""));
    }
    let Some(reading) = readings.last_mut() else { return Ok(()) };
    match keyword {
        "effect" => {
            let effect = Effect::new(
                parse_name(&fields.word("operation")?)?,
                parse_name(&fields.word("store")?)?,
                Location::named(Text::parse(&fields.word("location")?)),
                Certainty::Proven,
                "",
            );
            reading.facts.push(Fact::effect(Site::default(), effect));
            continue_effect(fields, reading)
        }
        "more" => continue_effect(fields, reading),
        "clue" => {
            let kind = parse_name(&fields.word("kind")?)?;
            let mut clue =
                Clue::new(kind, fields.take("key").unwrap_or_default(), fields.take("value").unwrap_or_default());
            clue.location = fields.take("location").map(|l| Location::named(Text::parse(&l)));
            let site = fields.site()?;
            reading.facts.push(Fact::clue(site, clue));
            Ok(())
        }
        "note" => {
            let kind = parse_name(&fields.word("kind")?)?;
            reading.notes.push(Note::new(kind, fields.word("text")?));
            Ok(())
        }
        "step" => {
            let step = Step {
                text: fields.word("text")?,
                artifact: fields.take("in"),
                site: Some(fields.site()?).filter(|s| *s != Site::default()),
            };
            match reading.facts.last_mut().map(|f| &mut f.body) {
                Some(Body::Effect(e)) => e.evidence.push(step),
                _ => return Err("a step needs an effect above it".into()),
            }
            Ok(())
        }
        other => Err(format!("unknown keyword {other:?}; expected artifact, effect, clue, note or step")),
    }
}

fn continue_effect(fields: &mut Fields, reading: &mut Reading) -> Result<(), String> {
    let Some(fact) = reading.facts.last_mut() else {
        return Err("an indented line needs a fact above it".into());
    };
    let Body::Effect(effect) = &mut fact.body else {
        return Err("an indented line needs an effect above it".into());
    };
    if let Some(v) = fields.take("certainty") {
        effect.certainty = parse_name(&v)?;
    }
    if let Some(v) = fields.take("via") {
        effect.via = v;
    }
    if let Some(v) = fields.take("phase") {
        effect.phase = parse_name(&v)?;
    }
    if let Some(v) = fields.take("because") {
        effect.phase_evidence = v;
    }
    if let Some(v) = fields.take("origin") {
        effect.origin = parse_name(&v)?;
    }
    if let Some(v) = fields.take("traits") {
        for name in v.split(',').filter(|n| !n.is_empty()) {
            effect.mark(parse_name::<Trait>(name)?);
        }
    }
    let site = fields.site()?;
    if site != Site::default() {
        fact.site = site;
    }
    Ok(())
}

/// A value of a closed vocabulary; the error lists the words.
fn parse_name<T: std::str::FromStr + strum::IntoEnumIterator + Into<&'static str>>(name: &str) -> Result<T, String> {
    name.parse().map_err(|_| {
        let words: Vec<&'static str> = T::iter().map(Into::into).collect();
        format!("{name:?} is not one of {}", words.join(", "))
    })
}

/// The tokens of a line, taken one by one; what is left over is an error.
struct Fields(Vec<Option<Token>>);

impl Fields {
    fn new(tokens: Vec<Token>) -> Self {
        Fields(tokens.into_iter().map(Some).collect())
    }

    fn peek_word(&self) -> Option<&str> {
        match self.0.iter().flatten().next() {
            Some(Token::Word(w)) => Some(w),
            _ => None,
        }
    }

    fn word(&mut self, what: &str) -> Result<String, String> {
        for slot in &mut self.0 {
            if matches!(slot, Some(Token::Word(_)))
                && let Some(Token::Word(w)) = slot.take()
            {
                return Ok(w);
            }
        }
        Err(format!("the {what} is missing"))
    }

    fn take(&mut self, key: &str) -> Option<String> {
        for slot in &mut self.0 {
            if matches!(slot, Some(Token::Field(k, _)) if k == key)
                && let Some(Token::Field(_, v)) = slot.take()
            {
                return Some(v);
            }
        }
        None
    }

    fn site(&mut self) -> Result<Site, String> {
        let mut site = Site::default();
        let Some(at) = self.take("at") else { return Ok(site) };
        for field in split_site(&at) {
            let (name, value) = field.split_once(':').ok_or_else(|| format!("{field:?} is not name:value"))?;
            let number = || match value.strip_prefix("0x") {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => value.parse::<u32>(),
            };
            let number = || number().map_err(|_| format!("{value:?} is not a number"));
            let text = Some(value.to_owned());
            match name {
                "line" => site.line = Some(number()?),
                "column" => site.column = Some(number()?),
                "rva" => site.rva = Some(number()?),
                "il" => site.il_offset = Some(number()?),
                "source-line" => site.source_line = Some(number()?),
                "section" => site.section = text,
                "method" => site.method = text,
                "table" => site.table = text,
                "row" => site.row = text,
                "key" => site.key = text,
                "symbol" => site.symbol = text,
                "source" => site.source_file = text,
                other => return Err(format!("unknown site field {other:?}")),
            }
        }
        Ok(site)
    }

    fn finish(self) -> Result<(), String> {
        match self.0.into_iter().flatten().next() {
            None => Ok(()),
            Some(Token::Word(w)) => Err(format!("{w:?} is one word too many")),
            Some(Token::Field(k, _)) => Err(format!("unknown field {k:?}")),
        }
    }
}

/// Splits at semicolons that no backtick escapes.
fn split_site(at: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut chars = at.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '`' if chars.peek() == Some(&';') => {
                chars.next();
                if let Some(last) = fields.last_mut() {
                    last.push(';');
                }
            }
            ';' => fields.push(String::new()),
            c => {
                if let Some(last) = fields.last_mut() {
                    last.push(c);
                }
            }
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{ClueKind, NoteKind, Operation, Origin, Store};

    fn sample() -> Vec<Reading> {
        let mut r = Reading::new("bin/Order Desk.exe", "pe-x64");
        let location = Location::registry(&Text::parse("HKLM\\Software\\{?}\\Last \"Run\"`s"));
        r.effect(
            Site { symbol: Some("a;b".into()), ..Site::code(".text", 0x1234) },
            Effect::new(Operation::SetValue, Store::Registry, location, Certainty::Likely, "advapi32!RegSetValueExW")
                .in_phase(Phase::Run, "service entry")
                .of_origin(Origin::Generated)
                .with(Trait::View32)
                .because(Step::at("key = 1\nnext\u{1b}", Site::text(1, 2)).in_artifact("x.reg")),
        );
        r.clue(Site::text(12, 5), Clue::new(ClueKind::ConfigValue, "appSettings/LogPath", "C:\\Logs"));
        r.note(NoteKind::Malformed, "import table ends early");
        vec![r]
    }

    #[test]
    fn prints_and_parses_back() {
        let text = print(&sample());
        assert_eq!(parse(&text).unwrap(), sample(), "{text}");
    }

    #[test]
    fn short_form_has_defaults_and_may_continue() {
        let r = parse("effect append log \"{AppDir}\\a.log\"\n  phase=run traits=read-back,baked\n").unwrap();
        let e = r[0].facts[0].as_effect().unwrap();
        assert_eq!((e.phase, e.certainty), (Phase::Run, Certainty::Proven));
        assert!(e.has(Trait::Baked) && e.has(Trait::ReadBack));
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        for (listing, part) in [
            ("\nefect x", "unknown keyword"),
            ("effect creat file x", "is not one of"),
            ("effect create file x bogus=1", "unknown field"),
            ("effect create file \"x", "closing quote"),
            ("step x", "needs an effect"),
        ] {
            let e = parse(listing).unwrap_err();
            assert!(e.message.contains(part), "{e}");
        }
        assert_eq!(parse("\nefect x").unwrap_err().line, 2);
    }
}
