//! From the bytes of an assembly to its [`Unit`]: names, signatures, who calls whom.

mod com;
mod gaps;
mod spelled;

use super::names::type_label;
use super::shape::Shape;
use super::unit::{
    Identity, METHOD_DEF, MethodInfo, RefInfo, TYPE_DEF, TYPE_REF, TYPE_SPEC, TypeInfo, Unit, row, table,
};
use super::walk::{self, Use};
use crate::catalog::dotnet::catalog;
use crate::facts::{Note, NoteKind};
use cildec::tables::{
    AssemblyRefRow, CustomAttributeRow, FieldRow, ImplMapRow, InterfaceImplRow, MemberRefRow, MethodDefRow,
    MethodSpecRow, ModuleRefRow, NestedClassRow, TypeDefRow, TypeRefRow, TypeSpecRow,
};
use cildec::{BlobIndex, Metadata, MethodBody, MethodSig, PeImage, StringIndex, TableId, Token, TypeSpecSig};
use std::cell::Cell;
use std::collections::HashMap;

/// Rows of one table that are read; the format allows 2^24, real assemblies stay below 400,000.
pub(super) const MAX_ROWS: u32 = 2 << 20;
/// Longest chain of nested types.
const MAX_NESTING: usize = 16;
/// Bytes of names that are copied from any assembly, however small: many rows may have one name.
const FREE_NAMES: usize = 16 << 20;
/// Times that an assembly's size may be copied as names beyond that.
const MAX_COPIES: usize = 4;
/// Calls and stores that are kept of one assembly.
const MAX_EDGES: usize = 8 << 20;

/// An opened assembly.
pub(super) struct Image<'a> {
    pub(super) pe: PeImage<'a>,
    pub(super) metadata: Metadata<'a>,
    /// Bytes of names that may still be copied.
    names_left: Cell<usize>,
    /// Names, signatures and literals that a row or an instruction speaks of and that are not there.
    lost: Cell<usize>,
    /// Bytes that the sections say they have beyond the end of the file.
    missing: u64,
}

impl<'a> Image<'a> {
    /// Opens an assembly.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, cildec::Error> {
        let pe = PeImage::parse(bytes)?;
        let metadata = pe.metadata()?;
        let missing = gaps::missing(&pe, bytes.len());
        let names_left = Cell::new(FREE_NAMES + MAX_COPIES * bytes.len());
        Ok(Image { pe, metadata, names_left, lost: Cell::new(0), missing })
    }

    /// A string of the metadata, as it can be shown; empty if it is broken.
    pub(super) fn string(&self, index: StringIndex) -> Box<str> {
        if self.names_left.get() == 0 {
            return "".into();
        }
        // Without a name the index is 0 (II.22): any other leads to one.
        let Ok(text) = self.metadata.strings().lossy(index).map_err(|_| self.lose()) else { return "".into() };
        if text.is_empty() && index.get() != 0 {
            self.lose();
        }
        self.copied(super::form::visible(&text).as_deref().unwrap_or(&text))
    }

    /// A copy of a name, as long as not too much is copied.
    fn copied(&self, name: &str) -> Box<str> {
        let left = self.names_left.get().checked_sub(name.len());
        self.names_left.set(left.unwrap_or(0));
        left.map_or_else(Box::default, |_| name.into())
    }

    fn blob(&self, index: BlobIndex) -> &'a [u8] {
        self.metadata.blobs().get(index).unwrap_or_else(|_| {
            self.lose();
            &[]
        })
    }

    /// The IL body of a method.
    pub(super) fn body(&self, rid: u32) -> Option<Result<MethodBody<'a>, cildec::Error>> {
        let row = self.metadata.tables().method_def(rid).ok()?;
        MethodBody::from_image(&self.pe, &row).transpose()
    }

    /// Parameter names of a method by position, from 0, the receiver not counted.
    pub(super) fn param_names(&self, rid: u32, count: u16) -> Vec<Box<str>> {
        let mut names = vec![Box::from(""); usize::from(count)];
        let tables = self.metadata.tables();
        for param in tables.param_range(cildec::Rid::new(rid)).unwrap_or(0..0).take(usize::from(count) + 1) {
            let Ok(row) = tables.param(param) else { continue };
            if let Some(slot) = usize::from(row.sequence).checked_sub(1).and_then(|i| names.get_mut(i)) {
                *slot = self.string(row.name);
            }
        }
        names
    }

    /// A string literal.
    pub(super) fn user_string(&self, token: cildec::UserStringToken) -> String {
        let text = self.metadata.user_strings().get(token).map(|s| s.to_string_lossy());
        text.inspect_err(|_| self.lose()).unwrap_or_default()
    }

    /// Names and relations of everything the assembly defines and refers to.
    pub(super) fn unit(&self) -> Unit {
        let mut unit = Unit::default();
        self.assembly_refs(&mut unit);
        let (type_refs, scopes) = self.type_ref_names();
        unit.type_refs = type_refs;
        self.types(&mut unit);
        self.fields(&mut unit);
        self.methods(&mut unit);
        self.member_refs(&mut unit, &scopes);
        unit.specs = self.rows::<MethodSpecRow>(TableId::MethodSpec, &mut unit.notes, |r| r.method.value());
        self.interfaces(&mut unit);
        self.imports(&mut unit);
        self.attributes(&mut unit);
        unit.generic_arguments = self.generic_arguments();
        unit.literals = self.named_in_literals();
        if self.names_left.get() == 0 {
            unit.notes.push(Note::new(NoteKind::Capped, "names that are repeated too often: the rest are left out"));
        }
        unit.entry = self.pe.entry_point_token().filter(|t| table(t.value()) == METHOD_DEF).map(|t| t.rid());
        unit
    }

    /// Only which types derive from which: what others need to know of a framework.
    pub(super) fn outline(&self) -> Unit {
        let mut unit = Unit { type_refs: self.type_ref_names().0, ..Unit::default() };
        self.types(&mut unit);
        self.interfaces(&mut unit);
        unit.type_refs = Vec::new();
        unit.types.iter_mut().for_each(|info| info.methods = 0..0);
        unit
    }

    /// The full name of the type that a constructor outside of the assembly makes.
    pub(super) fn made_type(&self, constructor: Token) -> String {
        let of = || {
            let tables = self.metadata.tables();
            let class = tables.row::<MemberRefRow>(constructor.rid()).ok()?.class;
            let row = tables.row::<TypeRefRow>(class.rid()).ok().filter(|_| class.table() == Some(TableId::TypeRef))?;
            Some(qualified(&self.string(row.type_namespace), &self.string(row.type_name)))
        };
        match constructor.table() {
            Some(TableId::MemberRef) => of().unwrap_or_default(),
            _ => String::new(),
        }
    }

    fn rows<R: cildec::TableRow>(&self, table: TableId, notes: &mut Vec<Note>, f: impl Fn(R) -> u32) -> Vec<u32> {
        let count = self.count(table, notes);
        self.metadata.tables().iter::<R>().take(count).map(|(_, r)| r.map_or(0, &f)).collect()
    }

    fn count(&self, table: TableId, notes: &mut Vec<Note>) -> usize {
        let count = self.metadata.tables().row_count(table);
        if count > MAX_ROWS {
            notes.push(Note::new(
                NoteKind::Capped,
                format!("{count} rows of {}: only {MAX_ROWS} are read", table.name()),
            ));
        }
        count.min(MAX_ROWS) as usize
    }

    /// Name and strong name.
    pub(super) fn identity(&self) -> Identity {
        let Ok(row) = self.metadata.tables().assembly(1) else { return Identity::default() };
        Identity {
            name: self.string(row.name).into(),
            version: format!(
                "{}.{}.{}.{}",
                row.major_version, row.minor_version, row.build_number, row.revision_number
            ),
            token: super::identity::token_of_key(self.blob(row.public_key)),
            culture: self.string(row.culture).into(),
        }
    }

    fn assembly_refs(&self, unit: &mut Unit) {
        let count = self.count(TableId::AssemblyRef, &mut unit.notes);
        let rows = self.metadata.tables().iter::<AssemblyRefRow>().take(count);
        unit.references = rows.map(|(_, r)| r.map_or_else(|_| "".into(), |r| self.string(r.name))).collect();
    }

    /// Full names of type references, and the row of the assembly each comes from.
    fn type_ref_names(&self) -> (Vec<Box<str>>, Vec<u32>) {
        let mut notes = Vec::new();
        let count = self.count(TableId::TypeRef, &mut notes);
        let rows: Vec<TypeRefRow> =
            self.metadata.tables().iter::<TypeRefRow>().take(count).map(|(_, r)| r.unwrap_or_default()).collect();
        let name = |index: usize| {
            let mut parts = Vec::new();
            let mut at = index;
            let mut assembly = 0;
            for _ in 0..MAX_NESTING {
                let Some(row) = rows.get(at) else { break };
                parts.push(qualified(&self.string(row.type_namespace), &self.string(row.type_name)));
                match row.resolution_scope.table() {
                    Some(TableId::TypeRef) => at = (row.resolution_scope.rid() as usize).wrapping_sub(1),
                    Some(TableId::AssemblyRef) => {
                        assembly = row.resolution_scope.rid();
                        break;
                    }
                    _ => break,
                }
            }
            parts.reverse();
            (parts.join("/").into_boxed_str(), assembly)
        };
        (0..rows.len()).map(name).unzip()
    }

    fn types(&self, unit: &mut Unit) {
        let tables = self.metadata.tables();
        let count = self.count(TableId::TypeDef, &mut unit.notes);
        let mut enclosing: HashMap<u32, u32> = HashMap::new();
        for (_, row) in tables.iter::<NestedClassRow>().take(count) {
            if let Ok(row) = row {
                enclosing.insert(row.nested_class.get(), row.enclosing_class.get());
            }
        }
        let rows: Vec<TypeDefRow> =
            tables.iter::<TypeDefRow>().take(count).map(|(_, r)| r.unwrap_or_default()).collect();
        let last_method = tables.logical_row_count(TableId::MethodDef).saturating_add(1);
        let mut free = 1;
        for (i, def) in rows.iter().enumerate() {
            let rid = i as u32 + 1;
            let mut parts = Vec::new();
            let mut at = rid;
            for _ in 0..MAX_NESTING {
                let Some(row) = rows.get((at as usize).wrapping_sub(1)) else { break };
                parts.push(qualified(&self.string(row.type_namespace), &self.string(row.type_name)));
                match enclosing.get(&at) {
                    Some(&outer) => at = outer,
                    None => break,
                }
            }
            parts.reverse();
            // Lists follow one another (II.22.37); where they overlap, the first type has the method.
            let start = def.method_list.get().max(free);
            let end = rows.get(i + 1).map_or(last_method, |next| next.method_list.get()).min(last_method);
            free = free.max(end);
            unit.types.push(TypeInfo {
                name: parts.join("/").into(),
                base: "".into(),
                methods: start..end.max(start),
                ..TypeInfo::default()
            });
        }
        for (i, def) in rows.iter().enumerate() {
            let base = self.type_name(unit, def.extends, 0);
            if let Some(info) = unit.types.get_mut(i) {
                info.base = base;
            }
        }
    }

    /// The full name of a type token; of a generic instance, that of its definition.
    pub(super) fn type_name(&self, unit: &Unit, token: Token, depth: usize) -> Box<str> {
        if table(token.value()) != TYPE_SPEC {
            return self.copied(unit.type_name(token.value()));
        }
        if depth > 2 {
            return "".into();
        }
        let spec =
            self.metadata.tables().row::<TypeSpecRow>(token.rid()).map(|r| self.blob(r.signature)).unwrap_or(&[]);
        match TypeSpecSig::parse(spec).map(|s| s.type_) {
            Ok(cildec::Type::GenericInst { def, .. }) => self.type_name(unit, def, depth + 1),
            Ok(cildec::Type::Class(token) | cildec::Type::ValueType(token)) => self.type_name(unit, token, depth + 1),
            _ => "".into(),
        }
    }

    fn fields(&self, unit: &mut Unit) {
        let tables = self.metadata.tables();
        let count = self.count(TableId::Field, &mut unit.notes);
        let rows = tables.iter_indirect::<FieldRow>().take(count);
        unit.fields = rows.map(|(_, r)| r.map_or_else(|_| "".into(), |r| self.string(r.name))).collect();
        unit.field_owners = vec![0; unit.fields.len()];
        let mut free = 1;
        for rid in 1..=unit.types.len() as u32 {
            let range = tables.field_range(cildec::Rid::new(rid)).unwrap_or(0..0);
            let range = range.start.max(free)..range.end.max(range.start.max(free));
            free = range.end;
            if let Some(info) = unit.types.get_mut(rid as usize - 1) {
                info.fields = range.clone();
            }
            let range = range.start.saturating_sub(1) as usize..range.end.saturating_sub(1) as usize;
            for owner in unit.field_owners.get_mut(range).into_iter().flatten() {
                *owner = rid;
            }
        }
    }

    fn methods(&self, unit: &mut Unit) {
        let tables = self.metadata.tables();
        let count = self.count(TableId::MethodDef, &mut unit.notes);
        for (_, row) in tables.iter_indirect::<MethodDefRow>().take(count) {
            let Ok(row) = row else {
                unit.methods.push(MethodInfo::default());
                continue;
            };
            let shape = Shape::of(self.signature_blob(row.signature));
            unit.methods.push(MethodInfo {
                name: self.string(row.name),
                params: shape.params,
                has_this: shape.has_this,
                returns: shape.returns,
                is_virtual: row.flags & 0x40 != 0,
                is_public: row.flags & 0x7 == 0x6,
                ..MethodInfo::default()
            });
        }
        for (i, info) in unit.types.iter().enumerate() {
            let range = info.methods.start as usize - 1..(info.methods.end as usize).saturating_sub(1);
            for method in unit.methods.get_mut(range).into_iter().flatten() {
                method.owner = i as u32 + 1;
            }
        }
    }

    fn member_refs(&self, unit: &mut Unit, scopes: &[u32]) {
        let tables = self.metadata.tables();
        let count = self.count(TableId::MemberRef, &mut unit.notes);
        let catalog = catalog();
        let mut refs = Vec::with_capacity(count);
        for (_, row) in tables.iter::<MemberRefRow>().take(count) {
            let row = row.unwrap_or_default();
            let class = row.class.value();
            let blob = self.signature_blob(row.signature);
            let mut info = RefInfo { name: self.string(row.name), ..RefInfo::default() };
            info.ty = match table(class) {
                METHOD_DEF => unit.owner_of(row_of(class)).map_or_else(|| "".into(), |t| t.name.clone()),
                _ => self.type_name(unit, row.class, 0),
            };
            if let Some(scope) = self.scope_of(row.class, scopes, 0) {
                info.assembly = unit.references.get(scope as usize - 1).cloned().unwrap_or_default();
            }
            // FIELD calling convention (II.23.2.4)
            info.is_field = blob.first().is_some_and(|b| b & 0x0f == 0x06);
            if !info.is_field {
                let shape = Shape::of(blob);
                (info.params, info.has_this, info.returns) = (shape.params, shape.has_this, shape.returns);
            }
            info.rows = catalog.rows(&info.ty, &info.name);
            if !info.is_field && catalog.knows_type(&info.ty) {
                info.signature = self.copied(&self.signature(unit, blob));
            }
            refs.push(info);
        }
        unit.refs = refs;
    }

    /// Row of the assembly reference that a member's class comes from.
    fn scope_of(&self, class: Token, scopes: &[u32], depth: usize) -> Option<u32> {
        match table(class.value()) {
            TYPE_REF => scopes.get((class.rid() as usize).wrapping_sub(1)).copied().filter(|s| *s > 0),
            TYPE_SPEC if depth < 2 => {
                let spec = self.metadata.tables().row::<TypeSpecRow>(class.rid()).ok()?;
                match TypeSpecSig::parse(self.blob(spec.signature)).ok()?.type_ {
                    cildec::Type::GenericInst { def, .. } => self.scope_of(def, scopes, depth + 1),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// Parameter types in the short form of the catalogue: `String,FileMode`.
    fn signature(&self, unit: &Unit, blob: &[u8]) -> String {
        let Ok(signature) = MethodSig::parse(blob) else { return String::new() };
        let label = |p: &cildec::Param<'_>| type_label(&p.type_, &|token| self.type_name(unit, token, 0));
        signature.params.iter().map(label).collect::<Vec<_>>().join(",")
    }

    fn interfaces(&self, unit: &mut Unit) {
        let count = self.count(TableId::InterfaceImpl, &mut unit.notes);
        for (_, row) in self.metadata.tables().iter::<InterfaceImplRow>().take(count) {
            let Ok(row) = row else { continue };
            let name = self.type_name(unit, row.interface, 0);
            if let Some(info) = unit.types.get_mut((row.class.get() as usize).wrapping_sub(1)) {
                info.interfaces.push(name);
            }
        }
    }

    /// P/Invoke (II.22.22).
    fn imports(&self, unit: &mut Unit) {
        let tables = self.metadata.tables();
        let count = self.count(TableId::ImplMap, &mut unit.notes);
        for (_, row) in tables.iter::<ImplMapRow>().take(count) {
            let Ok(row) = row else { continue };
            let module =
                tables.row::<ModuleRefRow>(row.import_scope.get()).map(|m| self.string(m.name)).unwrap_or_default();
            let module = module.to_lowercase();
            let module = module.strip_suffix(".dll").unwrap_or(&module);
            let name = self.string(row.import_name);
            if row.member_forwarded.table() == Some(TableId::MethodDef) {
                let index = (row.member_forwarded.rid() as usize).wrapping_sub(1);
                if let Some(method) = unit.methods.get_mut(index) {
                    method.import = Some(format!("{module}!{name}").into());
                }
            }
        }
    }

    fn attributes(&self, unit: &mut Unit) {
        let count = self.count(TableId::CustomAttribute, &mut unit.notes);
        let mut declared = com::Declared::default();
        for (_, row) in self.metadata.tables().iter::<CustomAttributeRow>().take(count) {
            let Ok(row) = row else { continue };
            let parent = row.parent.value();
            if !matches!(table(parent), TYPE_DEF | METHOD_DEF) {
                continue;
            }
            let Some(ty) = unit.callee(row.constructor.value()).map(|callee| self.copied(callee.ty)) else { continue };
            let index = (row_of(parent) as usize).wrapping_sub(1);
            if table(parent) == TYPE_DEF {
                declared.add(index, &ty, || self.blob(row.value));
            }
            let of = match table(parent) {
                TYPE_DEF => unit.types.get_mut(index).map(|info| &mut info.attributes),
                _ => unit.methods.get_mut(index).map(|info| &mut info.attributes),
            };
            if let Some(of) = of {
                super::form::add_attribute(of, ty, || self.blob(row.value));
            }
        }
        declared.name_methods(unit);
    }

    /// Fills in who calls and stores what.
    pub(super) fn scan(&self, unit: &mut Unit) {
        let mut broken = 0_usize;
        let (mut calls, mut functions, mut stores) = (Vec::new(), Vec::new(), Vec::new());
        for rid in 1..=unit.methods.len() as u32 {
            let body = match self.body(rid) {
                Some(Ok(body)) => body,
                Some(Err(_)) => {
                    broken += 1;
                    continue;
                }
                None => continue,
            };
            if calls.len() + functions.len() + stores.len() > MAX_EDGES {
                unit.notes
                    .push(Note::new(NoteKind::Capped, format!("more than {MAX_EDGES} calls: the rest is not read")));
                break;
            }
            let (first_call, first_function, first_store) = (calls.len(), functions.len(), stores.len());
            walk::tokens(body.code, |what, token| match what {
                Use::Call => calls.push((rid, unit.plain(token))),
                Use::Function => functions.push((rid, unit.plain(token))),
                Use::Store => stores.push((rid, token)),
                Use::Token => unit.typed.extend(matches!(table(token), TYPE_DEF | TYPE_REF).then_some((rid, token))),
            });
            tidy(&mut calls, first_call);
            tidy(&mut functions, first_function);
            tidy(&mut stores, first_store);
        }
        if broken > 0 {
            unit.notes.push(Note::new(NoteKind::Malformed, format!("{broken} method bodies cannot be read")));
        }
        unit.calls = calls;
        unit.functions = functions;
        unit.stores = stores;
    }
}

/// Sorts the tail and drops repetitions; the head belongs to methods with smaller rows.
fn tidy(edges: &mut Vec<(u32, u32)>, from: usize) {
    let mut tail = edges.split_off(from.min(edges.len()));
    tail.sort_unstable();
    tail.dedup();
    edges.append(&mut tail);
}

fn row_of(token: u32) -> u32 {
    row(token)
}

fn qualified(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}.{name}") }
}
