//! `quartz.config`: properties in spite of its extension (quartznet/quartznet, `StdSchedulerFactory`).

use super::lines;
use super::tree::{ROOT, Role, Tree};
use super::xml::Break;

/// Is it that file, and not a section in XML under its name?
pub(crate) fn is_properties(file_name: &str, text: &str) -> bool {
    file_name.eq_ignore_ascii_case("quartz.config")
        && !text.trim_start_matches('\u{feff}').trim_start().starts_with('<')
}

/// Reads the properties as the section that a configuration would hold: one set of rows serves both.
pub(crate) fn parse(text: &str) -> (Tree, Option<Break>) {
    let (properties, broken) = lines::ini(text);
    let mut tree = Tree::new();
    if let Some(section) = tree.add(ROOT, Role::Element, "quartz", 0) {
        for property in properties.elements(ROOT) {
            let offset = properties.node(property).offset;
            let Some(add) = tree.add(section, Role::Element, "add", offset) else { break };
            tree.add_value(add, Role::Attribute, "key", properties.name(property), offset);
            tree.add_value(add, Role::Attribute, "value", properties.value(property), offset);
        }
    }
    (tree, broken)
}
