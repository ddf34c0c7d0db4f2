//! Every format of the sample report, byte for byte. `UPDATE_GOLDEN=1` writes them anew: read the difference.

use super::sample::{render, sample};
use std::path::PathBuf;
use strum::IntoEnumIterator as _;
use wipeproof::output::Format;

#[test]
fn every_format_is_as_it_was() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let report = sample();
    let mut wrong = Vec::new();
    for format in Format::iter() {
        let name: &str = format.into();
        let path = PathBuf::from("fixtures/report/golden").join(format!("report.{name}"));
        let now = render(format, &report);
        if update {
            std::fs::write(&path, &now).expect("the golden file can be written");
        } else if std::fs::read_to_string(&path).ok().as_deref() != Some(&now) {
            wrong.push(path.display().to_string());
        }
    }
    assert!(wrong.is_empty(), "these differ: {}", wrong.join(", "));
}
