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
