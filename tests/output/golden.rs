//! Every format of the sample report, byte for byte. `UPDATE_GOLDEN=1` writes them anew: read the difference.

use super::sample::{render, render_in, sample};
use std::path::PathBuf;
use strum::IntoEnumIterator as _;
use wipeproof::output::{Format, Style};

#[test]
fn every_format_is_as_it_was() {
    let report = sample();
    let mut wrong = Vec::new();
    for format in Format::iter() {
        let name: &str = format.into();
        let name = format!("report.{name}");
        if !agrees(&name, &without_dress(&render(format, &report))) {
            wrong.push(name);
        }
    }
    assert!(wrong.is_empty(), "these differ: {}", wrong.join(", "));
}

/// The terminal in other styles than the default one.
#[test]
fn the_terminal_is_as_it_was_in_every_style() {
    let plain = Style::default();
    let styles = [
        ("narrow", Style { width: 60, ..plain }),
        ("wide", Style { width: 120, ..plain }),
        ("colour", Style { color: true, hyperlinks: true, ..plain }),
        ("narrated", Style { narrated: true, ..plain }),
        ("verbose", Style { verbose: true, ..plain }),
        ("low", Style { height: 24, ..plain }),
    ];
    let report = sample();
    let wrong: Vec<String> = styles
        .into_iter()
        .map(|(name, style)| (format!("report.pretty-{name}"), render_in(Format::Pretty, &report, style)))
        .filter(|(name, now)| !agrees(name, now))
        .map(|(name, _)| name)
        .collect();
    assert!(wrong.is_empty(), "these differ: {}", wrong.join(", "));
}

/// What the golden file says; it says anything anew with `UPDATE_GOLDEN=1`.
fn agrees(name: &str, now: &str) -> bool {
    let path = PathBuf::from("fixtures/report/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, now).expect("the golden file can be written");
        return true;
    }
    std::fs::read_to_string(&path).ok().as_deref() == Some(now)
}

/// The page without its style and script, which are files of their own and change without the report being another.
/// The nonce goes with them: it is a hash of the data, which is compared itself.
fn without_dress(text: &str) -> String {
    let mut bare = text.to_owned();
    for (begin, end) in [("<style nonce=\"", "</style>"), ("<script nonce=\"", "</script>")] {
        let parts = bare.split_once(begin).and_then(|(before, rest)| Some((before, rest.split_once(end)?.1)));
        if let Some((before, after)) = parts {
            bare = format!("{before}{begin}…{end}{after}");
        }
    }
    // The data, a line per value, so that a difference can be read.
    const DATA: &str = "<script type=\"application/json\" id=\"data\">";
    if let Some((before, rest)) = bare.split_once(DATA)
        && let Some((data, after)) = rest.split_once("</script>")
    {
        let value: serde_json::Value = serde_json::from_str(data).expect("JSON");
        bare = format!("{before}{DATA}{value:#}</script>{after}");
    }
    match bare.split_once("script-src 'nonce-").and_then(|(_, rest)| Some(rest.split_once('\'')?.0.to_owned())) {
        Some(nonce) => bare.replace(&nonce, "…"),
        None => bare,
    }
}
