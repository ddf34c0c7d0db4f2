//! `StringBuilder` and the handlers of interpolated strings.

use super::Machine;
use crate::read::clr::unit::Callee;
use crate::read::clr::value::{Expr, Id};

impl Machine<'_, '_> {
    /// Objects that build a string piece by piece: `StringBuilder` and the handlers of interpolated strings.
    pub(super) fn build(&mut self, callee: &Callee<'_>, token: u32, raw: &[Id]) -> Option<Id> {
        let (ty, name) = (callee.ty, callee.name);
        let handler = ty == "System.Runtime.CompilerServices.DefaultInterpolatedStringHandler";
        if !handler && ty != "System.Text.StringBuilder" {
            return None;
        }
        let receiver = *raw.first()?;
        if handler && name == ".ctor" {
            let empty = self.arena.add(Expr::Concat(Box::new([])));
            self.assign(receiver, empty);
            return Some(Id::UNKNOWN);
        }
        let content = self.settle(receiver);
        let added = match name {
            "Append" | "AppendLiteral" | "AppendFormatted" => {
                let added = self.settle(raw.get(1).copied()?);
                match (callee.signature, name) {
                    ("Char", _) => self.arena.add(Expr::Char(added)),
                    ("Boolean", _) => self.named(added, true),
                    // `AppendFormatted<T>`: what a number of an unknown type is called is not known.
                    (_, "AppendFormatted") => self.named(added, false),
                    _ => added,
                }
            }
            "AppendFormat" => {
                let args = raw.iter().map(|id| self.settle(*id)).collect();
                self.arena.add(Expr::Call(token, args))
            }
            "AppendLine" => {
                let line = raw.get(1).map(|id| self.settle(*id));
                let end = self.arena.add(Expr::Str("\r\n".into()));
                line.map_or(end, |line| self.arena.append(line, end))
            }
            "ToString" | "ToStringAndClear" if raw.len() == 1 => return Some(content),
            "Clear" => {
                let empty = self.arena.add(Expr::Concat(Box::new([])));
                self.set(receiver, empty);
                return Some(receiver);
            }
            "Insert" | "Remove" | "Replace" | "set_Length" | "set_Item" | "set_Chars" => {
                self.set(receiver, Id::UNKNOWN);
                return Some(receiver);
            }
            _ => return Some(Id::UNKNOWN),
        };
        let content = self.arena.append(content, added);
        self.set(receiver, content);
        Some(receiver)
    }

    fn set(&mut self, receiver: Id, content: Id) {
        if self.frame.content(receiver).is_some() {
            self.frame.set_content(receiver, content);
        } else {
            self.assign(receiver, content);
        }
    }
}
