//! `wipeproof cache`: what is remembered, and forgetting it.

use super::args::Cache as Command;
use super::{Failure, Status, counted, info};
use crate::cache::{Contents, MAX_AGE, MAX_BYTES, user_folder};
use miette::miette;
use std::path::PathBuf;

pub(super) fn run(command: &Command) -> Result<Status, Failure> {
    match command {
        Command::Show { cache_dir } => {
            let folder = folder(cache_dir.as_ref())?;
            let contents = Contents::of(&folder);
            let days = MAX_AGE.as_secs() / (24 * 3600);
            info::print(&format!(
                "{}: {}\nentries go when they were not used for {days} days, or beyond {} MiB\n",
                folder.display(),
                told(&contents),
                MAX_BYTES >> 20
            ))
        }
        Command::Clean { cache_dir } => {
            let folder = folder(cache_dir.as_ref())?;
            let contents = Contents::of(&folder);
            let before = told(&contents);
            match contents.clean() {
                0 => info::print(&format!("{}: removed {before}\n", folder.display())),
                left => Err(miette!(
                    help = "end the scans that use them, and clean again",
                    "{left} entries in {} could not be removed",
                    folder.display()
                )),
            }
        }
    }
}

fn folder(named: Option<&PathBuf>) -> Result<PathBuf, Failure> {
    named.cloned().or_else(user_folder).ok_or_else(|| {
        miette!(help = "name it with --cache-dir", "there is no per-user folder for a cache on this system")
    })
}

fn told(contents: &Contents) -> String {
    let entries = counted(contents.count(), "entry", "entries");
    format!("{entries}, {:.1} MiB", contents.bytes() as f64 / f64::from(1 << 20))
}
