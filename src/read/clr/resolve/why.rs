//! Why a place is not known: what the value was last seen to be.

use super::{Expr, Id, Method, Resolver, catalog};
use crate::read::clr::interp::Site;
use crate::read::clr::names::written_field;
use crate::read::clr::unit::Unit;

/// Values that are looked through on the way to the one that is not known.
const MAX_WAY: u32 = 12;

impl<'r> Resolver<'r> {
    /// What stands in the way of knowing what a call is given.
    pub(in crate::read::clr) fn why(&self, unit: u32, call: &Site) -> Option<String> {
        let own = self.units.get(unit as usize)?;
        let is_said = |id: &&Id| matches!(own.arena.get(**id), Expr::Int(_) | Expr::Str(_) | Expr::Null);
        call.args.iter().filter(|id| !is_said(id)).find_map(|id| self.obstacle(unit, *id, MAX_WAY))
    }

    fn obstacle(&self, unit: u32, id: Id, left: u32) -> Option<String> {
        let left = left.checked_sub(1)?;
        let own: &'r Unit = self.units.get(unit as usize)?;
        match own.arena.get(id) {
            Expr::Unknown => Some("computed in a way that is not followed".to_owned()),
            Expr::Param(rid, index) => {
                let method = Method { unit, rid: *rid };
                if own.method(*rid).is_some_and(|m| m.has_this) && *index == 0 {
                    return None;
                }
                match self.links.callers(method).is_empty() {
                    true => Some("given by a caller that is not among the files".to_owned()),
                    false => Some("given by callers that do not say".to_owned()),
                }
            }
            Expr::Field(token, _) => {
                let Some(field) = self.links.field(unit, *token) else {
                    return Some("a field of another assembly".to_owned());
                };
                let mut written = self.links.writers(field).filter_map(|writer| {
                    let own = self.units.get(writer.unit as usize)?;
                    let is_it = |t| self.links.field(writer.unit, t) == Some(field);
                    let store = own.bodies.get(&writer.rid)?.stores.iter().find(|store| is_it(store.token))?;
                    Some((writer.unit, store.value))
                });
                match written.next() {
                    Some((unit, value)) => self.obstacle(unit, value, left),
                    None => {
                        let name = own.field_name(*token).map_or("", |(_, name)| written_field(name));
                        Some(format!("the field `{name}`, which nothing assigns"))
                    }
                }
            }
            Expr::Call(token, args) => {
                let callee = own.callee(*token)?;
                let catalogued = own.member_ref(*token).and_then(|r| catalog().value(r.rows.as_ref()?, &r.signature));
                let inside = || args.iter().find_map(|id| self.obstacle(unit, *id, left));
                if catalogued.is_some() {
                    return inside();
                }
                let results = self.links.targets(unit, *token).into_iter().filter_map(|target| {
                    let result = self.units.get(target.unit as usize)?.bodies.get(&target.rid)?.result?;
                    self.obstacle(target.unit, result, left)
                });
                let given = || format!("what `{}::{}` gives", callee.ty, callee.name);
                results.into_iter().next().or_else(|| Some(given()))
            }
            Expr::Element(array, _) => {
                self.obstacle(unit, *array, left).or_else(|| Some("an element of an array".to_owned()))
            }
            Expr::Collection(..) => Some("an element of a collection".to_owned()),
            Expr::Phi(all) | Expr::Choice(_, all) | Expr::Concat(all) | Expr::Array(all) => {
                all.iter().find_map(|id| self.obstacle(unit, *id, left))
            }
            Expr::With(object, ..) | Expr::Set(object, ..) => self.obstacle(unit, *object, left),
            _ => None,
        }
    }
}
