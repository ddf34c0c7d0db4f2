//! What well-known methods compute from symbolic values: joining paths, formatting, looking up settings.

mod connection;
mod keys;
mod paths;

use super::answer::{MAX_VALUES, Value, only_texts};
use super::resolve::{At, Resolver};
use super::value::Id;
use crate::catalog::dotnet::{Model, ValueRow};
use crate::facts::{Folder, Hole, Location, Part, Source, Text, env_hole, join_paths};
use connection::connection_string;
use keys::{base_key, sub_key};
pub(super) use paths::parent;
use paths::{cut_tail, file_name, folder_of, name_of_entry};

/// Computes the value of a call.
pub(super) fn apply(
    resolver: &Resolver<'_>,
    at: At<'_>,
    row: &ValueRow,
    model: Model,
    signature: &str,
    this: Option<Id>,
    args: &[Id],
) -> Vec<Value> {
    let arg = |n: usize| args.get(n).map_or_else(|| vec![Value::unknown()], |id| resolver.eval(at, *id));
    let subject = || match this {
        Some(this) => resolver.eval(at, this),
        None => arg(0),
    };
    let each = |values: Vec<Value>, f: &dyn Fn(&Text) -> Text| -> Vec<Value> {
        values.iter().map(|v| v.with(f(&v.text))).collect()
    };
    match model {
        Model::Concat => {
            let parts = spread(resolver, at, args);
            product(resolver, at, &parts, |all| {
                Text::from_parts(all.iter().flat_map(|v| v.text.parts().iter().cloned()))
            })
        }
        Model::Join => join(resolver, at, args),
        Model::Format => {
            // An IFormatProvider may come first; StringBuilder.AppendFormat has a receiver, which is skipped above.
            let first = usize::from(signature.starts_with("IFormatProvider") || signature.starts_with("CultureInfo"));
            let rest = spread(resolver, at, args.get(first + 1..).unwrap_or(&[]));
            combine_format(resolver, at, &arg(first), &rest)
        }
        Model::PathJoin => {
            let parts = spread(resolver, at, args);
            let mut out = vec![Value::default()];
            for (i, part) in parts.into_iter().enumerate() {
                let mut values = resolver.eval(at, part);
                only_texts(&mut values);
                // Nothing below a folder is said to be written as the folder itself: the name is what is not known.
                for value in values.iter_mut().filter(|v| i > 0 && v.text.is_empty()) {
                    *value = Value::unknown();
                }
                out = combine(&out, &values, join_paths);
            }
            out
        }
        Model::Parent => each(subject(), &parent),
        Model::FileName => each(subject(), &file_name),
        Model::EntryName => each(subject(), &name_of_entry),
        Model::Stem => each(subject(), &|t| {
            let name = file_name(t);
            match name.trailing_lit().rfind('.') {
                Some(dot) => cut_tail(&name, dot),
                None => name,
            }
        }),
        Model::ChangeExtension => combine(&arg(0), &arg(1), |path, extension| {
            // Nothing stays nothing.
            if path.is_empty() {
                return Text::new();
            }
            let stem = match (path.trailing_lit().rfind('.'), path.trailing_lit().rfind('\\')) {
                (Some(dot), slash) if slash.is_none_or(|s| s < dot) => cut_tail(path, dot),
                _ => path.clone(),
            };
            let dot = if extension.leading_lit().starts_with('.') || extension.is_empty() { "" } else { "." };
            stem.concat(&Text::lit(dot)).concat(extension)
        }),
        Model::Assembly => vec![Value::text(resolver.assembly_of(at, this))],
        Model::AssemblyFile => each(subject(), &|file| join_paths(&Text::folder(Folder::AppDir), file)),
        Model::SpecialFolder => arg(0).iter().map(|v| v.with(special_folder(v.int))).collect(),
        Model::Environment => each(arg(0), &|name| match name.as_lit() {
            Some(name) => Text::hole(env_hole(name)),
            None => Text::from_source(Source::Env, name.to_string()),
        }),
        Model::Item => {
            let base = match &row.of {
                Some(template) => resolver.template(at, template, this, args),
                None => subject(),
            };
            combine(&base, &arg(row.arg.into()), |base, key| item(base, key, "/"))
        }
        Model::Option => {
            let base = match this {
                Some(this) => resolver.eval(at, this),
                None if row.arg > 0 => arg(0),
                None => vec![Value::unknown()],
            };
            let is_section = |t: &Text| matches!(t.as_hole(), Some(Hole::From(Source::Option, _)));
            combine(&base, &arg(row.arg.into()), |base, key| {
                let base = if is_section(base) { base.clone() } else { Text::from_source(Source::Option, "") };
                item(&base, key, ":")
            })
        }
        Model::Formatted => subject().iter().map(|v| Value { int: None, ..named(v, false) }).collect(),
        Model::Char => subject().iter().map(character).collect(),
        Model::Setting => {
            let base = format!("applicationSettings/{}", resolver.class_of(at, this));
            combine(&[Value::text(Text::from_source(Source::Config, base))], &arg(0), |b, key| item(b, key, "/"))
        }
        Model::CertStore => cert_store(signature, &arg(0), &arg(1)),
        Model::MapPath => each(arg(0), &|t| match t.leading_lit() {
            lead if lead.starts_with("~") => t.clone(),
            _ => join_paths(&Text::folder(Folder::WebRoot), t),
        }),
        Model::Replace => replace(resolver, at, this, args),
        Model::Same => subject(),
        Model::BaseKey => base_key(resolver, at, signature, args),
        Model::SubKey | Model::MadeKey => sub_key(resolver, at, model, signature, &subject(), args),
        Model::RegistryValue => {
            let (key, name) = match this {
                Some(this) => (resolver.eval(at, this), arg(0)),
                None => (arg(0), arg(1)),
            };
            combine(&key, &name, |key, name| {
                let location = Location::registry_value(&Location::registry(key), name);
                Text::from_source(Source::Registry, location.to_string())
            })
        }
        Model::ConnectionString => subject().iter().map(connection_string).collect(),
        Model::Invoke => this.map_or_else(|| vec![Value::unknown()], |this| resolver.invoke(at, this, args)),
        Model::Call => match args.get(usize::from(row.arg)) {
            Some(function) => resolver.invoke(at, *function, &[]),
            None => vec![Value::unknown()],
        },
        Model::ExeConfig => exe_config(&arg(0), signature),
    }
}

/// Arguments, with an array of them in their last place spread out.
fn spread(resolver: &Resolver<'_>, at: At<'_>, args: &[Id]) -> Vec<Id> {
    match args {
        [one] => resolver.elements(at, *one).unwrap_or_else(|| vec![*one]),
        many => many.to_vec(),
    }
}

/// All combinations of the values of several expressions, joined by `f`.
pub(super) fn product(resolver: &Resolver<'_>, at: At<'_>, ids: &[Id], f: impl Fn(&[Value]) -> Text) -> Vec<Value> {
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for id in ids {
        let mut values = resolver.eval(at, *id);
        only_texts(&mut values);
        if rows.len() * values.len() > MAX_VALUES {
            values = vec![merged(&values)];
        }
        rows = rows
            .iter()
            .flat_map(|row| {
                values.iter().map(move |v| {
                    let mut row = row.clone();
                    row.push(v.clone());
                    row
                })
            })
            .collect();
    }
    rows.into_iter()
        .map(|row| {
            let mut value = Value::text(f(&row));
            row.iter().for_each(|v| value.came(&v.steps));
            value.is_guess = row.iter().any(|v| v.is_guess);
            value
        })
        .collect()
}

/// All combinations of two values.
pub(super) fn combine(left: &[Value], right: &[Value], f: impl Fn(&Text, &Text) -> Text) -> Vec<Value> {
    let merged_right;
    let right = if left.len() * right.len() > MAX_VALUES {
        merged_right = [merged(right)];
        &merged_right
    } else {
        right
    };
    let mut out = Vec::new();
    for a in left {
        for b in right {
            let mut value = a.with(f(&a.text, &b.text));
            value.view32 |= b.view32;
            value.remote |= b.remote;
            value.read_only |= b.read_only;
            value.volatile |= b.volatile;
            value.is_guess |= b.is_guess;
            value.came(&b.steps);
            out.push(value);
        }
    }
    out
}

/// A character code as a string.
pub(super) fn character(code: &Value) -> Value {
    let c = code.int.and_then(|n| u32::try_from(n).ok()).and_then(char::from_u32);
    match c {
        Some(c) => code.with(Text::lit(c.to_string())),
        None if code.int.is_some() => Value::unknown(),
        None => code.clone(),
    }
}

/// A number by its name: of an enumeration, and of what is formatted in a way that is not followed, it is not known.
pub(super) fn named(value: &Value, is_boolean: bool) -> Value {
    let text = match value.int {
        None => return value.clone(),
        _ if value.null => return value.clone(),
        Some(0) if is_boolean => Text::lit("False"),
        Some(1) if is_boolean => Text::lit("True"),
        Some(_) => Text::unknown(),
    };
    Value { int: value.int, ..value.with(text) }
}

/// Two texts as what they share at the front and at the back, characters included.
fn shared(a: &Text, b: &Text) -> Text {
    if a == b {
        return a.clone();
    }
    let (x, y) = (a.parts(), b.parts());
    let front = x.iter().zip(y).take_while(|(p, q)| p == q).count();
    let (x, y) = (&x[front..], &y[front..]);
    let back = x.iter().rev().zip(y.iter().rev()).take_while(|(p, q)| p == q).count();
    let (mid_x, mid_y) = (&x[..x.len() - back], &y[..y.len() - back]);
    let mut out = Text::from_parts(a.parts()[..front].iter().cloned());
    let common = |p: Option<&Part>, q: Option<&Part>, backwards: bool| match (p, q) {
        (Some(Part::Lit(p)), Some(Part::Lit(q))) if backwards => {
            let n: usize =
                p.chars().rev().zip(q.chars().rev()).take_while(|(c, d)| c == d).map(|(c, _)| c.len_utf8()).sum();
            p[p.len() - n..].to_owned()
        }
        (Some(Part::Lit(p)), Some(Part::Lit(q))) => {
            let n: usize = p.chars().zip(q.chars()).take_while(|(c, d)| c == d).map(|(c, _)| c.len_utf8()).sum();
            p[..n].to_owned()
        }
        _ => String::new(),
    };
    let head = common(mid_x.first(), mid_y.first(), false);
    let tail = common(mid_x.last(), mid_y.last(), true);
    // Where one text is short, front and back may be the same characters: count them once.
    let tail = if mid_x.len() == 1 && mid_y.len() == 1 && !head.is_empty() { String::new() } else { tail };
    out.push_lit(&head);
    out.push_hole(Hole::Unknown);
    out.push_lit(&tail);
    for part in &x[x.len() - back..] {
        out.push(part.clone());
    }
    out
}

/// What all of them share.
pub(super) fn merged(values: &[Value]) -> Value {
    let mut all = values.iter();
    let Some(first) = all.next() else { return Value::unknown() };
    let mut out = first.clone();
    for value in all {
        out.text = shared(&out.text, &value.text);
        out.int = out.int.filter(|n| Some(*n) == value.int);
        out.steps.clear();
    }
    out
}

fn join(resolver: &Resolver<'_>, at: At<'_>, args: &[Id]) -> Vec<Value> {
    let Some((separator, rest)) = args.split_first() else { return vec![Value::unknown()] };
    let separator = merged(&resolver.eval(at, *separator)).text;
    let parts = spread(resolver, at, rest);
    product(resolver, at, &parts, |all| {
        let mut out = Text::new();
        for (i, value) in all.iter().enumerate() {
            if i > 0 {
                out.push_text(&separator);
            }
            out.push_text(&value.text);
        }
        out
    })
}

/// `String.Format`: `{0}`, `{1:x}`, `{{`.
fn combine_format(resolver: &Resolver<'_>, at: At<'_>, formats: &[Value], args: &[Id]) -> Vec<Value> {
    formats
        .iter()
        .flat_map(|format| {
            let Some(pattern) = format.text.as_lit() else { return vec![Value::unknown()] };
            let pattern = pattern.to_owned();
            product(resolver, at, args, |values| fill(&pattern, values))
        })
        .collect()
}

fn fill(pattern: &str, values: &[Value]) -> Text {
    let mut out = Text::new();
    let mut rest = pattern;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_lit(&rest[..at]);
        let tail = &rest[at..];
        if tail.starts_with("{{") || tail.starts_with("}}") {
            out.push_lit(&tail[..1]);
            rest = &tail[2..];
            continue;
        }
        let close = tail.find('}').filter(|_| tail.starts_with('{'));
        let Some(close) = close else {
            rest = &tail[1..];
            continue;
        };
        let index = tail[1..close].split([',', ':']).next().and_then(|n| n.trim().parse::<usize>().ok());
        match index.and_then(|n| values.get(n)) {
            // With a width or a format a number is shown otherwise.
            Some(value) if value.int.is_some() && tail[1..close].contains([',', ':']) => out.push_hole(Hole::Unknown),
            Some(value) => out.push_text(&value.text),
            None => out.push_hole(Hole::Unknown),
        }
        rest = &tail[close + 1..];
    }
    out.push_lit(rest);
    out
}

fn replace(resolver: &Resolver<'_>, at: At<'_>, this: Option<Id>, args: &[Id]) -> Vec<Value> {
    let whole = this.map_or_else(|| vec![Value::unknown()], |id| resolver.eval(at, id));
    let given = |n: usize| {
        let value = merged(&resolver.eval(at, args.get(n).copied()?));
        // A character argument arrives as its code.
        match value.int {
            Some(code) => u32::try_from(code).ok().and_then(char::from_u32).map(|c| Text::lit(c.to_string())),
            None => Some(value.text),
        }
    };
    let (Some(from), Some(to)) = (given(0).filter(|from| !from.is_empty()), given(1)) else {
        return whole;
    };
    let replaced = |text: &Text| match from.as_lit() {
        Some(from) => Some(literal_replaced(text, from, &to)),
        // What a text begins with may be a place that is known by its folder alone.
        None => behind(text, &from).map(|rest| to.clone().concat(&rest)),
    };
    let may_be_anything = from.as_lit().is_none() && to.as_lit().is_none();
    let other = |value: &Value| match replaced(&value.text) {
        Some(text) => value.with(text),
        None if may_be_anything => value.with(folder_of(&value.text)).guessed(),
        None => value.with(value.text.clone()),
    };
    whole.iter().map(other).collect()
}

/// A text with another in the place of each literal piece of it.
fn literal_replaced(text: &Text, from: &str, to: &Text) -> Text {
    let mut out = Text::new();
    for part in text.parts() {
        let Part::Lit(known) = part else {
            out.push(part.clone());
            continue;
        };
        let mut pieces = known.split(from);
        out.push_lit(pieces.next().unwrap_or_default());
        for piece in pieces {
            out.push_text(to);
            out.push_lit(piece);
        }
    }
    out
}

/// What stands behind another text that a text begins with. Only folders are known to be the same by their names.
fn behind(text: &Text, beginning: &Text) -> Option<Text> {
    let (last, before) = beginning.parts().split_last()?;
    let is_known = |part: &Part| matches!(part, Part::Lit(_) | Part::Hole(Hole::Folder(_)));
    if !beginning.parts().iter().all(is_known) || text.parts().get(..before.len())? != before {
        return None;
    }
    let mut rest = text.parts().get(before.len()..)?.iter().cloned();
    let first = match (rest.next()?, last) {
        (Part::Lit(known), Part::Lit(last)) => Part::Lit(known.strip_prefix(last.as_str())?.to_owned()),
        (part, last) if part == *last => Part::Lit(String::new()),
        _ => return None,
    };
    Some(Text::from_parts(std::iter::once(first).chain(rest)))
}

/// An element of a named collection: `{config:appSettings}` and `LogPath` are `{config:appSettings/LogPath}`.
fn item(base: &Text, key: &Text, separator: &str) -> Text {
    match base.as_hole() {
        Some(Hole::From(source @ (Source::Input | Source::Arg), name)) => Text::from_source(*source, name.clone()),
        Some(Hole::From(source, name)) => {
            let key = key.to_string().replace(['{', '}'], "");
            let name = if name.is_empty() { key } else { format!("{name}{separator}{key}") };
            Text::from_source(*source, name)
        }
        _ => Text::unknown(),
    }
}

/// `Environment.SpecialFolder` has the numbers of CSIDL.
fn special_folder(number: Option<i64>) -> Text {
    match number.and_then(|n| u32::try_from(n).ok()).and_then(Folder::by_csidl) {
        Some(folder) => Text::folder(folder),
        None => Text::from_source(Source::Output, "GetFolderPath"),
    }
}

/// The file behind `OpenExeConfiguration`: by `ConfigurationUserLevel`, or beside the named program.
fn exe_config(first: &[Value], signature: &str) -> Vec<Value> {
    if signature.starts_with("String") {
        return combine(first, &[Value::default()], |path, _| path.clone().concat(&Text::lit(".config")));
    }
    let of = |n: Option<i64>| match n {
        Some(10) => "{AppData}\\{?}\\user.config",
        Some(20) => "{LocalAppData}\\{?}\\user.config",
        Some(0) => "{AppDir}\\{?}.config",
        _ => "{?}.config",
    };
    first.iter().map(|v| v.with(Text::parse(of(v.int)))).collect()
}

/// `cert-store://LocalMachine/My`, from StoreName and StoreLocation.
fn cert_store(signature: &str, first: &[Value], second: &[Value]) -> Vec<Value> {
    const NAMES: [&str; 9] = [
        "",
        "AddressBook",
        "AuthRoot",
        "CertificateAuthority",
        "Disallowed",
        "My",
        "Root",
        "TrustedPeople",
        "TrustedPublisher",
    ];
    let name = |v: &Text| match v.as_lit().and_then(|s| s.parse::<usize>().ok()) {
        Some(n) => NAMES.get(n).map_or_else(Text::unknown, |s| Text::lit(*s)),
        None => v.clone(),
    };
    let place = |v: &Text| match v.as_lit() {
        Some("1") => Text::lit("CurrentUser"),
        Some("2") => Text::lit("LocalMachine"),
        _ => Text::unknown(),
    };
    let url = |place: Text, name: Text| Text::lit("cert-store://").concat(&place).concat(&Text::lit("/")).concat(&name);
    let my = || Text::lit("My");
    // Without a location the store is that of the current user.
    let user = || Text::lit("CurrentUser");
    match signature {
        "" => vec![Value::text(url(user(), my()))],
        "StoreLocation" => first.iter().map(|v| v.with(url(place(&v.text), my()))).collect(),
        "StoreName" | "String" => first.iter().map(|v| v.with(url(user(), name(&v.text)))).collect(),
        _ => combine(first, second, |a, b| url(place(b), name(a))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_fill_in() {
        let v = |s: &str| Value::text(Text::parse(s));
        assert_eq!(fill("{0}\\a{1:yyyy}.{{log}}", &[v("{AppData}"), v("{?}")]).to_string(), "{AppData}\\a{?}.{log}");
        assert_eq!(fill("{9}{", &[]).to_string(), "{?}");
    }

    #[test]
    fn settings_have_names() {
        let t = Text::parse;
        assert_eq!(item(&t("{config:appSettings}"), &t("LogPath"), "/"), t("{config:appSettings/LogPath}"));
        assert_eq!(item(&t("{option:Storage}"), &t("Root"), ":"), t("{option:Storage:Root}"));
        assert_eq!(item(&t("{input:request}"), &t("id"), "/"), t("{input:request}"));
    }
}
