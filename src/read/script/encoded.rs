//! Commands that are given to PowerShell as Base64 (about_PowerShell_exe: `-EncodedCommand`).

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Longest command line of Windows, in characters (MS documentation: `CreateProcess`).
const MAX_ARGUMENT: usize = 32_767;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The script in an argument; nothing when it is no Base64 or no UTF-16LE.
pub(super) fn decode(argument: &str) -> Option<String> {
    let argument = argument.trim().trim_matches(['"', '\'']);
    let bytes = LENIENT.decode(argument.get(..MAX_ARGUMENT).unwrap_or(argument)).ok()?;
    let (text, broken) = encoding_rs::UTF_16LE.decode_without_bom_handling(&bytes);
    (!broken && !text.trim().is_empty()).then(|| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_base64_of_utf_16() {
        assert_eq!(decode("bQBkACAAYQA=").as_deref(), Some("md a"));
        assert_eq!(decode("'bQBkACAAYQA'").as_deref(), Some("md a"), "padding is often lost");
        assert_eq!(decode("bQBkACAAYQ=="), None, "half a character");
        assert_eq!(decode("%ENC%"), None);
        assert_eq!(decode(""), None);
    }
}
