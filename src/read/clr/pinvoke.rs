//! Native functions that managed code declares and calls (P/Invoke): the native catalogue with managed arguments.

use super::answer::Value;
use super::interp::Site as CallSite;
use super::links::Method;
use super::resolve::{At, Resolver};
use super::unit::{METHOD_DEF, Unit, row, table};
use super::value::Id;
use crate::catalog::native::{Api, Model, Row, find};
use crate::facts::{Certainty, Effect, Extent, Fact, Folder, Location, Operation, Store, Text};

/// Locations of one call that become effects of their own.
const MAX_LOCATIONS: usize = 4;

/// The native function behind a method token, if the catalogue knows it to change state.
pub(super) fn sink(unit: &Unit, token: u32) -> Option<(&str, Api)> {
    if table(token) != METHOD_DEF {
        return None;
    }
    let import = unit.method(row(token))?.import.as_deref()?;
    let (module, name) = import.split_once('!')?;
    // With the character set "auto" the name is written without its suffix.
    let api = find(module, name).or_else(|| find(module, &format!("{name}W")))?;
    understood(api.row).then_some((import, api))
}

fn understood(row: &Row) -> bool {
    let plain =
        row.file.is_some() || row.ini.is_some() || row.name.is_some() || row.fixed.is_some() || row.key.is_some();
    matches!(row.model, Some(Model::CreateFile | Model::Move)) || row.model.is_none() && row.effect.is_some() && plain
}

/// The effects of a call of a native function.
pub(super) fn facts(resolver: &Resolver<'_>, method: Method, call: &CallSite) -> Vec<Fact> {
    let Some(unit) = resolver.units.get(method.unit as usize) else { return Vec::new() };
    let Some((via, api)) = sink(unit, call.token) else { return Vec::new() };
    let view = View { resolver, unit: method.unit, args: &call.args, row: api.row };
    let Some((operation, store, known)) = view.operation() else { return Vec::new() };
    let mut locations = view.locations(store);
    locations.truncate(MAX_LOCATIONS);
    let site = resolver.site(method, call.offset);
    let effect = |(location, value): (Location, Value)| {
        let certainty = match location.extent() {
            Extent::None if !api.row.specific => Certainty::Possible,
            Extent::Full if known => Certainty::Proven,
            _ => Certainty::Likely,
        };
        let mut effect = Effect::new(operation, store, location, certainty, via);
        api.row.mark.into_iter().for_each(|mark| effect.mark(mark));
        effect.evidence = resolver.steps(method.unit, &value.steps);
        Fact::effect(site.clone(), effect)
    };
    locations.into_iter().map(effect).collect()
}

struct View<'v> {
    resolver: &'v Resolver<'v>,
    unit: u32,
    args: &'v [Id],
    row: &'v Row,
}

impl View<'_> {
    fn values(&self, arg: u8) -> Vec<Value> {
        match self.args.get(usize::from(arg)) {
            Some(id) => self.resolver.values(self.unit, *id),
            None => vec![Value::unknown()],
        }
    }

    fn int(&self, position: usize) -> Option<u32> {
        let arg = self.args.get(usize::from(*self.row.args.get(position)?))?;
        self.resolver.int(At::anywhere(self.unit), *arg).map(|n| n as u32)
    }

    /// What is done to what, and whether the arguments that decide it are known.
    fn operation(&self) -> Option<(Operation, Store, bool)> {
        match self.row.model {
            Some(Model::CreateFile) => {
                // GENERIC_ALL, GENERIC_WRITE, DELETE, FILE_APPEND_DATA, FILE_WRITE_DATA
                const WRITING: u32 = 0x1000_0000 | 0x4000_0000 | 0x1_0000 | 0x4 | 0x2;
                let access = self.int(1);
                let disposition = self.int(2);
                let operation = match (access, disposition) {
                    (Some(access), _) if access & WRITING == 0 => Operation::Read,
                    // CREATE_NEW, CREATE_ALWAYS, TRUNCATE_EXISTING
                    (_, Some(1 | 2 | 5)) => Operation::Create,
                    _ => Operation::Write,
                };
                Some((operation, Store::File, access.is_some() && disposition.is_some()))
            }
            Some(Model::Move) => Some((Operation::Rename, Store::File, true)),
            _ => self.row.effect.map(|(operation, store)| (operation, store, true)),
        }
    }

    fn locations(&self, store: Store) -> Vec<(Location, Value)> {
        let row = self.row;
        let path = match row.model {
            Some(Model::CreateFile) => row.args.first().copied(),
            Some(Model::Move) => row.args.get(1).copied(),
            _ => row.file,
        };
        if let Some(arg) = path {
            return each(self.values(arg), |text| Location::file(text).based_on(Folder::Cwd));
        }
        if let Some(&file) = row.ini.as_ref().and_then(|ini| ini.first()) {
            // Without a folder the file is one of the Windows folder.
            return each(self.values(file), |text| Location::file(text).based_on(Folder::Windows));
        }
        if let Some(fixed) = &row.fixed {
            return vec![(Location::named(Text::parse(fixed)), Value::default())];
        }
        if row.key.is_some() || store == Store::Registry {
            return self.key();
        }
        match row.name {
            Some(arg) => each(self.values(arg), |text| Location::named(text.clone())),
            None => Vec::new(),
        }
    }

    /// A registry value below a key that was opened by native code: its handle says nothing here.
    fn key(&self) -> Vec<(Location, Value)> {
        let of = |arg: Option<u8>| arg.and_then(|arg| self.values(arg).into_iter().next());
        let sub = of(self.row.sub);
        let name = of(self.row.value);
        let mut text = Text::unknown();
        for part in [&sub, &name].into_iter().flatten() {
            text = text.concat(&Text::lit("\\")).concat(&part.text);
        }
        vec![(Location::registry(&text), name.or(sub).unwrap_or_default())]
    }
}

fn each(values: Vec<Value>, f: impl Fn(&Text) -> Location) -> Vec<(Location, Value)> {
    values.into_iter().filter(|v| !v.null).map(|v| (f(&v.text), v)).collect()
}
