//! XML and Markdown: well-formed, and hostile texts are text.

use super::sample::{hostile, many, render, report, sample};
use wipeproof::output::Format;
use wipeproof::report::Report;

/// The structure that the services which read JUnit agree on.
fn check_junit(report: &Report) {
    let text = render(Format::Junit, report);
    let document = roxmltree::Document::parse(&text).expect("well-formed XML");
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "testsuites");
    let number =
        |n: roxmltree::Node<'_, '_>, a: &str| n.attribute(a).and_then(|v| v.parse::<usize>().ok()).expect("a number");
    let mut total = 0;
    for suite in root.children().filter(roxmltree::Node::is_element) {
        assert_eq!(suite.tag_name().name(), "testsuite");
        assert!(suite.attribute("name").is_some());
        let cases: Vec<_> = suite.children().filter(roxmltree::Node::is_element).collect();
        let having = |what: &str| cases.iter().filter(|c| c.children().any(|e| e.has_tag_name(what))).count();
        assert!(cases.iter().all(|c| c.has_tag_name("testcase")));
        assert!(cases.iter().all(|c| c.attribute("name").is_some() && c.attribute("classname").is_some()));
        assert_eq!(number(suite, "tests"), cases.len());
        assert_eq!(number(suite, "failures"), having("failure"));
        assert_eq!(number(suite, "skipped"), having("skipped"));
        assert_eq!(number(suite, "errors"), having("error"));
        total += cases.len();
    }
    assert_eq!(number(root, "tests"), total);
    assert!(total > 0, "services refuse a report without a case");
}

#[test]
fn junit_is_well_formed_and_counts_right() {
    check_junit(&sample());
    check_junit(&hostile());
    check_junit(&many(30));
    check_junit(&report(Vec::new(), Vec::new()));
}

#[test]
fn markdown_quotes_nothing_as_markup() {
    let text = render(Format::Markdown, &hostile());
    for bad in ["<script", "<img", "](", "@team", "http://evil", "\u{202e}", "\n::error", "\n#", "```"] {
        let headings = ["# Statelessness", "## What matters", "## Inventory", "## Accepted", "## Not seen"];
        let hits = text.match_indices(bad).filter(|(at, _)| {
            let rest = text.get(*at..).unwrap_or_default().trim_start();
            !headings.iter().any(|h| rest.starts_with(h))
        });
        assert_eq!(hits.count(), 0, "{bad:?} in\n{text}");
    }
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
}

#[test]
fn markdown_tables_keep_their_columns() {
    for report in [sample(), hostile()] {
        let text = render(Format::Markdown, &report);
        for table in text.split("\n\n").filter(|block| block.starts_with('|')) {
            let columns: Vec<usize> = table.lines().map(|row| row.matches('|').count()).collect();
            assert!(columns.windows(2).all(|w| w[0] == w[1]), "{columns:?}\n{table}");
        }
    }
}

#[test]
fn markdown_is_bounded() {
    let text = render(Format::Markdown, &many(10_000));
    assert!(text.len() < 1 << 20, "{} bytes", text.len());
    assert!(text.contains("And 9800 more"));
}
