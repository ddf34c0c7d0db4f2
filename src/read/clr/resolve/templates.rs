//! Templates of the catalogue, filled in with what a call is given.

use super::{At, Expr, Id, Piece, Resolver, Template, Text, Value, models, tidy};

impl Resolver<'_> {
    /// Puts values into a template.
    pub(in crate::read::clr) fn template(
        &self,
        at: At<'_>,
        template: &Template,
        this: Option<Id>,
        args: &[Id],
    ) -> Vec<Value> {
        let mut out = vec![Value::default()];
        for piece in &template.0 {
            let id = match piece {
                Piece::Text(text) => {
                    out.iter_mut().for_each(|v| v.text.push_text(text));
                    continue;
                }
                Piece::Module => {
                    let name = self.units.get(at.unit as usize).map_or("", |u| &u.file_name);
                    out.iter_mut().for_each(|v| v.text.push_lit(name));
                    continue;
                }
                Piece::Field => {
                    let name = self.field_of(at.unit, this);
                    out.iter_mut().for_each(|v| v.text.push_text(&name));
                    continue;
                }
                Piece::Property(of, name) => {
                    let id = match of {
                        Some(n) => args.get(usize::from(*n)).copied(),
                        None => this,
                    };
                    let objects = id.map_or_else(Vec::new, |id| self.eval(at, id));
                    let known = objects.iter().filter_map(|o| o.property(name).map(|text| o.with(text.clone())));
                    let mut values: Vec<Value> = known.collect();
                    if values.is_empty() {
                        values.push(Value::default());
                    }
                    out = models::combine(&out, &values, |a, b| a.clone().concat(b));
                    continue;
                }
                Piece::This => this,
                Piece::Arg(n) => args.get(usize::from(*n)).copied(),
            };
            let values = id.map_or_else(|| vec![Value::unknown()], |id| self.eval(at, id));
            if template.0.len() == 1 {
                return values;
            }
            out = models::combine(&out, &values, |a, b| a.clone().concat(b));
        }
        tidy(&mut out);
        out
    }

    /// The file name of the assembly of a type: of this one, when `typeof` names a type that is defined in it.
    pub(in crate::read::clr) fn assembly_of(&self, at: At<'_>, ty: Option<Id>) -> Text {
        /// Table of the types that an assembly defines (ECMA-335, II.22.37).
        const TYPE_DEF: u32 = 0x02;
        let own = ty.and_then(|ty| {
            let unit = self.units.get(at.unit as usize)?;
            let named = match unit.arena.get(ty) {
                Expr::Call(_, args) => unit.arena.get(*args.first()?),
                other => other,
            };
            matches!(named, Expr::Type(token) if token >> 24 == TYPE_DEF).then(|| Text::lit(unit.file_name.as_str()))
        });
        own.unwrap_or_else(Text::unknown)
    }

    /// The field that holds an object, by its name in the source.
    pub(super) fn field_of(&self, unit: u32, object: Option<Id>) -> Text {
        let name = object.and_then(|object| {
            let unit = self.units.get(unit as usize)?;
            match unit.arena.get(object) {
                Expr::Field(token, _) => unit.field_name(*token),
                _ => None,
            }
        });
        match name {
            Some((ty, field)) => {
                Text::lit(format!("{}.{}", ty.replace('/', "."), crate::read::clr::names::written_field(field)))
            }
            None => Text::unknown(),
        }
    }

    /// A template in the frame of a call site.
    pub(in crate::read::clr) fn at_site(
        &self,
        at: At<'_>,
        template: &Template,
        this: Option<Id>,
        args: &[Id],
    ) -> Vec<Value> {
        self.start();
        self.template(at, template, this, args)
    }

    /// The type that declares the method whose receiver this is, as it is written in configuration files.
    pub(in crate::read::clr) fn class_of(&self, at: At<'_>, this: Option<Id>) -> String {
        let class = this.and_then(|this| {
            let unit = self.units.get(at.unit as usize)?;
            match unit.arena.get(this) {
                Expr::Param(rid, 0) => unit.owner_of(*rid).map(|t| t.name.replace('/', "+")),
                _ => None,
            }
        });
        class.unwrap_or_else(|| "?".to_owned())
    }
}
