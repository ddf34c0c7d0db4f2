//! Addresses: of variables, of what callers pass by reference, and what is behind them.

use super::Machine;
use crate::catalog::dotnet::catalog;
use crate::read::clr::unit::{Callee, METHOD_DEF, table};
use crate::read::clr::value::{Expr, Id};

impl Machine<'_, '_> {
    /// What an address points to; anything else is itself.
    pub(super) fn deref(&self, id: Id) -> Id {
        match self.arena.get(id) {
            Expr::Local(n) => self.frame.locals.get(usize::from(*n)).copied().unwrap_or(Id::UNKNOWN),
            Expr::Argument(n) => self.frame.args.get(usize::from(*n)).copied().unwrap_or(Id::UNKNOWN),
            Expr::Param(..) => self.frame.content(id).unwrap_or(id),
            _ => id,
        }
    }

    /// A value that may leave the method: addresses are followed, arrays and builders hold what they hold now.
    pub(super) fn settle(&mut self, id: Id) -> Id {
        let id = self.deref(id);
        if let Expr::Phi(ids) = self.arena.get(id)
            && ids.iter().any(|id| self.frame.content(*id).is_some())
        {
            let settled: Vec<Id> = ids.iter().map(|id| self.frame.content(*id).unwrap_or(*id)).collect();
            return settled.into_iter().reduce(|a, b| self.arena.either(a, b)).unwrap_or(id);
        }
        self.frame.content(id).unwrap_or(id)
    }

    pub(super) fn assign(&mut self, address: Id, value: Id) {
        let slot = match self.arena.get(address) {
            Expr::Local(n) => self.frame.locals.get_mut(usize::from(*n)),
            Expr::Argument(n) => self.frame.args.get_mut(usize::from(*n)),
            Expr::Param(..) => return self.frame.set_content(address, value),
            _ => None,
        };
        if let Some(slot) = slot {
            *slot = value;
        }
    }

    /// What a callee gets the address of, it may change.
    pub(super) fn give_back(&mut self, callee: &Callee<'_>, token: u32, raw: &[Id], args: &[Id]) {
        let gives = || catalog().collection(callee.ty).is_some_and(|row| row.gives.has(callee.name));
        let taken = match callee.name.starts_with("Try") && gives() {
            true => Some(self.arena.add(Expr::Call(token, args.into()))),
            false => None,
        };
        for (n, id) in raw.iter().enumerate().skip(usize::from(callee.has_this)) {
            if !matches!(self.arena.get(*id), Expr::Local(_) | Expr::Argument(_)) {
                continue;
            }
            let given = match (taken, u16::try_from(n)) {
                (Some(taken), _) => taken,
                (None, Ok(n)) if table(token) == METHOD_DEF => self.arena.add(Expr::Given(token, n, args.into())),
                _ => Id::UNKNOWN,
            };
            self.assign(*id, given);
        }
    }

    /// At the end of a method: what it leaves behind the addresses that it got.
    pub(super) fn keep_given(&mut self) {
        let args = self.unit.method(self.rid).map_or(0, |m| m.params + u16::from(m.has_this));
        for n in 0..args {
            let Some(address) = self.arena.find(&Expr::Param(self.rid, n)) else { continue };
            let Some(value) = self.frame.content(address) else { continue };
            match self.body.given.iter_mut().find(|(of, _)| *of == n) {
                Some(given) => given.1 = self.arena.either(given.1, value),
                None => self.body.given.push((n, value)),
            }
        }
    }
}
