//! Where a file goes within the method that opens or writes it: whether it is only read, uploaded or moved away, and
//! whether one call can come before another.

use super::interp::{Body, Site};
use super::links::Method;
use super::names::is_compilers;
use super::resolve::Resolver;
use super::unit::{Callee, Unit};
use super::value::{Expr, Id};
use crate::catalog::dotnet::{Piece, catalog};

/// Objects within one another, such as a reader over a stream over a path.
const MAX_WITHIN: u32 = 5;
/// Methods of the application that hand a file on to one that uploads it.
const MAX_HELPERS: u32 = 2;

/// What becomes of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    Read,
    /// It is not known: others get it.
    HandedOn,
    Written,
}

/// One method.
#[derive(Clone, Copy)]
pub(super) struct Flow<'f> {
    resolver: &'f Resolver<'f>,
    index: u32,
    unit: &'f Unit,
    body: &'f Body,
}

impl<'f> Flow<'f> {
    pub(super) fn of(resolver: &'f Resolver<'f>, method: Method) -> Option<Self> {
        let unit = resolver.units.get(method.unit as usize)?;
        Some(Flow { resolver, index: method.unit, unit, body: unit.bodies.get(&method.rid)? })
    }

    /// What the method does with what this call opens.
    pub(super) fn fate(&self, call: &Site) -> Fate {
        match self.unit.arena.find(&Expr::Call(call.token, call.args.clone())) {
            Some(stream) => self.fate_of(stream, MAX_WITHIN),
            None => Fate::HandedOn,
        }
    }

    fn fate_of(&self, stream: Id, left: u32) -> Fate {
        let Some(left) = left.checked_sub(1) else { return Fate::HandedOn };
        let is_kept = |token: u32| !self.unit.field_name(token).is_some_and(|(_, name)| is_compilers(name));
        let mut kept = self.body.stores.iter().filter(|store| is_kept(store.token)).map(|store| store.value);
        if self.body.result.into_iter().chain(&mut kept).any(|id| self.is(id, stream)) {
            return Fate::HandedOn;
        }
        let uses = self.body.sites.iter().flat_map(|site| (0..site.args.len()).map(move |n| (site, n)));
        let uses = uses.filter(|(site, n)| site.args.get(*n).is_some_and(|id| self.is(*id, stream)));
        uses.map(|(site, n)| self.use_of(site, n, left)).max().unwrap_or(Fate::Read)
    }

    fn use_of(&self, site: &Site, position: usize, left: u32) -> Fate {
        const WRITES: &[&str] = &["Write", "BeginWrite", "SetLength", "SetAccessControl"];
        const WRITES_INTO: &[&str] = &["CopyTo", "Serialize", "Save", "Write", "Encode"];
        const READS_FROM: &[&str] =
            &["Deserialize", "Load", "Parse", "Read", "ComputeHash", "From", "Upload", "Validate"];
        let Some(callee) = self.unit.callee(site.token) else { return Fate::HandedOn };
        let has = |words: &[&str]| words.iter().any(|word| callee.name.starts_with(word));
        if self.resolver.links.called(self.index, site.token).is_some() {
            return Fate::HandedOn;
        }
        if callee.has_this && !site.makes && position == 0 {
            return if has(WRITES) { Fate::Written } else { Fate::Read };
        }
        match callee.ty {
            ty if ty.ends_with("Writer") || has(WRITES_INTO) => Fate::Written,
            ty if ty.ends_with("Reader") || has(READS_FROM) => Fate::Read,
            _ if site.makes => {
                let made = self.unit.arena.find(&Expr::Call(site.token, site.args.clone()));
                made.map_or(Fate::HandedOn, |made| self.fate_of(made, left))
            }
            _ => Fate::HandedOn,
        }
    }

    /// Is it this object, on some way through the method?
    fn is(&self, id: Id, object: Id) -> bool {
        id == object
            || match self.unit.arena.get(id) {
                Expr::Phi(ids) | Expr::Choice(_, ids) => ids.contains(&object),
                Expr::Field(token, _) => {
                    self.body.stores.iter().any(|store| store.token == *token && store.value == object)
                }
                _ => false,
            }
    }

    /// Is it this file: its path, or what is made of its path or opened by it?
    fn is_of(&self, id: Id, path: Id, left: u32) -> bool {
        if self.is(id, path) {
            return true;
        }
        let Some(left) = left.checked_sub(1) else { return false };
        let any = |ids: &[Id]| ids.iter().any(|id| self.is_of(*id, path, left));
        match self.unit.arena.get(id) {
            Expr::Call(token, args) => self.unit.callee(*token).is_some_and(|callee| opens(&callee)) && any(args),
            Expr::Phi(ids) | Expr::Choice(_, ids) | Expr::Array(ids) => any(ids),
            Expr::With(object, _, _, value) | Expr::Set(object, _, value) => any(&[*object, *value]),
            Expr::Field(token, _) => {
                let stored = self.body.stores.iter().filter(|store| store.token == *token);
                stored.take(4).any(|store| store.value != id && self.is_of(store.value, path, left))
            }
            _ => false,
        }
    }

    /// The paths of the files that a call works on.
    fn paths(&self, offset: u32) -> Vec<Id> {
        let Some(site) = self.body.sites.iter().find(|site| site.offset == offset) else { return Vec::new() };
        let Some(reference) = self.unit.member_ref(site.token) else { return Vec::new() };
        let Some(rows) = &reference.rows else { return Vec::new() };
        let first = usize::from(reference.has_this && !site.makes);
        let templates = catalog().effects(rows, &reference.signature).filter_map(|row| row.at.as_ref());
        let positions = templates.flat_map(|at| &at.0).filter_map(|piece| match piece {
            Piece::Arg(n) => Some(usize::from(*n) + first),
            Piece::This => Some(0),
            _ => None,
        });
        positions.filter_map(|n| site.args.get(n).copied()).collect()
    }

    /// Does the method send the file that this call writes to a store on another host, afterwards?
    pub(super) fn is_uploaded(&self, offset: u32) -> bool {
        self.paths(offset).into_iter().any(|path| self.uploads(path, Some(offset), MAX_HELPERS))
    }

    fn uploads(&self, path: Id, after: Option<u32>, left: u32) -> bool {
        let later = self.body.sites.iter().filter(|site| after.is_none_or(|after| site.offset > after));
        later.into_iter().any(|site| {
            let Some(callee) = self.unit.callee(site.token) else { return false };
            let first = usize::from(callee.has_this && !site.makes);
            let mut given =
                site.args.iter().enumerate().skip(first).filter(|(_, id)| self.is_of(**id, path, MAX_WITHIN));
            given.any(|(n, _)| uploads(&callee) || self.helper_uploads(site, n + usize::from(site.makes), left))
        })
    }

    /// Does a method of the application upload what it is given?
    fn helper_uploads(&self, site: &Site, position: usize, left: u32) -> bool {
        let helper = || {
            let left = left.checked_sub(1)?;
            let target = self.resolver.links.called(self.index, site.token)?;
            let inside = Flow::of(self.resolver, target)?;
            let param = inside.unit.arena.find(&Expr::Param(target.rid, u16::try_from(position).ok()?))?;
            Some(inside.uploads(param, None, left))
        };
        helper().unwrap_or(false)
    }

    /// The call by which the method moves the file away afterwards that this call writes.
    pub(super) fn moved(&self, offset: u32) -> Option<u32> {
        let paths = self.paths(offset);
        let moves = |site: &&Site| {
            let callee = self.unit.callee(site.token);
            callee.is_some_and(|callee| match callee.ty {
                "System.IO.File" => matches!(callee.name, "Move" | "Replace"),
                "System.IO.FileInfo" => matches!(callee.name, "MoveTo" | "Replace"),
                _ => false,
            })
        };
        let later = self.body.sites.iter().filter(|site| site.offset > offset).filter(moves);
        let mut of_it = later.filter(|site| site.args.first().is_some_and(|source| paths.contains(source)));
        of_it.next().map(|site| site.offset)
    }

    /// Does the method, once this call has made a file or folder, always go on to the call that removes it again?
    pub(super) fn is_removed(&self, made: u32, removed: u32) -> bool {
        let paths = self.paths(made);
        made < removed
            && self.paths(removed).iter().any(|path| paths.contains(path))
            && self.always_leads(made, removed)
    }

    /// Does every way on from `from` that is no exception come by `to`?
    fn always_leads(&self, from: u32, to: u32) -> bool {
        let (mut queue, mut seen) = (vec![from], vec![from]);
        while let Some(at) = queue.pop() {
            let Some(end) = self.body.ends.get(self.body.ends.partition_point(|end| *end < at)).copied() else {
                return false;
            };
            let is_met = at <= to && to <= end;
            // A return, or an exception that the method does not catch.
            if !is_met && !self.body.jumps.iter().any(|(source, _)| *source == end) {
                return false;
            }
            let last = if is_met { to } else { end };
            for (_, target) in self.body.jumps.iter().filter(|(source, _)| (at..=last).contains(source)) {
                if !seen.contains(target) && !self.body.caught.contains(target) {
                    seen.push(*target);
                    queue.push(*target);
                }
            }
        }
        true
    }

    /// Can the method go on to `to` once it is at `from`?
    pub(super) fn leads(&self, from: u32, to: u32) -> bool {
        let (mut queue, mut seen) = (vec![from], vec![from]);
        while let Some(at) = queue.pop() {
            let end = self.body.ends.get(self.body.ends.partition_point(|end| *end < at)).copied().unwrap_or(u32::MAX);
            if at <= to && to <= end {
                return true;
            }
            for (_, target) in self.body.jumps.iter().filter(|(source, _)| (at..=end).contains(source)) {
                if !seen.contains(target) {
                    seen.push(*target);
                    queue.push(*target);
                }
            }
        }
        false
    }
}

/// A client of a store on another host that takes data.
fn uploads(callee: &Callee<'_>) -> bool {
    catalog().clients_of(callee.ty).any(|client| client.uploads.iter().any(|p| callee.name.starts_with(p)))
}

/// Makes an object of a path, opens or reads the file.
fn opens(callee: &Callee<'_>) -> bool {
    let is_file = matches!(callee.ty, "System.IO.File" | "System.IO.FileInfo");
    callee.name == ".ctor" || is_file && ["Open", "Read"].iter().any(|p| callee.name.starts_with(p))
}
