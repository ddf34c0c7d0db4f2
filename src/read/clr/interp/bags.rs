//! Objects whose properties are followed: what is set on them stays with them.

use super::Machine;
use crate::catalog::dotnet::catalog;
use crate::read::clr::unit::Callee;
use crate::read::clr::value::{Expr, Id};

/// Objects of one method that are followed.
const MAX_OBJECTS: usize = 64;

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

    /// Is what a constructor makes an object of the application that may get its properties after it is made? What
    /// compilers make of variables that lambdas share is not: each has a class of its own.
    pub(super) fn is_followed(&self, callee: &Callee<'_>, token: u32) -> bool {
        let is_known = || self.unit.member_ref(token).is_some_and(|reference| reference.rows.is_some());
        self.is_kept
            && self.frame.objects.len() < MAX_OBJECTS
            && !callee.ty.contains(['<', '$'])
            && !callee.ty.ends_with("Exception")
            && !is_known()
    }

    pub(super) fn set_property(&mut self, object: Id, ty: &str, name: &str, token: u32, value: Id) {
        let Some(content) = self.frame.content(object) else { return };
        let one = match self.arena.get(content) {
            Expr::Phi(ids) => ids.first().copied().unwrap_or(content),
            _ => content,
        };
        let made_by = match self.arena.making(one) {
            Expr::Call(constructor, _) => self.unit.callee(*constructor).map(|callee| callee.ty),
            _ => None,
        };
        let content = if made_by.is_none_or(|ty| catalog().is_bag(ty)) {
            self.arena.with_property(content, ty, name, value)
        } else {
            let content = self.arena.with_set(content, token, value);
            if let Expr::Object(_, offset) = *self.arena.get(object) {
                match self.body.made.iter_mut().find(|(at, _)| *at == offset) {
                    Some(made) => made.1 = content,
                    None => self.body.made.push((offset, content)),
                }
            }
            content
        };
        self.frame.set_content(object, content);
        // A field holds the object, whatever is done to it later.
        for (_, _, store) in self.kept.iter().filter(|(_, kept, _)| *kept == object) {
            if let Some(store) = self.body.stores.get_mut(*store) {
                store.value = content;
            }
        }
    }
}
