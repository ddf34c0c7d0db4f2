//! What is known of the variables of a script, by their names: a sorted list, for it is copied and walked at every branch, and
//! that a list does several times faster than a tree.

use crate::facts::Text;
use std::rc::Rc;

/// A variable and its possible values.
type Entry = (Rc<str>, Rc<[Text]>);

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Held(Vec<Entry>);

impl Held {
    fn place(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| (**known).cmp(name))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Rc<[Text]>> {
        self.place(name).ok().and_then(|at| self.0.get(at)).map(|(_, values)| values)
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.place(name).is_ok()
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, Entry> {
        self.0.iter()
    }

    pub(super) fn insert(&mut self, name: Rc<str>, values: Rc<[Text]>) {
        match self.place(&name) {
            Ok(at) => {
                if let Some((_, known)) = self.0.get_mut(at) {
                    *known = values;
                }
            }
            Err(at) => self.0.insert(at, (name, values)),
        }
    }

    pub(super) fn remove(&mut self, name: &str) {
        if let Ok(at) = self.place(name) {
            self.0.remove(at);
        }
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.0.retain(|(name, _)| keep(name));
    }
}
