//! Facts to text.

use crate::facts::{Body, Fact, Origin, Owner, Phase, Reading, Site};
use std::fmt::Write as _;

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
    if let Some(environment) = &reading.environment {
        line.field("environment", environment);
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
            if e.origin != Origin::Unknown {
                line.field("origin", e.origin.into());
            }
            if !e.traits.is_empty() {
                line.field("traits", &e.traits.iter().map(|t| t.into()).collect::<Vec<&str>>().join(","));
            }
            if let Some(guard) = &e.guard {
                line.field("guard", &guard.to_string());
            }
            line.open(fact);
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
            line.open(fact);
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

    fn open(&mut self, fact: &Fact) {
        if let Some(open) = &fact.open {
            self.field("open", &open.to_string());
        }
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
