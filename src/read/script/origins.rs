//! Where what is copied or installed comes from.

use crate::facts::{Folder, Hole, Location, Origin, Part, Source, Text};

/// What is copied from the package or from elsewhere is made again by the same copy.
pub(super) fn origin_of_source(source: &Text) -> Origin {
    let lead = source.leading_lit();
    if lead.contains("://") || lead.starts_with("\\\\") {
        return Origin::Constant;
    }
    let location = Location::file(source);
    if location.is_relative() {
        return Origin::Packaged;
    }
    match location.text().parts().first() {
        Some(Part::Hole(Hole::Folder(Folder::AppDir | Folder::Cwd | Folder::RoleRoot))) => Origin::Packaged,
        Some(Part::Hole(Hole::From(Source::Env | Source::Config | Source::Property, _))) => Origin::Configuration,
        Some(Part::Lit(s)) if s.starts_with("\\\\") || s.starts_with("http") || s.starts_with("ftp") => {
            Origin::Constant
        }
        _ => Origin::Unknown,
    }
}
