//! What the fuzz targets share: bytes go through the same door as those of a scan.
//!
//! The engine turns every panic into a crash, also those that a scan would catch and tell in the report.

use std::path::PathBuf;
use wipeproof::discover::{Application, Artifact, Kind};
use wipeproof::facts::listing;
use wipeproof::read::read_bytes;

/// Reads bytes as one format, prints what was seen, and reads that back: a listing must hold whatever a reader finds.
pub fn read(kind: Kind, name: &str, bytes: &[u8]) {
    let artifact = Artifact {
        path: name.to_owned(),
        name: name.to_owned(),
        file: PathBuf::from(name),
        size: bytes.len() as u64,
        part: None,
    };
    let reading = read_bytes(&Application::default(), &artifact, kind, bytes);
    let printed = listing::print(std::slice::from_ref(&reading));
    let parsed = listing::parse(&printed).unwrap_or_else(|error| panic!("{error}\n{printed}"));
    assert_eq!(listing::print(&parsed), printed, "a listing says the same when it is read and printed again");
}

/// Reads bytes under one of several names, because the name decides what a document is; the first byte picks it.
pub fn read_as_one_of(names: &[(Kind, &str)], bytes: &[u8]) {
    if let Some((first, rest)) = bytes.split_first() {
        let (kind, name) = names[usize::from(*first) % names.len()];
        read(kind, name, rest);
    }
}
