//! Names as people know them: short type labels, and the method that the programmer wrote.

use cildec::{Token, Type};

/// A parameter type in the short form of the catalogue: `String`, `Byte[]`, `ref Boolean`, `FileMode`.
pub(super) fn type_label(ty: &Type<'_>, name: &dyn Fn(Token) -> Box<str>) -> String {
    let short = |token: Token| {
        let full = name(token);
        full.rsplit(['.', '/']).next().unwrap_or(&full).to_owned()
    };
    match ty {
        Type::Boolean => "Boolean".into(),
        Type::Char => "Char".into(),
        Type::I1 => "SByte".into(),
        Type::U1 => "Byte".into(),
        Type::I2 => "Int16".into(),
        Type::U2 => "UInt16".into(),
        Type::I4 => "Int32".into(),
        Type::U4 => "UInt32".into(),
        Type::I8 => "Int64".into(),
        Type::U8 => "UInt64".into(),
        Type::R4 => "Single".into(),
        Type::R8 => "Double".into(),
        Type::String => "String".into(),
        Type::Object => "Object".into(),
        Type::IntPtr => "IntPtr".into(),
        Type::UIntPtr => "UIntPtr".into(),
        Type::Class(token) | Type::ValueType(token) => short(*token),
        Type::GenericInst { def, .. } => short(*def),
        Type::SzArray(_, of) | Type::Array(of, _) => format!("{}[]", type_label(of, name)),
        Type::ByRef(of) => format!("ref {}", type_label(of, name)),
        Type::Modified(_, of) | Type::Pinned(of) => type_label(of, name),
        Type::Var(n) => format!("!{n}"),
        Type::MVar(n) => format!("!!{n}"),
        _ => "?".into(),
    }
}

/// `Contoso.Orders.Save` for a method and for everything the compiler made of it: closures, iterators, asynchronous
/// state machines, local functions.
pub(super) fn written_method(ty: &str, method: &str) -> String {
    let mut segments = ty.split('/');
    let mut name = segments.next().unwrap_or_default().to_owned();
    let mut made_from = None;
    for segment in segments {
        if is_generated(segment) {
            made_from = made_from.or_else(|| original(segment));
        } else {
            name.push('.');
            name.push_str(segment);
        }
    }
    let method = made_from.or_else(|| original(method)).unwrap_or(method);
    let mut out = String::new();
    // Arity marks of generic types say nothing to a reader.
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '`' {
            while chars.peek().is_some_and(char::is_ascii_digit) {
                chars.next();
            }
        } else {
            out.push(c);
        }
    }
    if !out.is_empty() {
        out.push('.');
    }
    out.push_str(method);
    out
}

/// The property behind a field that the compiler made for it: `<Items>k__BackingField`.
pub(super) fn written_field(name: &str) -> &str {
    original(name).unwrap_or(name)
}

/// A field of the compiler's own that stands for nothing which the programmer named: `<>u__1`, `$awaiter0`.
pub(super) fn is_unwritten_field(name: &str) -> bool {
    is_generated(name) && original(name).is_none()
}

/// System.IO.FileMode.
pub(super) fn file_mode_name(n: i64) -> &'static str {
    match n {
        1 => "CreateNew",
        2 => "Create",
        3 => "Open",
        4 => "OpenOrCreate",
        5 => "Truncate",
        6 => "Append",
        _ => "(not a mode)",
    }
}

/// A field that compilers made for a variable of a method, or a type that has such fields.
pub(super) fn is_compilers(name: &str) -> bool {
    is_generated(name)
}

/// Compilers put characters that no programmer can type into the names they make up.
fn is_generated(segment: &str) -> bool {
    segment.contains(['<', '$']) || segment.starts_with("_Closure")
}

/// `<Save>d__12`, `<Save>b__0_1`, `<Save>m__4`, `<Save>g__Local|3_0`, `VB$StateMachine_1_Save`.
pub(super) fn original(name: &str) -> Option<&str> {
    if let Some(rest) = name.strip_prefix("VB$StateMachine_") {
        return rest.split_once('_').map(|(_, method)| method);
    }
    let open = name.find('<')?;
    let rest = name.get(open + 1..)?;
    // `<<Save>b__0>d`: a lambda that is itself a state machine.
    if rest.starts_with('<') {
        return original(rest);
    }
    let close = rest.find('>')?;
    rest.get(..close).filter(|inner| !inner.is_empty() && !inner.contains('<'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compiler_made_methods_go_back_to_the_source() {
        assert_eq!(written_method("Contoso.Orders", "Save"), "Contoso.Orders.Save");
        assert_eq!(written_method("Contoso.Orders/<Save>d__12", "MoveNext"), "Contoso.Orders.Save");
        assert_eq!(written_method("Contoso.Orders/<>c__DisplayClass1_0", "<Save>b__0"), "Contoso.Orders.Save");
        assert_eq!(written_method("Contoso.Orders/<>c/<<Save>b__0_0>d", "MoveNext"), "Contoso.Orders.Save");
        assert_eq!(written_method("Contoso.Orders", "<Save>m__4"), "Contoso.Orders.Save");
        assert_eq!(written_method("Contoso.Orders/<Save>c__AnonStorey1", "<>m__0"), "Contoso.Orders.Save");
        assert_eq!(written_method("Contoso.Orders/VB$StateMachine_3_Save", "MoveNext"), "Contoso.Orders.Save");
        assert_eq!(written_method("Contoso.Outer`1/Inner", ".ctor"), "Contoso.Outer.Inner..ctor");
    }
}
