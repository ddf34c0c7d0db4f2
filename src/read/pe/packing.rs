//! Signs that an image hides its code: packers, and sections that only exist after unpacking.

use super::image::Image;
use super::imports::Linkage;

/// Section names that packers leave behind.
const PACKERS: &[(&str, &str)] = &[
    ("UPX0", "UPX"),
    ("UPX1", "UPX"),
    ("UPX!", "UPX"),
    (".aspack", "ASPack"),
    (".adata", "ASPack"),
    ("ASPack", "ASPack"),
    ("pec1", "PECompact"),
    ("PEC2", "PECompact"),
    ("pebundle", "PEBundle"),
    (".MPRESS1", "MPRESS"),
    (".MPRESS2", "MPRESS"),
    (".themida", "Themida"),
    (".winlice", "WinLicense"),
    (".vmp0", "VMProtect"),
    (".vmp1", "VMProtect"),
    (".enigma1", "Enigma"),
    (".petite", "Petite"),
    ("nsp0", "NsPack"),
    (".nsp0", "NsPack"),
    ("FSG!", "FSG"),
    (".perplex", "Perplex"),
    (".boom", "The Boomerang List Builder"),
];

/// How the image hides its code, if it does.
pub(crate) fn packer(image: &Image<'_>, linkage: &Linkage<'_>) -> Option<String> {
    for section in &image.sections {
        if let Some((_, packer)) = PACKERS.iter().find(|(name, _)| *name == section.name) {
            return Some((*packer).to_owned());
        }
    }
    // Code is unpacked into a section that has no bytes in the file, by a stub that looks up everything else itself.
    let entry_is_late = image
        .sections
        .iter()
        .position(|s| s.contains(image.entry))
        .is_some_and(|i| image.sections.iter().take(i).any(|s| s.is_code() && s.raw_size == 0 && s.size > 0x1000));
    let stub = linkage.imports.len() <= 8 && linkage.imports.iter().any(|i| i.name == "GetProcAddress");
    (entry_is_late && stub && image.entry != 0).then(|| "an unknown packer".to_owned())
}
