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

/// Machine code repeats itself: compiled programs have five to six and a half bits in a byte, noise nearly eight.
const NOISE: f64 = 7.6;
/// Fewest bytes whose distribution says anything.
const MIN_SAMPLE: usize = 4_096;
/// Most bytes that are counted.
const MAX_SAMPLE: usize = 1 << 20;
/// Most imports of a stub that only prepares what runs later.
const MAX_STUB_IMPORTS: usize = 16;

/// The code is noise as it lies in the file. The name of the section that is.
pub(crate) fn encrypted<'i>(image: &'i Image<'_>, linkage: &Linkage<'_>) -> Option<&'i str> {
    if linkage.imports.len() > MAX_STUB_IMPORTS {
        return None;
    }
    let is_noise = |bytes: &[u8]| bytes.len() >= MIN_SAMPLE && entropy(bytes) >= NOISE;
    let mut code = image.sections.iter().filter(|s| s.is_code());
    code.find(|s| is_noise(image.section_bytes(s))).map(|s| s.name.as_str())
}

/// Bits per byte (Shannon).
fn entropy(bytes: &[u8]) -> f64 {
    let sample = bytes.get(..MAX_SAMPLE).unwrap_or(bytes);
    let mut counts = [0u32; 256];
    for byte in sample {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let total = sample.len() as f64;
    let shares = counts.iter().filter(|c| **c > 0).map(|c| f64::from(*c) / total);
    shares.map(|p| -p * p.log2()).sum()
}
