//! Findings about one location as one diagnostic: message, a short excerpt with a label, who else writes it, what to
//! do instead.
//!
//! miette renders in time linear in its source, so it is never given a file: [`Snippet`] hands it a few lines with
//! their true numbers, and machine code, IL and tables as lines made up from the evidence.

use super::LOW;
use crate::facts::Step;
use crate::output::excerpt::Excerpt;
use crate::output::style::{Ink, Style, cut, cut_start, one_line};
use crate::output::{Context, words};
use crate::report::Finding;
use crate::rules::Severity;
use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents,
    NarratableReportHandler, SourceCode, SourceSpan, SpanContents,
};
use std::fmt;
use std::ops::Range;

/// Indent of what follows the first line behind a label.
const HANG: &str = "        ";
/// Evidence steps shown below a made-up line, and other places named, unless everything is asked for.
const MAX_STEPS: usize = 3;

/// Renders the findings about one location, the heaviest first.
pub(super) fn render(group: &[&Finding], context: &Context<'_>) -> String {
    let Some(lead) = group.first() else { return String::new() };
    let style = context.style;
    let view = View::new(lead, context);
    let mut text = String::new();
    let rendered = if style.narrated {
        NarratableReportHandler::new().with_context_lines(1).render_report(&mut text, &view)
    } else {
        handler(style).render_report(&mut text, &view)
    };
    if rendered.is_err() {
        // A diagnostic that cannot be drawn is still told.
        return one_line(&format!("{} {}", lead.rule, lead.message)) + "\n";
    }
    let made_up = view.snippet.as_ref().is_some_and(|s| s.excerpt.made_up);
    let line = |l: &str| if made_up { without_number(l.trim_end()) } else { l.trim_end().to_owned() };
    let mut lines: Vec<String> = text.lines().map(line).filter(|l| !l.is_empty()).collect();
    let shown = if made_up { made_up_steps(lead, style) } else { 0 };
    for (label, remark) in remarks(lead, group, shown, style) {
        let width = style.width.max(20);
        let options = textwrap::Options::new(width)
            .word_separator(textwrap::WordSeparator::AsciiSpace)
            .word_splitter(textwrap::WordSplitter::NoHyphenation)
            .subsequent_indent(if style.narrated { "" } else { HANG });
        // Colour codes have no width, so the label is put in after wrapping.
        let indent = if style.narrated { "" } else { "  " };
        for (n, line) in textwrap::wrap(&format!("{indent}{label}: {remark}"), options).into_iter().enumerate() {
            let head = format!("{indent}{label}:");
            lines.push(match line.strip_prefix(&head) {
                Some(rest) if n == 0 => format!("{indent}{}{rest}", style.ink(Ink::Note, &format!("{label}:"))),
                _ => line.into_owned(),
            });
        }
    }
    lines.join("\n") + "\n"
}

/// A line of an excerpt without its number, which would be none of the artifact.
fn without_number(line: &str) -> String {
    let Some((gutter, rest)) = line.split_once('│') else { return line.to_owned() };
    let mut blank = String::with_capacity(gutter.len());
    let mut in_escape = false;
    for c in gutter.chars() {
        in_escape = c == '\u{1b}' || in_escape;
        match c {
            _ if in_escape => blank.push(c),
            ' ' | '0'..='9' => blank.push(' '),
            _ => return line.to_owned(),
        }
        in_escape &= c != 'm';
    }
    format!("{blank}│{rest}")
}

fn handler(style: Style) -> GraphicalReportHandler {
    let mut theme = if style.color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    if style.color {
        // As bold as in the lines that have no excerpt.
        theme.styles.error = theme.styles.error.bold();
        theme.styles.warning = theme.styles.warning.bold();
        theme.styles.advice = theme.styles.advice.bold();
    }
    GraphicalReportHandler::new_themed(theme)
        .with_links(style.hyperlinks)
        .with_urls(style.hyperlinks)
        .with_width(style.width)
        .with_context_lines(1)
        // A path is one word, whatever separators and hyphens it has.
        .with_word_separator(textwrap::WordSeparator::AsciiSpace)
        .with_word_splitter(textwrap::WordSplitter::NoHyphenation)
        .without_primary_span_start()
        .without_syntax_highlighting()
}

/// A group of findings as miette wants it.
#[derive(Debug)]
struct View {
    code: String,
    message: String,
    help: String,
    url: Option<String>,
    severity: miette::Severity,
    label: String,
    snippet: Option<Snippet>,
}

impl View {
    fn new(lead: &Finding, context: &Context<'_>) -> Self {
        let style = context.style;
        let severity: &str = lead.severity.into();
        let rule = context.rules.find(&lead.rule);
        let width = style.width.saturating_sub(12).max(20);
        let (mut excerpt, label) = excerpt(lead, context, width);
        let label = excerpt.as_mut().map_or_else(String::new, |e| fit_label(e, &one_line(&label), width));
        View {
            code: cut(&one_line(&format!("{severity} {} {}", lead.rule, lead.name)), style.width),
            message: message(lead, style),
            help: one_line(&lead.help),
            url: rule.and_then(crate::output::link::rule_url),
            severity: match lead.severity {
                Severity::Error => miette::Severity::Error,
                Severity::Warning => miette::Severity::Warning,
                Severity::Note | Severity::Off => miette::Severity::Advice,
            },
            label,
            snippet: excerpt
                .map(|excerpt| Snippet { name: name(lead, if style.narrated { usize::MAX } else { width }), excerpt }),
        }
    }
}

/// The message with its location, which is what a reader looks for, in bold.
fn message(lead: &Finding, style: Style) -> String {
    let message = one_line(&lead.message);
    let place = one_line(&lead.place());
    // Wrapped in the middle, bold would spread to the margin.
    if !style.color || place.is_empty() || place.contains(' ') {
        return message;
    }
    message.replacen(&place, &format!("\u{1b}[1m{place}\u{1b}[22m"), 1)
}

/// Header of the excerpt: `app/Web.config:12:5`, `agent.exe: SaveState .text:0x1a2c`.
fn name(lead: &Finding, width: usize) -> String {
    cut_start(&one_line(&words::place(lead)), width)
}

/// Shortens the mark, then the label, so that the label, which hangs below the middle of the mark, ends in time.
fn fit_label(excerpt: &mut Excerpt, label: &str, width: usize) -> String {
    let Range { start, end } = excerpt.mark.clone();
    let line_start = excerpt.text[..start].rfind('\n').map_or(0, |i| i + 1);
    let column = excerpt.text[line_start..start].chars().count();
    let room = width.saturating_sub(column + label.chars().count());
    let marked = excerpt.text[start..end].chars().count().min((2 * room).max(1));
    excerpt.mark.end = excerpt.text[start..end].char_indices().nth(marked).map_or(end, |(at, _)| start + at);
    cut(label, width.saturating_sub(column + marked / 2).max(1))
}

/// Lines of the artifact, or lines made up from the evidence, and what to say about the marked part.
fn excerpt(lead: &Finding, context: &Context<'_>, width: usize) -> (Option<Excerpt>, String) {
    let effect = &lead.effect;
    let assumed = if is_assumed(lead) { " (assumed)" } else { "" };
    let label = format!("{} {}{assumed}", words::done(effect.operation), words::when(effect.phase));
    let site = lead.site();
    if let Some(line) = site.line {
        let text = context.sources.text(&lead.artifact);
        let excerpt = text.and_then(|t| Excerpt::around(&t, line, site.column.unwrap_or(1), width));
        if excerpt.is_some() {
            return (excerpt, label);
        }
    }
    let call = match (&site.table, site.rva.is_some() || site.il_offset.is_some()) {
        (Some(table), _) => format!("{table}: "),
        (None, true) => "call ".to_owned(),
        (None, false) => String::new(),
    };
    let via = if effect.via.is_empty() { one_line(&site.short()) } else { one_line(&effect.via) };
    let (details, steps) = steps_of(lead);
    let first = cut(&format!("{call}{via}{details}"), width);
    // Where the name does not fit, the whole line is meant.
    let start = if call.len() + '…'.len_utf8() < first.len() { call.len() } else { 0 };
    let whole = |at: usize| (at..first.len()).find(|i| first.is_char_boundary(*i)).unwrap_or(first.len());
    let mark = whole(start)..whole(call.len() + via.len());
    let shown = made_up_steps(lead, context.style) - (lead.evidence.len() - steps.len());
    let mut lines = vec![first];
    lines.extend(steps.iter().take(shown).map(|s| cut(&one_line(&step(s)), width)));
    (Some(Excerpt::made_up(&lines, mark)), label)
}

/// Evidence begins with the call itself; what it adds belongs into the line of the call.
fn steps_of(lead: &Finding) -> (String, &[Step]) {
    let via = if lead.effect.via.is_empty() { one_line(&lead.site().short()) } else { one_line(&lead.effect.via) };
    let of_call = lead.evidence.split_first().and_then(|(head, rest)| Some((of_call(&head.text, &via)?, rest)));
    of_call.map_or((String::new(), lead.evidence.as_slice()), |(details, rest)| (one_line(details), rest))
}

/// How many steps of the evidence a made-up excerpt tells of.
fn made_up_steps(lead: &Finding, style: Style) -> usize {
    let (_, steps) = steps_of(lead);
    let most = if style.verbose { usize::MAX } else { MAX_STEPS };
    lead.evidence.len() - steps.len() + steps.len().min(most)
}

/// The other end of a join, which the excerpt cannot show: what another artifact says, and the marker that guards.
fn other_ends(lead: &Finding, shown: usize) -> impl Iterator<Item = String> {
    let told = lead.effect.phase_evidence.as_str();
    lead.evidence.iter().skip(shown).filter_map(move |s| {
        let elsewhere = s.artifact.as_ref().is_some_and(|artifact| *artifact != lead.artifact);
        ((elsewhere || s.names_marker()) && s.text != told).then(|| one_line(&step(s)).replace("  (", " ("))
    })
}

/// `: access 0x40000000` of `call of CreateFileA: access 0x40000000`, if the step tells of the call itself.
fn of_call<'a>(step: &'a str, via: &str) -> Option<&'a str> {
    let name = via.rsplit(['!', ':']).next()?;
    let rest = step.strip_prefix("call of ")?.strip_prefix(name)?;
    (rest.is_empty() || rest.starts_with(':')).then_some(rest)
}

/// A step of the evidence in a line.
fn step(step: &Step) -> String {
    let artifact = step.artifact.as_deref().map(|a| a.rsplit('/').next().unwrap_or(a)).unwrap_or_default();
    let site = step.site.as_ref().map(|site| words::brief(site, 2)).unwrap_or_default();
    let place = [artifact, &site].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ");
    if place.is_empty() { step.text.clone() } else { format!("{}  ({place})", step.text) }
}

/// How the phase is known, and where else; the labels are as long as `help`, so that all begin in one column.
fn remarks(lead: &Finding, group: &[&Finding], shown: usize, style: Style) -> Vec<(&'static str, String)> {
    let most = if style.verbose { usize::MAX } else { MAX_STEPS };
    let is_low = style.height < LOW && !style.verbose;
    let ends = other_ends(lead, shown).take(if is_low { 1 } else { most });
    let mut remarks: Vec<(&str, String)> = ends.map(|end| ("with", end)).collect();
    // That a program runs as programs do is what everybody would take for granted; the label says it.
    let is_told = is_assumed(lead) || (is_low && !remarks.is_empty());
    if !lead.effect.phase_evidence.is_empty() && (style.verbose || !is_told) {
        remarks.push(("when", one_line(&lead.effect.phase_evidence)));
    }
    let own = lead.sites.iter().skip(1).map(|s| one_line(&s.short()));
    let places: Vec<String> = own.chain(group.iter().skip(1).map(|f| elsewhere(lead, f, style))).collect();
    if !places.is_empty() {
        let shown: Vec<&str> = places.iter().take(most).map(String::as_str).collect();
        let more = places.len() - shown.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        remarks.push(("also", format!("{}{more}", shown.join(", "))));
    }
    remarks
}

/// Nothing but the kind of the artifact says when it happens.
fn is_assumed(finding: &Finding) -> bool {
    finding.effect.phase_evidence.starts_with("assumed:")
}

/// Another place that does the same: `startup.cmd:2`, `WP201 Orders.dll: Journal.cs:42` when another rule speaks of it.
fn elsewhere(lead: &Finding, other: &Finding, style: Style) -> String {
    let place = if style.verbose { words::place(other) } else { words::short_place(other) };
    one_line(&if other.rule == lead.rule { place } else { format!("{} {place}", other.rule) })
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for View {}

impl Diagnostic for View {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.help))
    }

    fn url<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.url.as_ref().map(|url| Box::new(url) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.snippet.as_ref().map(|s| s as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let mark = self.snippet.as_ref()?.excerpt.mark.clone();
        Some(Box::new(std::iter::once(LabeledSpan::new_primary_with_span(Some(self.label.clone()), mark))))
    }
}

/// An excerpt that tells miette its true line numbers.
#[derive(Debug)]
struct Snippet {
    name: String,
    excerpt: Excerpt,
}

impl SourceCode for Snippet {
    /// The excerpt is already what is to be shown around the span.
    fn read_span<'a>(
        &'a self,
        _span: &SourceSpan,
        _before: usize,
        _after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let text = self.excerpt.text.as_str();
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            text.as_bytes(),
            SourceSpan::from(0..text.len()),
            self.excerpt.first_line.saturating_sub(1),
            0,
            text.lines().count(),
        )))
    }
}
