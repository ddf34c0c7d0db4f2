//! Symbolic values of one assembly: an arena of expressions, equal ones shared.
//!
//! Interpreting a method only *builds* expressions; what they mean as strings is decided later, when parameters, fields
//! and results of other methods can be looked at ([`super::resolve`]).

use indexmap::IndexSet;

/// Index of an expression in its arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Id(u32);

impl Id {
    /// Nothing is known.
    pub(super) const UNKNOWN: Id = Id(0);
    /// The null reference; also what a local holds before it is assigned.
    pub(super) const NULL: Id = Id(1);
}

/// A symbolic value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Expr {
    /// Nothing is known.
    Unknown,
    /// The null reference.
    Null,
    /// An integer, a boolean, a character, an enumeration.
    Int(i64),
    /// A string literal.
    Str(Box<str>),
    /// Parameter of the method with this row, the receiver counted.
    Param(u32, u16),
    /// A field by token, of this object unless it is static.
    Field(u32, Option<Id>),
    /// Result of a call, or the object made by a constructor: token and arguments, the receiver first if there is one.
    Call(u32, Box<[Id]>),
    /// What a call leaves in the variable whose address is this argument of it, the receiver counted.
    Given(u32, u16, Box<[Id]>),
    /// Elements of an array.
    Array(Box<[Id]>),
    /// An element of an array.
    Element(Id, Id),
    /// Strings after one another.
    Concat(Box<[Id]>),
    /// A character, from its code.
    Char(Id),
    /// A value whose text is not that of its number: a boolean, which is told apart, or an enumeration.
    Named(Id, bool),
    /// One of these.
    Phi(Box<[Id]>),
    /// The first of two if this parameter is not zero, else the second.
    Choice(Id, Box<[Id]>),
    /// A type, from `ldtoken`.
    Type(u32),
    /// A method as a value.
    Function(u32),
    /// The address of a local variable; lives only inside one method.
    Local(u16),
    /// The address of an argument; lives only inside one method.
    Argument(u16),
    /// An object with a property set: the object as it was, the type that declares the property, its name, the value.
    With(Id, Box<str>, Box<str>, Id),
    /// An object that a property of an object gives, its properties are told with those of the whole: the object, the
    /// type that declares the property, its name; lives only inside one method.
    Part(Id, Box<str>, Box<str>),
    /// An object of the application after a property or field was set: the object as it was, the setter or field as a
    /// token, the value.
    Set(Id, u32, Id),
    /// A collection made at this offset of the method with this row, of these arguments.
    Collection(u32, u32, Box<[Id]>),
    /// An array, a string builder or an object with properties made at this offset of this method; its content changes along the method.
    Object(u32, u32),
}

/// Alternatives that are kept where control flow joins.
const MAX_ALTERNATIVES: usize = 6;
/// Properties of one object that are kept.
const MAX_PROPERTIES: usize = 24;
/// Parts of a concatenation that are kept.
const MAX_PARTS: usize = 64;
/// Expressions of one assembly; beyond, everything is unknown.
const MAX_EXPRESSIONS: usize = 4 << 20;

/// The expressions of one assembly.
#[derive(Debug)]
pub(super) struct Arena {
    nodes: IndexSet<Expr, foldhash::fast::RandomState>,
}

impl Default for Arena {
    fn default() -> Self {
        let mut arena = Arena { nodes: IndexSet::default() };
        arena.add(Expr::Unknown);
        arena.add(Expr::Null);
        arena
    }
}

impl Arena {
    /// The expression.
    pub(super) fn get(&self, id: Id) -> &Expr {
        self.nodes.get_index(id.0 as usize).unwrap_or(&Expr::Unknown)
    }

    /// Adds an expression, or finds the equal one.
    pub(super) fn add(&mut self, expr: Expr) -> Id {
        if self.nodes.len() >= MAX_EXPRESSIONS {
            return self.find(&expr).unwrap_or(Id::UNKNOWN);
        }
        Id(self.nodes.insert_full(expr).0 as u32)
    }

    /// The expression that is there already.
    pub(super) fn find(&self, expr: &Expr) -> Option<Id> {
        self.nodes.get_index_of(expr).map(|index| Id(index as u32))
    }

    /// An integer.
    pub(super) fn int(&mut self, value: i64) -> Id {
        self.add(Expr::Int(value))
    }

    /// One of two values.
    pub(super) fn either(&mut self, a: Id, b: Id) -> Id {
        if a == b {
            return a;
        }
        let mut all = Vec::new();
        for id in [a, b] {
            match self.get(id) {
                Expr::Phi(ids) => all.extend(ids.iter().copied()),
                _ => all.push(id),
            }
        }
        let mut kept: Vec<Id> = Vec::new();
        for id in all {
            if !kept.contains(&id) {
                kept.push(id);
            }
        }
        if kept.len() > MAX_ALTERNATIVES {
            kept.truncate(MAX_ALTERNATIVES - 1);
            kept.push(Id::UNKNOWN);
        }
        self.add(Expr::Phi(kept.into()))
    }

    /// One of two values, by a condition. What changes along the method is not told apart: it is looked up where it is.
    pub(super) fn choice(&mut self, condition: Id, then: Id, or: Id) -> Id {
        let changes = |id: Id| {
            matches!(self.get(id), Expr::Object(..) | Expr::Collection(..) | Expr::Local(_) | Expr::Argument(_))
        };
        if then == or || changes(then) || changes(or) {
            return self.either(then, or);
        }
        self.add(Expr::Choice(condition, [then, or].into()))
    }

    /// A string followed by another.
    pub(super) fn append(&mut self, left: Id, right: Id) -> Id {
        let mut parts = match self.get(left) {
            Expr::Concat(parts) => parts.to_vec(),
            Expr::Null => Vec::new(),
            _ => vec![left],
        };
        if parts.len() < MAX_PARTS {
            parts.push(right);
        } else if parts.last() != Some(&Id::UNKNOWN) {
            parts.push(Id::UNKNOWN);
        }
        self.add(Expr::Concat(parts.into()))
    }

    /// An object with a property set.
    pub(super) fn with_property(&mut self, object: Id, ty: &str, name: &str, value: Id) -> Id {
        // Each property counts once; the chain stays as long as the object has properties.
        let mut depth = 0;
        let mut at = object;
        while let Expr::With(inner, ..) = self.get(at) {
            at = *inner;
            depth += 1;
        }
        if depth >= MAX_PROPERTIES {
            return object;
        }
        self.add(Expr::With(object, ty.into(), name.into(), value))
    }

    /// An object of the application after a setter was called on it or a field assigned. What it was made by stays.
    pub(super) fn with_set(&mut self, object: Id, token: u32, value: Id) -> Id {
        if let Expr::Phi(ids) = self.get(object) {
            let ids = ids.clone();
            let set: Vec<Id> = ids.iter().map(|id| self.with_set(*id, token, value)).collect();
            return set.into_iter().reduce(|a, b| self.either(a, b)).unwrap_or(Id::UNKNOWN);
        }
        let is_object = matches!(self.get(object), Expr::Call(..) | Expr::Set(..));
        if !is_object || self.sets(object).count() >= MAX_PROPERTIES {
            return Id::UNKNOWN;
        }
        self.add(Expr::Set(object, token, value))
    }

    /// What was set on an object, the last first: setters or fields as tokens, and values.
    pub(super) fn sets(&self, object: Id) -> impl Iterator<Item = (u32, Id)> {
        let next = |(inner, _): &(Id, (u32, Id))| match self.get(*inner) {
            Expr::Set(inner, token, value) => Some((*inner, (*token, *value))),
            _ => None,
        };
        std::iter::successors(next(&(object, (0, object))), next).map(|(_, set)| set)
    }

    /// The call that made an object, whatever was set on it since.
    pub(super) fn making(&self, mut object: Id) -> &Expr {
        while let Expr::Set(inner, ..) = self.get(object) {
            object = *inner;
        }
        self.get(object)
    }

    /// An array with one element replaced.
    pub(super) fn with_element(&mut self, array: Id, index: i64, value: Id) -> Option<Id> {
        let Expr::Array(elements) = self.get(array) else { return None };
        let mut elements = elements.to_vec();
        *elements.get_mut(usize::try_from(index).ok()?)? = value;
        Some(self.add(Expr::Array(elements.into())))
    }
}
