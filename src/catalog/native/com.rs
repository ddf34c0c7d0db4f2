//! Classes and interfaces of COM, from `rules/catalog/com/objects.toml`.

use super::{Api, find_by_name};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::OnceLock;

/// An object, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Object {
    /// Name of the class that it was made as; empty when not known.
    pub class: &'static str,
    /// Name of the interface through which it is used; empty when not known.
    pub interface: &'static str,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Objects {
    classes: HashMap<String, String>,
    interfaces: HashMap<String, String>,
    methods: HashMap<String, String>,
    gives: HashMap<String, (u8, String)>,
    named: HashMap<String, u8>,
    only: HashMap<String, String>,
}

fn objects() -> &'static Objects {
    static OBJECTS: OnceLock<Objects> = OnceLock::new();
    OBJECTS.get_or_init(|| crate::catalog::tables("com").find_map(|(_, table)| table.read().ok()).unwrap_or_default())
}

/// The name of a class.
pub fn class(guid: &[u8; 16]) -> Option<&'static str> {
    objects().classes.get(&written(guid)).map(String::as_str)
}

/// The name of an interface.
pub fn interface(guid: &[u8; 16]) -> Option<&'static str> {
    objects().interfaces.get(&written(guid)).map(String::as_str)
}

/// The name of a class by its identifier as text, with or without braces, in any case.
pub fn class_written(guid: &str) -> Option<&'static str> {
    objects().classes.get(&plain(guid)).map(String::as_str)
}

/// The name of an interface by its identifier as text, with or without braces, in any case.
pub fn interface_written(guid: &str) -> Option<&'static str> {
    objects().interfaces.get(&plain(guid)).map(String::as_str)
}

/// The name of the only class that is made as an interface.
pub fn class_behind(interface: &str) -> Option<&'static str> {
    objects().only.get(interface).map(String::as_str)
}

/// The row of a method.
pub fn method(object: Object, place: u32) -> Option<(Api, &'static str)> {
    let place = format!("{}.{place}", object.interface);
    let methods = &objects().methods;
    let name = methods.get(&format!("{}:{place}", object.class)).or_else(|| methods.get(&place))?;
    Some((find_by_name(name)?, name))
}

/// The argument through which a method hands out an object, and that object's interface.
pub fn gives(object: Object, place: u32) -> Option<(u8, &'static str)> {
    let (argument, interface) = objects().gives.get(&format!("{}.{place}", object.interface))?;
    Some((*argument, interface))
}

/// The argument of such a method with the name of what it hands out.
pub fn named(object: Object, place: u32) -> Option<u8> {
    objects().named.get(&format!("{}.{place}", object.interface)).copied()
}

fn plain(guid: &str) -> String {
    guid.trim().trim_matches(['{', '}']).to_ascii_uppercase()
}

/// An identifier as it is written: three numbers, the first byte last, and eight bytes.
fn written(guid: &[u8; 16]) -> String {
    let [a, b, c, d, e, f, g, h, rest @ ..] = guid;
    let [i, j, k, l, m, n, o, p] = rest;
    format!(
        "{d:02X}{c:02X}{b:02X}{a:02X}-{f:02X}{e:02X}-{h:02X}{g:02X}-{i:02X}{j:02X}-{k:02X}{l:02X}{m:02X}{n:02X}{o:02X}{p:02X}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_has_a_row_and_every_identifier_is_one() {
        let objects = objects();
        assert!(objects.methods.len() > 10 && !objects.gives.is_empty());
        for name in objects.methods.values() {
            assert!(find_by_name(name).is_some(), "{name}");
        }
        for (interface, class) in &objects.only {
            let known = |names: &HashMap<String, String>, name: &String| names.values().any(|known| known == name);
            assert!(known(&objects.interfaces, interface) && known(&objects.classes, class), "{interface}");
        }
        for guid in objects.classes.keys().chain(objects.interfaces.keys()) {
            assert!(guid.len() == 36 && *guid == guid.to_uppercase(), "{guid}");
        }
        let link = [0x01, 0x14, 0x02, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46];
        assert_eq!(class(&link), Some("ShellLink"));
        assert_eq!(interface_written("{0000010b-0000-0000-c000-000000000046}"), Some("IPersistFile"));
        assert_eq!(class_written("00021401-0000-0000-C000-000000000046"), Some("ShellLink"));
        let link = Object { class: "ShellLink", interface: "IPersistFile" };
        assert_eq!(method(link, 6).map(|(_, name)| name), Some("ShellLink::Save"));
    }
}
