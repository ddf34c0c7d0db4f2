//! Text to facts.

use crate::facts::{Body, Certainty, Clue, Effect, Fact, Location, Note, Reading, Site, Step, Text, Trait};

/// What is wrong with a listing, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ListingError {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
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
        reading.environment = fields.take("environment");
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
            clue.location = fields.location("location");
            let open = fields.location("open");
            let site = fields.site()?;
            reading.facts.push(Fact { open, ..Fact::clue(site, clue) });
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
    if let Some(guard) = fields.location("guard") {
        effect.guard = Some(guard);
    }
    if let Some(open) = fields.location("open") {
        fact.open = Some(open);
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

    fn location(&mut self, key: &str) -> Option<Location> {
        self.take(key).map(|l| Location::named(Text::parse(&l)))
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
