//! From call sites of catalogued methods to effects.

mod circumstances;
mod starts;

use super::answer::{MAX_VALUES, Value};
use super::flow::{Fate, Flow};
use super::interp::Site as CallSite;
use super::links::Method;
use super::models::merged;
use super::names::{file_mode_name, is_compilers};
use super::pinvoke;
use super::resolve::{At, Resolver};
use super::trace::Trace;
use super::value::{Expr, Id};
use crate::catalog::config::Syntax;
use crate::catalog::dotnet::{Decider, EffectRow, Held, catalog};
use crate::facts::{
    Body, Certainty, Clue, ClueKind, Effect, Extent, Fact, Folder, Hole, Location, Operation, Origin, Part, Source,
    Step, Store, Text, Trait, fold_alternatives, is_no_path,
};
use crate::read::config::syntax::expand;
use crate::read::connection::{database, remote_store};

/// Locations of one call site that become effects of their own; the others become one with what they share.
const MAX_LOCATIONS: usize = 6;

/// What one call site says.
pub(super) fn facts(resolver: &Resolver<'_>, method: Method, call: &CallSite) -> Vec<Fact> {
    let Some(unit) = resolver.units.get(method.unit as usize) else { return Vec::new() };
    let Some(reference) = unit.member_ref(call.token) else { return pinvoke::facts(resolver, method, call) };
    let Some(rows) = &reference.rows else { return Vec::new() };
    let view = View::new(resolver, method, call, &reference.signature, reference.has_this);
    let via = format!("{}::{}", reference.ty, reference.name);
    let mut bodies = Vec::new();
    for row in catalog().effects(rows, &reference.signature).filter(|row| view.applies(row)) {
        match row.decide {
            Decider::Connection => bodies.extend(view.connections(row, &via)),
            Decider::Remote => bodies.extend(view.remotes(row, &reference.ty)),
            _ => bodies.extend(view.effects_by_context(row, &via).into_iter().map(Body::Effect)),
        }
    }
    let site = resolver.site(method, call.offset);
    let mut facts: Vec<Fact> = bodies.into_iter().map(|body| Fact { site: site.clone(), body, open: None }).collect();
    if let Some(row) = catalog().start(rows, &reference.signature) {
        facts.extend(view.start(row, &site, &via));
    }
    facts
}

/// The places that a call works on.
#[derive(Default)]
struct Places {
    all: Vec<(Location, Value)>,
    /// There are no others.
    complete: bool,
    /// There are more than are told apart.
    is_cut: bool,
    /// The one of them that stands for so many.
    rest: Option<(Location, usize)>,
}

/// Says of a place how many it stands for.
fn more(count: usize) -> Step {
    Step::new(format!("stands for {count} places that are not told apart"))
}

/// A call site with its arguments told apart.
#[derive(Clone, Copy)]
struct View<'v> {
    resolver: &'v Resolver<'v>,
    method: Method,
    call: &'v CallSite,
    unit: u32,
    at: At<'v>,
    this: Option<Id>,
    args: &'v [Id],
    signature: &'v str,
}

impl<'v> View<'v> {
    fn new(resolver: &'v Resolver<'v>, method: Method, call: &'v CallSite, signature: &'v str, has_this: bool) -> Self {
        let (this, args) = match call.args.split_first() {
            Some((this, rest)) if has_this && !call.makes => (Some(*this), rest),
            _ => (None, &*call.args),
        };
        View { resolver, method, call, unit: method.unit, at: At::anywhere(method.unit), this, args, signature }
    }

    fn arg(&self, n: usize) -> Option<Id> {
        self.args.get(n).copied()
    }

    fn int(&self, n: usize) -> Option<i64> {
        self.resolver.int(self.at, self.arg(n)?)
    }

    /// Position of the first parameter of this type.
    fn position(&self, ty: &str) -> Option<usize> {
        self.signature.split(',').position(|p| p == ty)
    }

    /// Are the conditions met that are not about the arguments?
    fn applies(&self, row: &EffectRow) -> bool {
        let units = self.resolver.units;
        let is_called = |wanted: &str| {
            let named = |name: &str| match wanted.strip_suffix('*') {
                Some(prefix) => name.starts_with(prefix),
                None => name == wanted,
            };
            units.iter().any(|unit| unit.refs.iter().any(|r| !r.is_field && named(&r.name)))
        };
        let has = |component: &str| {
            let components = self.resolver.links.components.get(self.unit as usize);
            components.is_some_and(|components| components.contains(component))
        };
        row.held.is_none_or(|held| self.is_held(held))
            && !row.unless.iter().any(is_called)
            && (row.only_with.is_empty() || row.only_with.iter().any(has))
    }

    /// Is the receiver kept in a field?
    fn is_held(&self, held: Held) -> bool {
        let unit = self.resolver.units.get(self.unit as usize);
        match self.this.and_then(|this| Some(unit?.arena.get(this))) {
            Some(Expr::Field(token, object)) if self.resolver.links.field(self.unit, *token).is_some() => match held {
                Held::Field => true,
                Held::Static => object.is_none(),
                Held::Outlives => !unit.and_then(|u| u.field_name(*token)).is_some_and(|(ty, _)| is_compilers(ty)),
            },
            Some(Expr::Collection(..) | Expr::Field(..)) => false,
            _ => held == Held::Outlives,
        }
    }

    /// The effects of a row, and whether there are more places than are told apart.
    fn effects_of(&self, row: &EffectRow, via: &str, context: &[Trace]) -> (Vec<Effect>, bool) {
        let mut sure = true;
        if let Some(when) = &row.when {
            match self.int(when.arg.into()) {
                Some(n) if !when.any_of.contains(&n) => return (Vec::new(), false),
                Some(_) => {}
                None => sure = false,
            }
        }
        let (mut operation, decided) = self.decide(row);
        // No value: of a variable of the environment that is its removal, and a key of the registry does not take it.
        if operation == Operation::SetValue
            && row.value.and_then(|n| self.arg(n.into())).is_some_and(|value| self.is_null(value))
        {
            match row.store {
                Store::Environment => operation = Operation::DeleteValue,
                Store::Registry => return (Vec::new(), false),
                _ => {}
            }
        }
        sure &= decided == Certainty::Proven;
        let written = || row.value.and_then(|n| self.arg(n.into())).map(|id| self.origin(id));
        let origin = row.origin.or_else(written).unwrap_or_default();
        let mut out: Vec<Effect> = Vec::new();
        let places = self.locations(row);
        sure &= places.complete;
        for (location, mut value) in places.all {
            value.came(context);
            let sure = sure && !value.is_guess;
            if names_nothing(row, &location) {
                continue;
            }
            // What is opened for reading only cannot be changed: the call throws.
            if value.read_only && operation != Operation::Read {
                continue;
            }
            if row.only_prefix.as_deref().is_some_and(|p| !starts_with_ci(location.text(), p)) {
                continue;
            }
            let certainty = match extent(row, &location) {
                Extent::None if !row.specific => Certainty::Possible,
                Extent::Full if sure => Certainty::Proven,
                _ if location.text().has_unknown() || !sure => Certainty::Likely,
                _ if row.specific => Certainty::Proven,
                _ => Certainty::Likely,
            };
            let certainty = certainty.min(row.at_most.unwrap_or(Certainty::Proven)).min(decided);
            let mut effect = Effect::new(operation, row.store, location, certainty, via).of_origin(origin);
            row.traits.iter().for_each(|t| effect.mark(*t));
            self.marks(&mut effect, &value);
            effect.evidence = self.evidence(row, &value);
            effect.evidence.extend(self.source(row, operation));
            effect
                .evidence
                .extend(places.rest.as_ref().filter(|(rest, _)| *rest == effect.location).map(|(_, n)| more(*n)));
            if !out.iter().any(|e| same_place(&e.location, &effect.location)) {
                out.push(effect);
            }
        }
        (out, places.is_cut)
    }

    /// The effects of opening a connection, where the connection string leads to this machine.
    fn connections(&self, row: &EffectRow, via: &str) -> Vec<Body> {
        let Some(template) = &row.at else { return Vec::new() };
        let mut out = Vec::new();
        for value in self.resolver.at_site(self.at, template, self.this, self.args).iter().take(MAX_LOCATIONS) {
            let Some(database) = database(&value.text, &row.provider) else { continue };
            if let Some(mut effect) = database.effect(via) {
                effect.certainty = effect.certainty.min(row.at_most.unwrap_or(Certainty::Proven));
                effect.evidence.extend(self.resolver.steps(self.unit, &value.steps));
                out.push(Body::Effect(effect));
            }
            out.extend(database.remote().map(Body::Clue));
        }
        out.dedup();
        out
    }

    /// The stores on other hosts that a client is told to talk to.
    fn remotes(&self, row: &EffectRow, ty: &str) -> Vec<Body> {
        let values = row.at.as_ref().map(|at| self.resolver.at_site(self.at, at, self.this, self.args));
        let stores = values.iter().flatten().take(MAX_LOCATIONS).filter_map(|v| remote_store(&row.provider, &v.text));
        stores.map(|at| Body::Clue(Clue::new(ClueKind::RemoteClient, &row.provider, ty).at(at))).collect()
    }

    /// What is done, and how certain that is.
    fn decide(&self, row: &EffectRow) -> (Operation, Certainty) {
        match row.decide {
            Decider::Always | Decider::Connection | Decider::Remote => (row.op, Certainty::Proven),
            Decider::FileMode => self.file_mode(row.op),
            Decider::Append => match self.position("Boolean").map(|n| self.int(n)) {
                Some(Some(0)) | None => (row.op, Certainty::Proven),
                Some(Some(_)) => (Operation::Append, Certainty::Proven),
                Some(None) => (row.op, Certainty::Likely),
            },
            // Microsoft.VisualBasic.OpenMode
            Decider::VbOpenMode => match self.position("OpenMode").and_then(|n| self.int(n)) {
                Some(1) => (Operation::Read, Certainty::Proven),
                Some(2) => (Operation::Create, Certainty::Proven),
                Some(8) => (Operation::Append, Certainty::Proven),
                Some(_) => (Operation::Write, Certainty::Proven),
                None => (row.op, Certainty::Likely),
            },
            // MemoryMappedFileAccess.Read, ReadExecute
            Decider::MapAccess => match self.position("MemoryMappedFileAccess").map(|n| self.int(n)) {
                Some(Some(1 | 4)) => (Operation::Read, Certainty::Proven),
                Some(None) => (row.op, Certainty::Likely),
                _ => (row.op, Certainty::Proven),
            },
        }
    }

    /// System.IO.FileMode and FileAccess; without an access the file is opened for both.
    fn file_mode(&self, default: Operation) -> (Operation, Certainty) {
        // FileSystemRights: WriteData, AppendData, WriteExtendedAttributes, WriteAttributes, Delete
        const WRITING_RIGHTS: i64 = 0x2 | 0x4 | 0x10 | 0x100 | 0x1_0000;
        // FileMode.Open, FileAccess.ReadWrite
        const OPEN: i64 = 3;
        const BOTH: i64 = 3;
        let mode = self.position("FileMode").map(|n| self.int(n));
        let access = self.position("FileAccess").map(|n| self.int(n));
        let rights = self.position("FileSystemRights").and_then(|n| self.int(n));
        if access == Some(Some(1)) || rights.is_some_and(|r| r & WRITING_RIGHTS == 0) {
            return (Operation::Read, Certainty::Proven);
        }
        let operation = match mode {
            Some(Some(1 | 2 | 5)) => Operation::Create,
            Some(Some(6)) => Operation::Append,
            Some(Some(_)) => Operation::Write,
            Some(None) | None => return (default, Certainty::Likely),
        };
        // Opened for both, and then perhaps only read.
        if mode == Some(Some(OPEN)) && matches!(access, None | Some(Some(BOTH))) {
            return match Flow::of(self.resolver, self.method).map(|flow| flow.fate(self.call)) {
                Some(Fate::Read) => (Operation::Read, Certainty::Proven),
                Some(Fate::HandedOn) => (operation, Certainty::Possible),
                Some(Fate::Written) | None => (operation, Certainty::Proven),
            };
        }
        (operation, if access == Some(None) { Certainty::Likely } else { Certainty::Proven })
    }

    fn locations(&self, row: &EffectRow) -> Places {
        let Some(template) = &row.at else {
            return Places { all: vec![(Location::unknown(), Value::default())], complete: true, ..Places::default() };
        };
        let mut values = self.resolver.at_site(self.at, template, self.this, self.args);
        let names = match &row.name {
            Some(name) => self.resolver.at_site(self.at, name, self.this, self.args),
            None => vec![Value::default()],
        };
        if values.iter().any(|v| !v.text.is_empty()) {
            values.retain(|v| !v.text.is_empty());
        }
        if is_path(row) {
            // Values that flow in from messages and the like cannot be paths, nor can numbers: a generic class of the
            // application holds both.
            for value in values.iter_mut().filter(|v| is_no_path(&v.text) || v.int.is_some() && !v.null) {
                *value = Value::unknown();
            }
            // `path == "" ? root : Combine(root, path)`: what is written is below the folder, not the folder.
            let texts: Vec<String> = values.iter().map(|v| v.text.to_string().to_lowercase()).collect();
            let holds_another = |v: &Value| {
                let folder = v.text.to_string().to_lowercase();
                let folder = folder.trim_end_matches(['\\', '/']);
                texts
                    .iter()
                    .any(|t| t.strip_prefix(folder).is_some_and(|rest| rest.len() > 1 && rest.starts_with(['\\', '/'])))
            };
            let deepest: Vec<Value> = values.iter().filter(|v| !holds_another(v)).cloned().collect();
            if !deepest.is_empty() {
                values = deepest;
            }
        }
        // Of many, those that say most.
        values.sort_by_key(|v| (v.text.has_unknown(), v.text.is_unknown()));
        let complete = values.len() <= MAX_LOCATIONS && !values.iter().any(|v| v.text.is_unknown());
        let is_cut = values.len().max(names.len()) >= MAX_VALUES || values.len() * names.len() > MAX_LOCATIONS;
        let others = values.split_off(values.len().min(MAX_LOCATIONS));
        let names = if values.len() * names.len() > MAX_LOCATIONS { vec![merged(&names)] } else { names };
        let mut rest = None;
        if !others.is_empty() {
            let other = merged(&others);
            rest = Some((self.location(row, &other.text, &merged(&names).text), others.len()));
            values.push(other);
        }
        let mut out = Vec::new();
        for value in &values {
            for name in &names {
                let mut both = value.clone();
                both.came(&name.steps);
                both.is_guess |= name.is_guess;
                out.push((self.location(row, &value.text, &name.text), both));
            }
        }
        let folded = fold_alternatives(&mut out);
        Places { all: out, complete: complete && !folded, is_cut, rest }
    }

    fn location(&self, row: &EffectRow, text: &Text, name: &Text) -> Location {
        match row.store {
            _ if is_path(row) => {
                let base = if row.app_relative { Folder::AppDir } else { Folder::Cwd };
                Location::file(&expanded(row, text)).based_on(base)
            }
            Store::Registry | Store::Environment => {
                let key = Location::registry(text);
                if row.name.is_some() { Location::registry_value(&key, name) } else { key }
            }
            Store::Acl if text.leading_lit().starts_with("HK") => Location::registry(text),
            Store::Acl => Location::file(text).based_on(Folder::Cwd),
            _ => Location::named(text.clone()),
        }
    }

    fn marks(&self, effect: &mut Effect, value: &Value) {
        if value.view32 {
            effect.mark(Trait::View32);
        }
        if value.remote {
            effect.mark(Trait::Remote);
        }
        // RegistryOptions.Volatile, here or of the key above.
        if value.volatile || self.position("RegistryOptions").and_then(|n| self.int(n)) == Some(1) {
            effect.mark(Trait::Volatile);
        }
        // FileOptions.DeleteOnClose
        if self.position("FileOptions").and_then(|n| self.int(n)).is_some_and(|n| n & 0x0400_0000 != 0) {
            effect.mark(Trait::DeleteOnClose);
        }
    }

    /// Can a value be nothing but null?
    fn is_null(&self, id: Id) -> bool {
        let values = self.resolver.glance(self.at, id);
        !values.is_empty() && values.iter().all(|value| value.null)
    }

    /// Where the written value comes from.
    fn origin(&self, id: Id) -> Origin {
        let values = self.resolver.glance(self.at, id);
        let of = |value: &Value| {
            let moment = |part: &Part| matches!(part, Part::Hole(hole) if hole.is_of_moment());
            let has = |wanted: &[Source]| {
                let of = |p: &Part| matches!(p, Part::Hole(Hole::From(s, _)) if wanted.contains(s));
                value.text.parts().iter().any(|p| of(p) && !moment(p))
            };
            if value.null || value.int.is_some() || value.text.is_full() {
                Origin::Constant
            } else if has(&[Source::Input]) {
                Origin::Input
            } else if has(&[Source::Generated, Source::Identity]) {
                Origin::Generated
            } else if value.text.parts().iter().any(moment) {
                Origin::Moment
            } else if has(&[Source::Config, Source::Option, Source::Env, Source::Arg, Source::Connection]) {
                Origin::Configuration
            } else {
                Origin::Unknown
            }
        };
        let mut all = values.iter().map(of);
        let first = all.next().unwrap_or_default();
        if all.all(|o| o == first) { first } else { Origin::Unknown }
    }

    /// What is copied or moved, where that is one place.
    fn source(&self, row: &EffectRow, operation: Operation) -> Option<Step> {
        let values = self.resolver.at_site(self.at, row.from.as_ref()?, self.this, self.args);
        let [from] = values.as_slice() else { return None };
        let from = self.location(row, &from.text, &Text::new());
        let says = if operation == Operation::Copy { Step::copied } else { Step::moved };
        (from.extent() == Extent::Full).then(|| says(&from))
    }

    fn evidence(&self, row: &EffectRow, value: &Value) -> Vec<Step> {
        let mut steps = Vec::new();
        if let Some(n) = self.position("FileMode").and_then(|n| self.int(n))
            && row.decide == Decider::FileMode
        {
            steps.push(Step::new(format!("FileMode.{}", file_mode_name(n))));
        }
        steps.extend(self.resolver.steps(self.unit, &value.steps));
        steps
    }
}

fn starts_with_ci(text: &Text, prefix: &str) -> bool {
    text.leading_lit().get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

/// Is the location a file or folder?
fn is_path(row: &EffectRow) -> bool {
    use Store as S;
    let by_store = matches!(
        row.store,
        S::File
            | S::Directory
            | S::TempFile
            | S::Ini
            | S::Log
            | S::Trace
            | S::Mail
            | S::Settings
            | S::IsolatedStorage
            | S::Database
    );
    row.file || by_store && row.at.as_ref().is_none_or(|at| !at.is_url())
}

/// How much is known; the scheme that a row gives is not what was recovered.
fn extent(row: &EffectRow, location: &Location) -> Extent {
    let asked = row.at.as_ref().is_some_and(|at| at.is_url() && at.takes_arguments());
    match location.text().leading_lit().split_once("://") {
        Some((_, "")) if asked && location.text().parts().iter().skip(1).all(|p| *p == Part::Hole(Hole::Unknown)) => {
            Extent::None
        }
        _ => location.extent(),
    }
}

/// A name that is known to be empty: what has no name is not kept.
fn names_nothing(row: &EffectRow, location: &Location) -> bool {
    let asks = row.at.as_ref().is_some_and(|at| at.is_url() && at.takes_arguments());
    asks && location.text().as_lit().is_some_and(|text| text.ends_with("://"))
}

/// The same as far as a reader can tell: the names of parameters apart.
fn same_place(a: &Location, b: &Location) -> bool {
    let bare = |l: &Location| {
        l.text().map_holes(|hole| match hole {
            Hole::From(Source::Param, _) => Some(Text::unknown()),
            _ => None,
        })
    };
    bare(a) == bare(b)
}

/// Placeholders of the library in the known pieces of a path.
fn expanded(row: &EffectRow, text: &Text) -> Text {
    if row.syntax == Syntax::Plain {
        return text.clone();
    }
    let mut out = Text::new();
    for part in text.parts() {
        match part {
            Part::Lit(known) => out.push_text(&expand(row.syntax, known, &|_| None)),
            hole => out.push(hole.clone()),
        }
    }
    out
}
