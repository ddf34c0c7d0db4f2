//! How libstdc++ lays out a string (`basic_string.h`): the pointer to its characters, their number, and then what a short
//! string consists of, or of a long one for how many there is room.

/// The library whose strings these are.
pub(crate) const LIBRARY: &str = "libstdc++-6";
/// Words before the length.
pub(crate) const LENGTH_WORDS: i64 = 1;
/// Words before the characters of a short string.
pub(crate) const LOCAL_WORDS: i64 = 2;
/// Bytes of the characters of a short string, with their zero.
pub(crate) const LOCAL_BYTES: usize = 16;
