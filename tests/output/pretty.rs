//! The terminal report: width, colour, length, and texts that must not control the terminal.

use super::sample::{hostile, many, render_in, sample};
use wipeproof::output::{Format, Style};

fn pretty(report: &wipeproof::report::Report, style: Style) -> String {
    render_in(Format::Pretty, report, style)
}

#[test]
fn lines_fit_the_terminal() {
    for width in [48, 50, 80, 120] {
        for verbose in [false, true] {
            let text = pretty(&sample(), Style { width, verbose, ..Style::default() });
            let wide: Vec<&str> = text.lines().filter(|l| textwrap::core::display_width(l) > width).collect();
            assert!(wide.is_empty(), "at {width}: {wide:#?}");
        }
    }
}

#[test]
fn it_is_about_a_screen() {
    let mut report = many(500);
    for (n, finding) in report.findings.iter_mut().enumerate() {
        finding.effect.location = format!("{n}{}", finding.effect.location);
    }
    for height in [24, 50] {
        let text = pretty(&report, Style { height, ..Style::default() });
        assert!(text.lines().count() <= height.max(40), "{} lines:\n{text}", text.lines().count());
        assert!(text.contains("locations more; --verbose"), "{text}");
    }
}

#[test]
fn values_of_one_key_share_a_line() {
    let text = pretty(&many(500), Style::default());
    assert!(text.contains(r"X301 {AppDir}\App_Data\… (83)"), "{text}");
    assert!(text.contains(r"X201 HKLM\Software\Contoso\… (83)"), "{text}");
}

#[test]
fn made_up_lines_have_no_numbers() {
    for color in [false, true] {
        let text = pretty(&sample(), Style { color, verbose: true, ..Style::default() });
        let line = text.lines().find(|l| l.contains("call ")).expect("a call");
        let gutter = line.split('│').next().unwrap_or_default();
        let seen: String =
            gutter.split('\u{1b}').map(|part| part.split_once('m').map_or(part, |(_, text)| text)).collect();
        assert!(!seen.contains(char::is_numeric), "{line:?}");
        assert!(
            text.lines().any(|l| l.contains("5") && l.contains("connectionString")),
            "a text has its numbers:\n{text}"
        );
    }
}

#[test]
fn verbose_shows_every_finding() {
    let report = many(60);
    let text = pretty(&report, Style { verbose: true, width: 200, ..Style::default() });
    for finding in report.findings.iter().filter(|f| f.is_active()) {
        let tail = &finding.effect.location[finding.effect.location.len() - 6..];
        assert!(text.contains(tail), "{tail} is missing");
    }
}

#[test]
fn no_colour_means_no_escapes() {
    assert!(!pretty(&sample(), Style::default()).contains('\u{1b}'));
    let coloured = pretty(&sample(), Style { color: true, ..Style::default() });
    assert!(coloured.contains("\u{1b}[") && !coloured.contains("\u{1b}]8;"));
    let linked = pretty(&sample(), Style { color: true, hyperlinks: true, ..Style::default() });
    assert!(linked.contains("\u{1b}]8;;https://learn.microsoft.com/windows"));
}

#[test]
fn narrated_has_no_drawing() {
    let text = pretty(&sample(), Style { narrated: true, ..Style::default() });
    assert!(!text.contains(['│', '╭', '╰', '─', '×', '⚠']), "{text}");
    assert!(text.contains("Not ready on Windows Azure VM Role"));
}

#[test]
fn hostile_texts_do_not_reach_the_terminal() {
    for narrated in [false, true] {
        for format in [Format::Pretty, Format::Concise, Format::Msvc] {
            let style = Style { narrated, verbose: true, ..Style::default() };
            let text = render_in(format, &hostile(), style);
            let bad = text.chars().find(|c| c.is_control() && *c != '\n' || *c == '\u{202e}');
            assert_eq!(bad, None, "{format:?} {style:?}:\n{text:?}");
        }
    }
}

/// Keys of the registry and paths are the same in any case, so two spellings are one loss, told with both places.
#[test]
fn two_spellings_of_a_key_are_one_loss() {
    let mut report = sample();
    let lead = report.findings.iter().find(|f| f.effect.store == wipeproof::facts::Store::Registry).cloned();
    let mut other = lead.expect("a key of the registry");
    let place = other.effect.location.clone();
    other.effect.location = place.to_uppercase();
    other.message = other.message.replace(&place, &other.effect.location);
    other.artifact = "app/other.exe".to_owned();
    other.fingerprint = "other".to_owned();
    let upper = other.effect.location.clone();
    assert_ne!(upper, place);
    report.findings.push(other);
    let text = pretty(&report, Style { width: 200, verbose: true, ..Style::default() });
    assert!(!text.contains(&upper), "{text}");
    assert!(text.contains("other.exe"), "{text}");
}
