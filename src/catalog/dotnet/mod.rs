//! What .NET methods do to state, what values they give, and whose an assembly is: `rules/catalog/dotnet/*.toml`.
//!
//! Three kinds of rows share one way of naming members: `types` and `names` are blank-separated lists, and `params` is
//! a prefix of the parameter types in short form (`String,FileMode`). A name also stands for the same name with
//! `Async` at its end. Templates put arguments into a text: `{0}` is the first argument, `{this}` the receiver, any
//! other hole is written as in [`crate::facts::Text`].

mod owners;
mod rows;

pub use owners::{ObfuscatorRow, OwnerRow};
pub use rows::{
    BagRow, CallbackRow, ClientRow, CollectionRow, Decider, EffectRow, Held, HostingRow, Model, Piece, PlatformRow,
    RoleRow, ServingRow, StartRow, Template, ValueRow, When, Words,
};

use serde::Deserialize;
use std::collections::HashMap;
use std::sync::OnceLock;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    effect: Vec<EffectRow>,
    value: Vec<ValueRow>,
    start: Vec<StartRow>,
    role: Vec<RoleRow>,
    client: Vec<ClientRow>,
    owner: Vec<OwnerRow>,
    obfuscator: Vec<ObfuscatorRow>,
    bag: Vec<BagRow>,
    collection: Vec<CollectionRow>,
    callback: Vec<CallbackRow>,
    serving: Vec<ServingRow>,
    hosting: Vec<HostingRow>,
    platform: Vec<PlatformRow>,
}

/// The parsed tables.
#[derive(Debug, Default)]
pub struct Catalog {
    effects: Vec<EffectRow>,
    values: Vec<ValueRow>,
    starts: Vec<StartRow>,
    by_member: HashMap<String, HashMap<String, Rows>>,
    /// Objects with properties, by type.
    bags: HashMap<String, BagRow>,
    collections: HashMap<String, CollectionRow>,
    callbacks: HashMap<String, Vec<CallbackRow>>,
    serving: Vec<ServingRow>,
    hosting: HashMap<String, Vec<HostingRow>>,
    platforms: HashMap<String, Vec<PlatformRow>>,
    /// Phase roots.
    roles: Vec<RoleRow>,
    /// Positions among them by base.
    roles_by_base: HashMap<String, Vec<u16>>,
    /// Remote clients.
    clients: Vec<ClientRow>,
    /// Prefixes of their types with their positions, by what stands before the first full stop.
    client_prefixes: HashMap<String, Vec<(Box<str>, u16)>>,
    /// Owners.
    pub owners: Vec<OwnerRow>,
    /// Obfuscators.
    pub obfuscators: Vec<ObfuscatorRow>,
    /// What did not parse; empty in a release that passed its tests.
    pub errors: Vec<String>,
}

/// The rows of one member name of one type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    effects: Vec<u16>,
    values: Vec<u16>,
    starts: Vec<u16>,
    /// All effects are such that they say something only of an application with certain components.
    conditional: bool,
}

impl Rows {
    /// Does it do anything to state, or start a program that may?
    pub fn is_sink(&self) -> bool {
        !self.effects.is_empty() || !self.starts.is_empty()
    }

    /// Does it depend on the components of the application whether its effects say anything?
    pub fn needs_component(&self) -> bool {
        self.conditional && self.starts.is_empty()
    }
}

/// The tables.
pub fn catalog() -> &'static Catalog {
    static CATALOG: OnceLock<Catalog> = OnceLock::new();
    CATALOG.get_or_init(|| {
        let mut all = Catalog::default();
        for (name, packed) in super::tables("dotnet") {
            match packed.read::<File>() {
                Ok(file) => {
                    all.effects.extend(file.effect);
                    all.values.extend(file.value);
                    all.starts.extend(file.start);
                    all.roles.extend(file.role);
                    all.clients.extend(file.client);
                    all.owners.extend(file.owner);
                    all.obfuscators.extend(file.obfuscator);
                    all.serving.extend(file.serving);
                    for row in file.hosting {
                        by_type(&mut all.hosting, &row.types, &row);
                    }
                    for row in file.platform {
                        by_type(&mut all.platforms, &row.types, &row);
                    }
                    for row in file.collection {
                        all.collections.extend(row.types.split_whitespace().map(|ty| (ty.to_owned(), row.clone())));
                    }
                    for row in file.callback {
                        by_type(&mut all.callbacks, &row.types, &row);
                    }
                    for bag in file.bag {
                        all.bags.extend(bag.types.split_whitespace().map(|ty| (ty.to_owned(), bag.clone())));
                    }
                }
                Err(error) => all.errors.push(format!("{name}: {error}")),
            }
        }
        for (i, row) in all.clients.iter().enumerate() {
            for prefix in row.prefixes.iter() {
                let head = prefix.split('.').next().unwrap_or(prefix);
                all.client_prefixes.entry(head.to_owned()).or_default().push((prefix.into(), i as u16));
            }
        }
        for (i, row) in all.roles.iter().enumerate() {
            for base in row.bases.split_whitespace() {
                all.roles_by_base.entry(base.to_owned()).or_default().push(i as u16);
            }
        }
        all.by_member = index(&all.effects, &all.values, &all.starts);
        all
    })
}

fn by_type<R: Clone>(rows: &mut HashMap<String, Vec<R>>, types: &str, row: &R) {
    for ty in types.split_whitespace() {
        rows.entry(ty.to_owned()).or_default().push(row.clone());
    }
}

fn index(effects: &[EffectRow], values: &[ValueRow], starts: &[StartRow]) -> HashMap<String, HashMap<String, Rows>> {
    let mut map: HashMap<String, HashMap<String, Rows>> = HashMap::new();
    let mut add = |types: &str, names: &str, put: &dyn Fn(&mut Rows)| {
        for ty in types.split_whitespace() {
            let members = map.entry(ty.to_owned()).or_default();
            for name in names.split_whitespace() {
                put(members.entry(name.to_owned()).or_default());
            }
        }
    };
    for (i, row) in effects.iter().enumerate() {
        add(&row.types, &row.names, &|rows| {
            rows.conditional = !row.only_with.is_empty() && (rows.conditional || rows.effects.is_empty());
            rows.effects.push(i as u16);
        });
    }
    for (i, row) in values.iter().enumerate() {
        add(&row.types, &row.names, &|rows| rows.values.push(i as u16));
    }
    for (i, row) in starts.iter().enumerate() {
        add(&row.types, &row.names, &|rows| rows.starts.push(i as u16));
    }
    map
}

impl Catalog {
    /// The stores on other hosts that a type is a client of.
    pub fn clients_of<'a>(&'a self, ty: &'a str) -> impl Iterator<Item = &'a ClientRow> {
        let head = ty.split('.').next().unwrap_or(ty);
        let prefixes = self.client_prefixes.get(head).map_or(&[][..], Vec::as_slice);
        let fitting = prefixes.iter().filter(move |(prefix, _)| ty.starts_with(&**prefix));
        fitting.filter_map(|(_, i)| self.clients.get(usize::from(*i)))
    }

    /// Is any member of this type known?
    pub fn knows_type(&self, ty: &str) -> bool {
        self.by_member.contains_key(ty)
    }

    /// The roles of which any of these bases or attributes speaks, in the order of the table.
    pub fn roles<'n>(&self, names: impl Iterator<Item = &'n str>) -> Vec<&RoleRow> {
        let mut found: Vec<u16> = names.filter_map(|name| self.roles_by_base.get(name)).flatten().copied().collect();
        found.sort_unstable();
        found.dedup();
        found.into_iter().filter_map(|i| self.roles.get(usize::from(i))).collect()
    }

    /// What is known of a type that holds elements, or leads to them.
    pub fn collection(&self, ty: &str) -> Option<&CollectionRow> {
        self.collections.get(ty)
    }

    /// What becomes of the delegates that a method is handed.
    pub fn callback(&self, ty: &str, name: &str) -> Option<&CallbackRow> {
        let named = |row: &&CallbackRow| row.names.has(name);
        self.callbacks.get(ty)?.iter().find(named)
    }

    /// Does a program that refers to this assembly serve others?
    pub fn serves(&self, assembly: &str) -> bool {
        self.serving.iter().flat_map(|row| row.assemblies.iter()).any(|prefix| assembly.starts_with(prefix))
    }

    /// Does this method run what the program is there for?
    pub fn hosts(&self, ty: &str, name: &str) -> bool {
        self.hosting.get(ty).is_some_and(|rows| rows.iter().any(|row| row.names.has(name)))
    }

    /// What a method says of the operating system.
    pub fn platform(&self, ty: &str, name: &str) -> Option<&PlatformRow> {
        self.platforms.get(ty)?.iter().find(|row| row.names.has(name))
    }

    /// Is an object of this type told what to do by its properties?
    pub fn is_bag(&self, ty: &str) -> bool {
        self.bags.contains_key(ty)
    }

    /// The properties that the constructors of a type set, in the order of their parameters.
    pub fn made_from(&self, ty: &str) -> impl Iterator<Item = &str> {
        self.bags.get(ty).into_iter().flat_map(|bag| bag.made_from.iter())
    }

    /// Does this property name what an object of this type stands for?
    pub fn names_object(&self, ty: &str, property: &str) -> bool {
        self.bags.get(ty).is_some_and(|bag| bag.named_by.has(property))
    }

    /// Is the value of this property an object with properties of its own?
    pub fn has_part(&self, ty: &str, property: &str) -> bool {
        self.bags.get(ty).is_some_and(|bag| bag.parts.has(property))
    }

    /// The rows of a member, before its parameters are looked at.
    pub fn rows(&self, ty: &str, name: &str) -> Option<&Rows> {
        let members = self.by_member.get(ty)?;
        members.get(name).or_else(|| members.get(name.strip_suffix("Async")?))
    }

    /// What it does: of the rows whose parameters fit, those with the longest `params`.
    pub fn effects<'a>(&'a self, rows: &'a Rows, params: &str) -> impl Iterator<Item = &'a EffectRow> {
        let fitting = |row: &&EffectRow| fits(row.params.as_deref(), params);
        let longest = |row: &EffectRow| row.params.as_deref().map_or(0, str::len);
        let all = || rows.effects.iter().filter_map(|i| self.effects.get(usize::from(*i)));
        let best = all().filter(fitting).map(longest).max().unwrap_or(0);
        let params = params.to_owned();
        all().filter(move |row| fits(row.params.as_deref(), &params) && longest(row) == best)
    }

    /// What it gives.
    pub fn value(&self, rows: &Rows, params: &str) -> Option<&ValueRow> {
        rows.values
            .iter()
            .filter_map(|i| self.values.get(usize::from(*i)))
            .filter(|row| fits(row.params.as_deref(), params))
            .max_by_key(|row| row.params.as_deref().map_or(0, str::len))
    }

    /// The program that it starts.
    pub fn start(&self, rows: &Rows, params: &str) -> Option<&StartRow> {
        rows.starts
            .iter()
            .filter_map(|i| self.starts.get(usize::from(*i)))
            .filter(|row| fits(row.params.as_deref(), params))
            .max_by_key(|row| row.params.as_deref().map_or(0, str::len))
    }

    /// All effect rows, for tests that keep the tables sound.
    pub fn all_effects(&self) -> &[EffectRow] {
        &self.effects
    }

    /// All value rows, for tests that keep the tables sound.
    pub fn all_values(&self) -> &[ValueRow] {
        &self.values
    }
}

/// `want` is a prefix of `params` that ends at a whole parameter; `-` wants no parameters at all.
fn fits(want: Option<&str>, params: &str) -> bool {
    match want {
        None => true,
        Some("-") => params.is_empty(),
        Some(want) => params.strip_prefix(want).is_some_and(|rest| rest.is_empty() || rest.starts_with(',')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_parses_and_every_row_says_something() {
        let all = catalog();
        assert_eq!(all.errors, Vec::<String>::new());
        assert!(all.all_effects().len() > 50);
        for row in all.all_values() {
            assert!(row.text.is_some() != row.is.is_some(), "{row:?}");
        }
    }

    #[test]
    fn overloads_are_told_by_parameters() {
        assert!(fits(Some("String"), "String,Boolean"));
        assert!(!fits(Some("String"), "StringBuilder"));
        assert!(fits(Some("-"), "") && !fits(Some("-"), "String"));
    }
}
