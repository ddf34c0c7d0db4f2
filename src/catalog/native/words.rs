//! What becomes of string objects, in words: one description for all who follow it.

use serde::Deserialize;

/// A word of what becomes of a string object. First the part that goes: of [`All`](EditWord::All) of it, at its end, the
/// last character, from the name or the extension of a path on, at a place, or what is longer than a size; then what comes
/// there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EditWord {
    /// All that there was.
    All,
    /// Nothing, at the end.
    End,
    /// The last character; of a search, the last place.
    Last,
    /// What is behind the last separator of a path.
    Name,
    /// What is from the dot on in the last name of a path.
    Extension,
    /// Of the path that comes, only its folder.
    Folder,
    /// The first place, of a search or a character.
    First,
    /// The first place with one of the characters.
    FirstOf,
    /// The last place with one of the characters.
    LastOf,
    /// The first place with another character.
    FirstNotOf,
    /// The last place with another character.
    LastNotOf,
    /// Argument: the number of characters before the place.
    At,
    /// Argument: how many characters go there.
    Count,
    /// Argument: how many characters stay.
    Size,
    /// Argument: the character that comes where there are fewer than stay.
    Fill,
    /// Argument: characters up to a zero.
    Text,
    /// Argument: another string object.
    Object,
    /// Argument: the place in what comes from which on it is meant; in what is searched, where the search begins.
    From,
    /// Argument: how many characters of what comes are meant.
    Length,
    /// Argument: the address of the end of what comes.
    Until,
    /// Argument: a pointer together with a length.
    View,
    /// Argument: how often a character comes.
    Times,
    /// Argument: a character.
    Char,
}

impl EditWord {
    /// It takes the next argument.
    pub fn takes_argument(self) -> bool {
        use EditWord::{All, End, Extension, First, FirstNotOf, FirstOf, Folder, Last, LastNotOf, LastOf, Name};
        !matches!(
            self,
            All | End | Last | Name | Extension | Folder | First | FirstOf | LastOf | FirstNotOf | LastNotOf
        )
    }
}

/// Words in one text.
pub(super) fn words<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<EditWord>, D::Error> {
    use serde::de::IntoDeserializer;
    let text = String::deserialize(deserializer)?;
    text.split(' ').map(|word| EditWord::deserialize(word.into_deserializer())).collect()
}
