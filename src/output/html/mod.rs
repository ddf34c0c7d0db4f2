//! An audit report that a person signs: one file of HTML without network, for the screen and for paper.
//!
//! What decides is written out here; the long lists (inventory and findings) are data that a small script searches,
//! sorts, filters and puts into the page a hundred rows at a time, so ten thousand findings do not block it. The data
//! is in a script element as JSON in which nothing can end the element, and the script makes text nodes only. The
//! content security policy allows no address at all, and only the script and style that carry the page's nonce: a hash
//! over its content, which that content therefore cannot contain.

mod appendix;
mod data;
mod difference;
mod effort;
mod overview;
mod verdicts;

use super::style::one_line;
use super::{Context, words};
use crate::escape;
use crate::report::Report;
use std::io::{self, Write};

const CSS: &str = include_str!("page.css");
const JS: &str = include_str!("page.js");

pub(super) fn write(report: &Report, context: &Context<'_>, out: &mut dyn Write) -> io::Result<()> {
    let root = words::shared_folder(report);
    let mut data = Vec::new();
    escape::compact(&data::of(report, context), &mut data)?;
    let data = embed(&String::from_utf8_lossy(&data));
    let nonce = blake3::hash(data.as_bytes()).to_hex()[..32].to_owned();
    let verdict = report.verdict.words();
    let subject = words::subject(report, context).map(|s| format!(" of {}", text(s))).unwrap_or_default();
    let since = if context.earlier.is_some() { "<li><a href=\"#difference\">Changes</a></li>" } else { "" };
    write!(
        out,
        r##"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>Statelessness audit{subject}: {verdict}</title>
<style nonce="{nonce}">
{CSS}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the report</a>
<header>
<h1>Statelessness audit{subject}</h1>
<p class="soft">What this application would lose when the platform restarts, reimages or moves its machine: {}.</p>
<nav aria-label="Sections"><ul>
{since}<li><a href="#events">Events</a></li><li><a href="#inventory">Inventory of state</a></li><li><a href="#findings">Findings</a></li>
<li><a href="#effort">Effort</a></li><li><a href="#gaps">Not analysed</a></li><li><a href="#accepted">Accepted</a></li>
<li><a href="#capabilities">Capabilities</a></li><li><a href="#decision">Decision</a></li><li><a href="#reproduce">Reproduce</a></li>
</ul></nav>
</header>
<main id="main">
"##,
        text(&words::counts(report))
    )?;
    verdicts::write(report, context, out)?;
    if let Some(earlier) = context.earlier {
        difference::write(report, earlier, &root, out)?;
    }
    overview::events(report, context, out)?;
    overview::themes(report, out)?;
    lists(report, context, &root, out)?;
    effort::write(report, out)?;
    appendix::gaps(report, &root, out)?;
    appendix::accepted(report, out)?;
    appendix::capabilities(report, &root, out)?;
    appendix::decision(report, out)?;
    appendix::reproduce(report, context, out)?;
    write!(
        out,
        "</main>\n<footer><p>Made by {} {}. A finding says what the files show; a person decides.</p></footer>\n\
         <script type=\"application/json\" id=\"data\">{data}</script>\n<script nonce=\"{nonce}\">\n{JS}</script>\n</body>\n</html>\n",
        text(&report.tool.name),
        text(&report.tool.version)
    )
}

/// The frames of the two long lists, which the script fills.
fn lists(report: &Report, context: &Context<'_>, root: &str, out: &mut dyn Write) -> io::Result<()> {
    let targets = match report.targets.as_slice() {
        [] | [_] => None,
        several => Some(several.iter().map(|t| format!("<option>{}</option>", text(&t.id))).collect::<String>()),
    };
    let controls = |id: &str, kind: &str, label: &str, sort: &str| {
        let target = targets.as_ref().map_or(String::new(), |options| {
            format!(
                "<div><label for=\"{id}-target\">On target</label><select id=\"{id}-target\"><option value=\"\">any</option>{options}</select></div>\n"
            )
        });
        format!(
            r#"<div class="controls" role="search" aria-label="{label}"><div><label for="{id}-search">Search</label><input type="search" id="{id}-search"></div>
<div><label for="{id}-severity">Severity, at least</label><select id="{id}-severity"><option value="">any</option><option>note</option><option>warning</option><option>error</option></select></div>
{target}<div><label for="{id}-kind">{kind}</label><select id="{id}-kind"><option value="">any</option></select></div>
{sort}<span id="{id}-count" role="status" class="soft"></span></div>
"#
        )
    };
    let sort = "<div><label for=\"findings-sort\">Order</label><select id=\"findings-sort\"><option value=\"\">the heaviest first</option>\
         <option value=\"place\">by location</option><option value=\"artifact\">by file</option><option value=\"rule\">by rule</option></select></div>\n";
    let noscript =
        "<noscript><p>This list needs the script of this page; the csv and json reports hold the same.</p></noscript>";
    let below = match root {
        "" => String::new(),
        root => format!(" Files are named from {}.", path(root)),
    };
    let head = [
        ("location", "Location"),
        ("store", "Kind"),
        ("writer", "Written by"),
        ("fate", "What becomes of it"),
        ("severity", "Severity"),
    ]
    .map(|(key, name)| format!("<th scope=\"col\"><button data-key=\"{key}\">{name}</button></th>"))
    .concat();
    writeln!(
        out,
        r#"<section aria-labelledby="inventory" class="sheet"><h2 id="inventory">Inventory of state</h2>
<p>Every location that the application writes, once: who writes it and when, and what becomes of it.{below}</p>
{}
{}{noscript}<div class="scroll" role="region" aria-label="Inventory table" tabindex="0"><table id="inventory-table"><caption>{}</caption>
<colgroup><col class="w-location"><col class="w-kind"><col class="w-writer"><col class="w-fate"><col class="w-severity"><col class="w-help"></colgroup>
<thead><tr>{head}<th scope="col">Instead</th></tr></thead>
<tbody id="inventory-rows"></tbody></table></div>
<button class="more" id="inventory-more" hidden>Show more</button></section>
<section aria-labelledby="findings" class="sheet"><h2 id="findings">Findings</h2>
<p>Each opens to its evidence, what becomes of the state at each event, and what to do instead.<span class="paper"> On paper, notes are one line each.</span></p>
{}{noscript}<div id="findings-rows"></div>
<button class="more" id="findings-more" hidden>Show more</button></section>"#,
        key(report, context),
        controls("inventory", "Kind of state", "Search the inventory", ""),
        words::count(report.inventory.len(), "location"),
        controls("findings", "Theme", "Search the findings", sort),
    )
}

/// How to read the strips of the inventory.
fn key(report: &Report, context: &Context<'_>) -> String {
    let events = data::events(report);
    let names: Vec<String> =
        events.iter().filter_map(|e| context.rules.platform().events.get(e)).map(|info| text(&info.name)).collect();
    // With several targets there are strips without words beside them.
    let open = if report.targets.len() > 1 { " open" } else { "" };
    match names.is_empty() {
        true => String::new(),
        false => format!(
            "<details{open}><summary>How to read the strips</summary><p>A square per event, in this order: {}. An empty square \
             survives, a dot is an event that does not happen there. The letters: {}.</p></details>",
            names.join(", "),
            data::letters_used(report).join(", ")
        ),
    }
}

/// JSON that can stand in a script element: nothing in it can end the element or open a comment.
fn embed(json: &str) -> String {
    let mut safe = String::with_capacity(json.len() + json.len() / 16);
    for c in json.chars() {
        match c {
            '<' => safe.push_str("\\u003c"),
            '>' => safe.push_str("\\u003e"),
            '&' => safe.push_str("\\u0026"),
            c => safe.push(c),
        }
    }
    safe
}

/// Text of the report as text of the page or of an attribute.
fn text(source: &str) -> String {
    let mut safe = String::with_capacity(source.len());
    for c in one_line(source).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// A sentence that names a location, which may be broken behind its separators.
fn sentence(source: &str) -> String {
    source.split_inclusive(['\\', '/']).map(text).collect::<Vec<_>>().join("<wbr>")
}

/// A path or location, which may be broken behind its separators.
fn path(source: &str) -> String {
    let broken: Vec<String> = one_line(source).split_inclusive(['\\', '/']).map(text).collect();
    format!("<span class=\"path\">{}</span>", broken.join("<wbr>"))
}

/// A file by its path from the folder that all files are below.
fn file(source: &str, root: &str) -> String {
    path(source.strip_prefix(root).unwrap_or(source))
}
