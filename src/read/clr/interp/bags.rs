//! Objects whose properties are followed: what is set on them stays with them.

use super::Machine;
use crate::read::clr::value::{Expr, Id};

impl Machine<'_, '_> {
    /// The object behind a receiver: itself, or what this method has put into the field that it is read from.
    pub(super) fn bag(&self, receiver: Id) -> Option<Id> {
        if self.frame.content(receiver).is_some() {
            return Some(receiver);
        }
        let Expr::Field(token, _) = self.arena.get(receiver) else { return None };
        self.kept.iter().rev().find(|(field, ..)| field == token).map(|(_, object, _)| *object)
    }

    /// The object that a property belongs to, and the property's name there.
    pub(super) fn property(&self, receiver: Id, ty: &str, name: &str) -> Option<(Id, Box<str>, Box<str>)> {
        if let Expr::Part(whole, ty, part) = self.arena.get(receiver) {
            return Some((*whole, ty.clone(), format!("{part}.{name}").into()));
        }
        Some((self.bag(receiver)?, ty.into(), name.into()))
    }

    pub(super) fn set_property(&mut self, object: Id, ty: &str, name: &str, value: Id) {
        let Some(content) = self.frame.content(object) else { return };
        let content = self.arena.with_property(content, ty, name, value);
        self.frame.set_content(object, content);
        // A field holds the object, whatever is done to it later.
        for (_, _, store) in self.kept.iter().filter(|(_, kept, _)| *kept == object) {
            if let Some(store) = self.body.stores.get_mut(*store) {
                store.value = content;
            }
        }
    }
}
