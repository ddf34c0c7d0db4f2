//! An audit report that a person signs: one file of HTML without network, for the screen and for paper.
//!
//! What decides is written out here; the long lists (inventory and findings) are data that a small script searches,
//! sorts, filters and puts into the page a hundred rows at a time, so ten thousand findings do not block it. The data
//! is in a script element as JSON in which nothing can end the element, and the script makes text nodes only. The
//! content security policy allows no address at all, and only the script and style that carry the page's nonce: a hash
//! over its content, which that content therefore cannot contain.

mod appendix;
mod difference;
mod effort;
mod overview;

use super::style::one_line;
use super::{Context, words};
use crate::report::{Entry, Finding, Report};
use serde_json::{Map, Value, json};
use std::cmp::Reverse;
use std::io::{self, Write};

const CSS: &str = include_str!("page.css");
const JS: &str = include_str!("page.js");

pub(super) fn write(report: &Report, context: &Context<'_>, out: &mut dyn Write) -> io::Result<()> {
    let data = embed(&data(report, context).to_string());
    let nonce = blake3::hash(data.as_bytes()).to_hex()[..32].to_owned();
    let verdict = report.verdict.words();
    write!(
        out,
        r##"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>Statelessness audit: {verdict}</title>
<style nonce="{nonce}">
{CSS}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the report</a>
<header>
<h1>Statelessness audit: {verdict}</h1>
<p class="soft">What this application would lose when the platform restarts, reimages or moves its machine. {}.</p>
<nav aria-label="Sections"><ul>
<li><a href="#events">Events</a></li><li><a href="#inventory">Inventory of state</a></li><li><a href="#findings">Findings</a></li>
<li><a href="#effort">Effort</a></li><li><a href="#gaps">Not analysed</a></li><li><a href="#accepted">Accepted</a></li>
<li><a href="#capabilities">Capabilities</a></li><li><a href="#reproduce">Reproduce</a></li>
</ul></nav>
</header>
<main id="main">
"##,
        text(&words::counts(report))
    )?;
    overview::verdicts(report, out)?;
    if let Some(earlier) = context.earlier {
        difference::write(report, earlier, out)?;
    }
    overview::events(report, context, out)?;
    overview::themes(report, context, out)?;
    lists(report, out)?;
    effort::write(report, context, out)?;
    appendix::gaps(report, out)?;
    appendix::accepted(report, out)?;
    appendix::capabilities(report, out)?;
    appendix::reproduce(report, out)?;
    write!(
        out,
        "</main>\n<footer><p>Made by {} {}. A finding says what the files show; a person decides.</p></footer>\n\
         <script type=\"application/json\" id=\"data\">{data}</script>\n<script nonce=\"{nonce}\">\n{JS}</script>\n</body>\n</html>\n",
        text(&report.tool.name),
        text(&report.tool.version)
    )
}

/// The frames of the two long lists, which the script fills.
fn lists(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let controls = |id: &str, kind: &str, label: &str| {
        format!(
            r#"<div class="controls" role="search" aria-label="{label}"><div><label for="{id}-search">Search</label><input type="search" id="{id}-search"></div>
<div><label for="{id}-severity">Severity, at least</label><select id="{id}-severity"><option value="">any</option><option>note</option><option>warning</option><option>error</option></select></div>
<div><label for="{id}-kind">{kind}</label><select id="{id}-kind"><option value="">any</option></select></div>
<span id="{id}-count" role="status" class="soft"></span></div>
"#
        )
    };
    let noscript =
        "<noscript><p>This list needs the script of this page; the csv and json reports hold the same.</p></noscript>";
    writeln!(
        out,
        r#"<section aria-labelledby="inventory"><h2 id="inventory">Inventory of state</h2>
<p>Every location that the application writes, once, with what becomes of it.</p>
{}{noscript}<div class="scroll" role="region" aria-label="Inventory table" tabindex="0"><table id="inventory-table"><caption>{}</caption>
<thead><tr><th scope="col"><button data-key="location">Location</button></th><th scope="col"><button data-key="store">Kind</button></th><th scope="col"><button data-key="writer">Written by</button></th><th scope="col"><button data-key="fate">What becomes of it</button></th><th scope="col"><button data-key="severity">Severity</button></th><th scope="col">Instead</th></tr></thead>
<tbody id="inventory-rows"></tbody></table></div>
<button class="more" id="inventory-more" hidden>Show more</button></section>
<section aria-labelledby="findings"><h2 id="findings">Findings</h2>
<p>Each with its evidence, what becomes of the state at each event, and what to do instead.</p>
{}{noscript}<div id="findings-rows"></div>
<button class="more" id="findings-more" hidden>Show more</button></section>"#,
        controls("inventory", "Kind of state", "Search the inventory"),
        words::count(report.inventory.len(), "location"),
        controls("findings", "Theme", "Search the findings"),
    )
}

/// What the script needs.
fn data(report: &Report, context: &Context<'_>) -> Value {
    let mut rules = Map::new();
    for finding in &report.findings {
        if let Some(rule) = context.rules.find(&finding.rule).filter(|_| !rules.contains_key(&finding.rule)) {
            let about = json!({"title": rule.title, "theme": rule.theme, "why": flow(&rule.why),
                "then": flow(&rule.then), "now": flow(&rule.now)});
            rules.insert(finding.rule.clone(), about);
        }
    }
    let events: Map<String, Value> = context
        .rules
        .platform()
        .events
        .iter()
        .map(|(event, info)| (<&str>::from(*event).to_owned(), info.name.clone().into()))
        .collect();
    // The worst first; otherwise in the order of the report.
    let mut findings: Vec<&Finding> = report.findings.iter().collect();
    findings.sort_by_key(|f| (f.suppressed.is_some(), Reverse(f.severity), Reverse(f.confidence)));
    let mut inventory: Vec<&Entry> = report.inventory.iter().collect();
    inventory.sort_by_key(|e| Reverse(e.severity));
    json!({"targets": report.targets, "findings": findings, "inventory": inventory, "rules": rules, "events": events})
}

/// A paragraph without the line ends of its source.
fn flow(paragraph: &str) -> String {
    paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// JSON that can stand in a script element: nothing in it can end the element or open a comment.
fn embed(json: &str) -> String {
    let mut safe = String::with_capacity(json.len() + json.len() / 16);
    for c in json.chars() {
        match c {
            '<' => safe.push_str("\\u003c"),
            '>' => safe.push_str("\\u003e"),
            '&' => safe.push_str("\\u0026"),
            '\u{2028}' => safe.push_str("\\u2028"),
            '\u{2029}' => safe.push_str("\\u2029"),
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

/// A path or location.
fn path(source: &str) -> String {
    format!("<span class=\"path\">{}</span>", text(source))
}
