//! Which effects of one artifact are one thing to fix.

use super::finding::Judged;
use crate::facts::{Effect, Extent, Location, Store, Text, Trait, state_name};
use std::collections::BTreeSet;

/// Sites with one location are one thing to fix; sites whose location is not known are told apart by their API. Members of
/// one tree are one thing too.
pub fn group_key(effect: &Effect) -> String {
    if let Some(tree) = Tree::of(effect) {
        return format!("{}*{}", tree.holder.to_lowercase(), tree.same);
    }
    match effect.location.extent() {
        // Of a path that is not known it says nothing that it is what a caller gives.
        Extent::None if effect.store.is_path() => format!("\u{0}{}", effect.via),
        Extent::None => format!("{}\u{0}{}", effect.location.key(), effect.via),
        _ => state_name(effect.store, &effect.location),
    }
}

/// Components of a key, its root among them, that make a tree of it: `HKLM\Software\Vendor\Product`.
const TREE: usize = 4;

/// The tree that an effect is a member of.
///
/// Values of a key that is not known are told together, because whoever reads of each learns no more of where it is; so are
/// the values that one registration file sets below one key, the variables that one page keeps in a session or in the
/// application, and the folders beside each other that were opened to the same account.
pub(super) struct Tree {
    /// What holds the members, with the separator at its end.
    pub(super) holder: String,
    /// The name of the member in there.
    name: String,
    /// What else members of one tree have in common.
    same: String,
    /// What the members are, of several.
    noun: &'static str,
    /// It stands for the member also where that is the only one.
    pub(super) is_lasting: bool,
}

impl Tree {
    pub(super) fn of(effect: &Effect) -> Option<Tree> {
        let shown = effect.location.to_string();
        let divided = |at: usize, is_lasting: bool| {
            let (holder, name) = (shown.get(..at)?.to_owned(), shown.get(at..)?.to_owned());
            Some(Tree { holder, name, same: String::new(), noun: "values", is_lasting })
        };
        match effect.store {
            Store::Registry => {
                let key = shown.rfind('\\')?;
                let is_open = shown[..key].contains("{?}") || shown[..key].contains("{param:");
                let within = shown[..=key].match_indices('\\').nth(TREE - 1).map_or(key, |(at, _)| at);
                let is_listed = effect.via == REGISTRATION;
                (is_open || is_listed).then(|| divided(if is_open { key + 1 } else { within + 1 }, true)).flatten()
            }
            Store::Session if shown.starts_with(SESSION) => divided(SESSION.len(), true),
            Store::Memory if shown.starts_with(APPLICATION) => divided(APPLICATION.len(), false),
            Store::File if effect.has(Trait::Foretold) => {
                let above = shown.strip_suffix("\\{?}")?.rfind('\\')?;
                let tree = divided(above + 1, false)?;
                // Folders at a root have nothing in common.
                let is_named = tree.holder.trim_end_matches('\\').contains('\\');
                let (same, _) = effect.evidence.first()?.text.split_once(&shown[..above]).unwrap_or_default();
                is_named.then(|| Tree { same: format!("{} {same}", effect.via), noun: "folders", ..tree })
            }
            _ => None,
        }
    }
}

/// What sets the values of a registration file.
const REGISTRATION: &str = "regedit";
/// How variables of a session of classic ASP are written, and those of the application.
const SESSION: &str = "Session:";
const APPLICATION: &str = "Application:";

/// Most names of members that a message lists.
const MAX_NAMES: usize = 4;

/// Several members of a tree, told as one.
pub(super) struct Several {
    /// What stands for them: the part of the tree that holds all, with a hole for the rest.
    pub(super) effect: Effect,
    /// How many there are, and the names of the first.
    pub(super) said: String,
    /// Where each is.
    pub(super) locations: Vec<String>,
}

impl Several {
    pub(super) fn of(group: &[&Judged<'_>], lead: &Effect) -> Option<Several> {
        let Tree { holder: tree, noun, .. } = Tree::of(lead)?;
        let names: BTreeSet<String> = group.iter().filter_map(|j| Some(Tree::of(j.effect)?.name)).collect();
        if names.len() < 2 {
            return None;
        }
        let common = names.iter().skip(1).fold(names.first()?.as_str(), |common, name| {
            let same = common.char_indices().zip(name.chars()).take_while(|((_, a), b)| a == b).last();
            same.map_or("", |((at, c), _)| &common[..at + c.len_utf8()])
        });
        let below = common.rfind('\\').map_or(0, |at| at + 1);
        let listed: Vec<&str> = names
            .iter()
            .take(MAX_NAMES)
            .filter_map(|name| Some(name.get(below..)?.trim_end_matches("\\{?}")))
            .collect();
        let more = if names.len() > MAX_NAMES { ", …" } else { "" };
        Some(Several {
            effect: Effect { location: within(lead.store, &format!("{tree}{}", &common[..below])), ..lead.clone() },
            said: format!("{} {noun}: {}{more}", names.len(), listed.join(", ")),
            locations: names.iter().map(|name| format!("{tree}{name}")).collect(),
        })
    }
}

/// Something in a tree.
pub(super) fn within(store: Store, tree: &str) -> Location {
    match tree.strip_suffix('\\') {
        Some(key) if store == Store::Registry => Location::registry(&Text::parse(key)).child(&Text::unknown()),
        Some(folder) => Location::named(Text::parse(folder)).child(&Text::unknown()),
        None => Location::named(Text::parse(tree).concat(&Text::unknown())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;

    fn are_one(a: &str, b: &str) -> bool {
        let readings = listing::parse(&format!("effect {a}\neffect {b}\n")).unwrap();
        let keys: Vec<String> = readings[0].facts.iter().map(|f| group_key(f.as_effect().unwrap())).collect();
        keys[0] == keys[1]
    }

    #[test]
    fn what_is_one_thing_to_fix() {
        let kept = |key: &str| format!("keep-in-memory memory Application:{key} via=Application");
        assert!(are_one(&kept("{param:key}"), &kept("{?}_{param:key}")));
        let opened = |at: &str| format!("write database {at} via=ADODB");
        assert!(are_one(&opened("{?}"), &opened("{param:path}")));
        assert!(!are_one(&opened("{?}"), &opened("{config:Desk}")), "a name that somebody can look up");
        let other = opened("{?}").replace("ADODB", "DAO");
        assert!(!are_one(&opened("{?}"), &other));
    }

    #[test]
    fn folders_that_were_opened_alike() {
        let granted = |folder: &str, who: &str| {
            format!(
                "write file {folder}\\{{?}} via=icacls traits=foretold\n  step \"icacls lets {who} write to {folder}\""
            )
        };
        let in_data = |name: &str, who: &str| granted(&format!("{{ProgramData}}\\Desk\\{name}"), who);
        assert!(are_one(&in_data("A", "Users:M"), &in_data("B", "Users:M")));
        assert!(!are_one(&in_data("A", "Users:M"), &in_data("B", "IUSR:M")), "to another account");
        assert!(!are_one(&granted("C:\\A", "Users:M"), &granted("C:\\B", "Users:M")), "a drive holds everything");
    }
}
