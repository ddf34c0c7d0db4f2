//! The audit page, as far as that can be told without a browser; `tests/browser` opens it in one.

use super::sample::{HOSTILE, hostile, many, render, render_since, sample};
use serde_json::Value;
use wipeproof::output::{Format, Style};

/// The embedded data, and the page without it.
fn split(page: &str) -> (Value, String) {
    let (before, rest) = page.split_once("<script type=\"application/json\" id=\"data\">").expect("data");
    let (data, after) = rest.split_once("</script>").expect("its end");
    (serde_json::from_str(data).expect("JSON"), format!("{before}{after}"))
}

#[test]
fn every_finding_and_location_is_in_the_page() {
    let report = sample();
    let (data, page) = split(&render(Format::Html, &report));
    assert_eq!(data["findings"].as_array().map(Vec::len), Some(report.findings.len()));
    assert_eq!(data["inventory"].as_array().map(Vec::len), Some(report.inventory.len()));
    assert_eq!(data["rules"]["X201"]["theme"], "settings");
    for text in [
        "not ready",
        "ready with conditions",
        "sessions are short",
        "shop team",
        "packed: the code",
        "0123456789abcdef",
    ] {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn hostile_texts_stay_texts() {
    let page = render(Format::Html, &hostile());
    let (data, rest) = split(&page);
    assert_eq!(data["findings"][0]["effect"]["location"], HOSTILE, "the data is whole");
    assert!(!page.contains("<img") && !page.contains("<script>alert"));
    assert_eq!(page.matches("</script>").count(), 2, "a script element was ended from inside");
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(rest.matches("nonce=\"").count(), 2);
    assert!(!rest.chars().any(|c| c.is_control() && c != '\n' || c == '\u{202e}'));
}

#[test]
fn the_page_asks_for_nothing() {
    let page = render(Format::Html, &sample());
    assert!(page.contains("default-src 'none'"));
    for bad in [" src=", "url(", "@import", "<link", "fetch(", "innerHTML", "eval(", "style=", " onclick"] {
        assert!(!page.contains(bad), "{bad}");
    }
}

#[test]
fn identifiers_are_unique_and_links_lead_to_them() {
    let page = render_since(Format::Html, &sample(), Style::default(), Some(&sample()));
    let values = |attribute: &str| -> Vec<String> {
        page.split(&format!(" {attribute}=\"")).skip(1).filter_map(|r| r.split('"').next()).map(str::to_owned).collect()
    };
    let ids = values("id");
    let mut unique = ids.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), ids.len());
    for target in
        values("href").iter().filter_map(|h| h.strip_prefix('#')).chain(values("for").iter().map(String::as_str))
    {
        assert!(ids.iter().any(|id| id == target), "{target} leads nowhere");
    }
}

#[test]
fn the_difference_is_told_by_fingerprints() {
    let now = sample();
    let mut earlier = sample();
    earlier.findings[0].fingerprint = "f".repeat(32);
    let page = render_since(Format::Html, &now, Style::default(), Some(&earlier));
    assert!(page.contains("1 new, 1 gone, 5 as before"));
    assert!(!render(Format::Html, &now).contains("Since the earlier report"));
}

#[test]
fn many_findings_do_not_make_the_page_itself_long() {
    let (data, page) = split(&render(Format::Html, &many(10_000)));
    assert_eq!(data["findings"].as_array().map(Vec::len), Some(10_000));
    assert!(page.len() < 200_000, "{} bytes outside the data", page.len());
}

/// Pages for `tests/browser/run`.
#[test]
#[ignore = "writes pages for the test in a browser"]
fn pages_for_the_browser() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut earlier = sample();
    earlier.findings.remove(0);
    let pages = [
        ("sample", render_since(Format::Html, &sample(), Style::default(), Some(&earlier))),
        ("hostile", render(Format::Html, &hostile())),
        ("many", render(Format::Html, &many(10_000))),
        ("empty", render(Format::Html, &super::sample::report(Vec::new(), Vec::new()))),
    ];
    for (name, page) in pages {
        std::fs::write(folder.join(format!("{name}.html")), page).expect("a page");
    }
}
