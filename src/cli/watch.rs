//! `wipeproof check --watch`: checks again when files change.
//!
//! Changes are seen by looking at names, sizes and times twice a second: it works on every file system, network shares
//! and mounted disks included, where notifications do not.

use super::args::Check;
use super::{Failure, Status, print_failure, session};
use crate::discover::{Stamp, WalkOptions, stamps};
use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

/// Time between two looks.
const INTERVAL: Duration = Duration::from_millis(500);

/// Checks now and after every change, until interrupted or until nobody reads the output. Returns the last status.
pub(super) fn watch(args: &Check, mut check: impl FnMut() -> Result<Status, Failure>) -> Result<Status, Failure> {
    loop {
        let before = snapshot(args);
        if io::stdout().is_terminal() {
            let _ = write!(io::stdout(), "\u{1b}[2J\u{1b}[H");
        }
        match check() {
            Err(failure) if super::is_closed_pipe(&failure) => return Err(failure),
            // A settings file that is being edited is broken now and then.
            Err(failure) => print_failure(&failure),
            Ok(_) => {}
        }
        while snapshot(args) == before {
            std::thread::sleep(INTERVAL);
        }
    }
}

fn snapshot(args: &Check) -> Vec<Stamp> {
    let own = args.outputs.iter().filter_map(|o| o.split_once('=').map(|(_, file)| PathBuf::from(file))).collect();
    let mut seen = stamps(&args.scan.paths, &WalkOptions { own, ..WalkOptions::default() });
    let decided = session::settings_file(&args.scan).into_iter().chain(args.baseline.clone());
    seen.extend(decided.map(Stamp::of));
    seen
}
