//! What is kept of one assembly after its bytes are gone: types, members, who calls whom, interpreted methods.

use super::interp::Body;
use super::value::Arena;
use crate::catalog::dotnet::Rows;
use crate::facts::Note;
use std::collections::BTreeMap;
use std::ops::Range;

/// Tables of metadata tokens (ECMA-335 II.22): the top byte of a token.
pub(super) const TYPE_REF: u32 = 0x01;
pub(super) const TYPE_DEF: u32 = 0x02;
pub(super) const FIELD: u32 = 0x04;
pub(super) const METHOD_DEF: u32 = 0x06;
pub(super) const MEMBER_REF: u32 = 0x0a;
pub(super) const TYPE_SPEC: u32 = 0x1b;
pub(super) const METHOD_SPEC: u32 = 0x2b;

/// The table of a token.
pub(super) fn table(token: u32) -> u32 {
    token >> 24
}

/// The row of a token, from 1.
pub(super) fn row(token: u32) -> u32 {
    token & 0x00ff_ffff
}

/// A token of a method definition.
pub(super) fn method_token(rid: u32) -> u32 {
    METHOD_DEF << 24 | rid
}

/// The name and strong name of an assembly (ECMA-335 II.22.2).
#[derive(Clone, Debug, Default)]
pub(super) struct Identity {
    /// Simple name.
    pub(super) name: String,
    /// Version, four numbers.
    pub(super) version: String,
    /// Public key token in hexadecimal; empty without a strong name.
    pub(super) token: String,
    /// Culture of a satellite assembly; empty for one with code.
    pub(super) culture: String,
}

/// A type that the assembly defines.
#[derive(Clone, Debug, Default)]
pub(super) struct TypeInfo {
    /// Full name, nested types after `/`.
    pub(super) name: Box<str>,
    /// Full name of the base type.
    pub(super) base: Box<str>,
    /// Full names of the interfaces.
    pub(super) interfaces: Vec<Box<str>>,
    /// Full names of custom attributes.
    pub(super) attributes: Vec<Box<str>>,
    /// Rows of its methods.
    pub(super) methods: Range<u32>,
    /// Rows of its fields.
    pub(super) fields: Range<u32>,
}

/// A method that the assembly defines.
#[derive(Clone, Debug, Default)]
pub(super) struct MethodInfo {
    /// Name.
    pub(super) name: Box<str>,
    /// Row of its type.
    pub(super) owner: u32,
    /// Parameters, the receiver not counted.
    pub(super) params: u16,
    /// Has a receiver.
    pub(super) has_this: bool,
    /// Gives a result.
    pub(super) returns: bool,
    /// May be overridden, or overrides.
    pub(super) is_virtual: bool,
    /// Can be called from everywhere (II.23.1.10).
    pub(super) is_public: bool,
    /// The native function it stands for: `kernel32!CreateFileW`.
    pub(super) import: Option<Box<str>>,
    /// Full names of custom attributes that matter for phases.
    pub(super) attributes: Vec<Box<str>>,
}

/// A member of another assembly, or of a generic type.
#[derive(Clone, Debug, Default)]
pub(super) struct RefInfo {
    /// Full name of the type.
    pub(super) ty: Box<str>,
    /// The assembly of the type; empty for this one.
    pub(super) assembly: Box<str>,
    /// Name.
    pub(super) name: Box<str>,
    /// Parameter types in short form; filled for catalogued types only.
    pub(super) signature: Box<str>,
    /// Parameters, the receiver not counted.
    pub(super) params: u16,
    /// Has a receiver.
    pub(super) has_this: bool,
    /// Gives a result.
    pub(super) returns: bool,
    /// A field.
    pub(super) is_field: bool,
    /// What the catalogue says about it.
    pub(super) rows: Option<&'static Rows>,
}

/// A method as its callers see it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Callee<'a> {
    /// Full name of the declaring type.
    pub(super) ty: &'a str,
    /// Name.
    pub(super) name: &'a str,
    /// Parameters, the receiver not counted.
    pub(super) params: u16,
    /// Has a receiver.
    pub(super) has_this: bool,
    /// Gives a result.
    pub(super) returns: bool,
    /// Parameter types in short form; empty if the type is not catalogued.
    pub(super) signature: &'a str,
}

/// One assembly.
#[derive(Debug, Default)]
pub(super) struct Unit {
    /// The artifact, by its path in the report.
    pub(super) artifact: String,
    /// Name of the file.
    pub(super) file_name: String,
    /// Who it is.
    pub(super) identity: Identity,
    /// Types by row.
    pub(super) types: Vec<TypeInfo>,
    /// Methods by row.
    pub(super) methods: Vec<MethodInfo>,
    /// Names of fields by row.
    pub(super) fields: Vec<Box<str>>,
    /// Row of the type that declares each field.
    pub(super) field_owners: Vec<u32>,
    /// Member references by row.
    pub(super) refs: Vec<RefInfo>,
    /// Full names of type references by row.
    pub(super) type_refs: Vec<Box<str>>,
    /// What generic method instances are instances of, by row.
    pub(super) specs: Vec<u32>,
    /// Caller's row and called token, sorted.
    pub(super) calls: Vec<(u32, u32)>,
    /// Row of the method and the method token that it takes as a delegate, sorted.
    pub(super) functions: Vec<(u32, u32)>,
    /// Row of the method and field token that it stores, sorted.
    pub(super) stores: Vec<(u32, u32)>,
    /// Row of the method and token of the type that it asks about, as `typeof` does; sorted by the method.
    pub(super) typed: Vec<(u32, u32)>,
    /// Tokens of types that generic instances are made of.
    pub(super) generic_arguments: Vec<u32>,
    /// Literals that may name a type or a member.
    pub(super) literals: Vec<Box<str>>,
    /// Row of the entry point.
    pub(super) entry: Option<u32>,
    /// Simple names of the assemblies it refers to.
    pub(super) references: Vec<Box<str>>,
    /// Symbolic values.
    pub(super) arena: Arena,
    /// Interpreted methods by row.
    pub(super) bodies: BTreeMap<u32, Body>,
    /// What could not be read.
    pub(super) notes: Vec<Note>,
}

impl Unit {
    /// A type by row.
    pub(super) fn type_info(&self, rid: u32) -> Option<&TypeInfo> {
        self.types.get((rid as usize).wrapping_sub(1))
    }

    /// A method by row.
    pub(super) fn method(&self, rid: u32) -> Option<&MethodInfo> {
        self.methods.get((rid as usize).wrapping_sub(1))
    }

    /// The type that declares a method.
    pub(super) fn owner_of(&self, rid: u32) -> Option<&TypeInfo> {
        self.type_info(self.method(rid)?.owner)
    }

    /// A member reference by token.
    pub(super) fn member_ref(&self, token: u32) -> Option<&RefInfo> {
        if table(token) != MEMBER_REF {
            return None;
        }
        self.refs.get((row(token) as usize).wrapping_sub(1))
    }

    /// Strips a generic instantiation off a method token.
    pub(super) fn plain(&self, token: u32) -> u32 {
        match table(token) {
            METHOD_SPEC => self.specs.get((row(token) as usize).wrapping_sub(1)).copied().unwrap_or(0),
            _ => token,
        }
    }

    /// A method token as its callers see it.
    pub(super) fn callee(&self, token: u32) -> Option<Callee<'_>> {
        if table(token) == METHOD_DEF {
            let m = self.method(row(token))?;
            let ty = self.type_info(m.owner).map_or("", |t| &t.name);
            return Some(Callee {
                ty,
                name: &m.name,
                params: m.params,
                has_this: m.has_this,
                returns: m.returns,
                signature: "",
            });
        }
        let r = self.member_ref(token)?;
        Some(Callee {
            ty: &r.ty,
            name: &r.name,
            params: r.params,
            has_this: r.has_this,
            returns: r.returns,
            signature: &r.signature,
        })
    }

    /// Declaring type and name of a field token.
    pub(super) fn field_name(&self, token: u32) -> Option<(&str, &str)> {
        if table(token) == FIELD {
            let index = (row(token) as usize).wrapping_sub(1);
            let ty = self.field_owners.get(index).and_then(|rid| self.type_info(*rid)).map_or("", |t| &t.name);
            return Some((ty, self.fields.get(index)?));
        }
        let r = self.member_ref(token)?;
        Some((&r.ty, &r.name))
    }

    /// The full name of a type token; empty if it has none.
    pub(super) fn type_name(&self, token: u32) -> &str {
        let index = (row(token) as usize).wrapping_sub(1);
        match table(token) {
            TYPE_DEF => self.types.get(index).map_or("", |t| &t.name),
            TYPE_REF => self.type_refs.get(index).map_or("", |t| t),
            _ => "",
        }
    }
}
