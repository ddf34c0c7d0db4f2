//! Names of the C++ library as GCC mangles them (Itanium C++ ABI, "External Names"), and what those have in common that
//! the catalogue has one row for: the same method of `std::string` and of `std::wstring`, with the size type of either
//! processor, and the two names of a constructor.

/// Characters, their traits and their allocator, of narrow and of wide strings.
const NARROW: &str = "IcSt11char_traitsIcESaIcE";
const WIDE: &str = "IwSt11char_traitsIwESaIwE";
/// What methods of strings begin with.
const CLASSES: [&str; 2] = ["_ZNSt7__cxx1112basic_string", "_ZNKSt7__cxx1112basic_string"];

/// The name in the form that the catalogue has, and whether its characters are wide. `None`: there is no other form.
pub(super) fn common(name: &str) -> Option<(String, bool)> {
    if !name.starts_with("_Z") {
        return None;
    }
    let wide = name.contains(WIDE);
    let name = name.replace(WIDE, NARROW);
    let Some(method) =
        CLASSES.iter().find_map(|class| name.strip_prefix(class)?.strip_prefix(NARROW)?.strip_prefix('E'))
    else {
        return Some((name, wide));
    };
    let digits = method.bytes().take_while(u8::is_ascii_digit).count();
    let length = method.get(..digits).and_then(|n| n.parse::<usize>().ok()).map_or(2, |n| digits + n);
    let (class, (own, rest)) = (name.get(..name.len() - method.len())?, method.split_at_checked(length)?);
    let own = match own {
        "C2" => "C1",
        "D2" => "D1",
        own => own,
    };
    Some((format!("{class}{own}{}", parameters(rest)), wide))
}

/// Parameters with narrow characters, and the size type of 64 bits. Names in them stay.
fn parameters(mangled: &str) -> String {
    let mut out = String::with_capacity(mangled.len());
    let mut rest = mangled;
    while let Some(c) = rest.chars().next() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 {
            let length = rest.get(..digits).and_then(|n| n.parse::<usize>().ok()).unwrap_or(0);
            let (name, behind) = rest.split_at_checked(digits + length).unwrap_or((rest, ""));
            out.push_str(name);
            rest = behind;
            continue;
        }
        // A substitution, `S4_`, or the namespace `St`.
        if c == 'S' {
            let length = rest.find('_').filter(|at| *at <= 3).map_or(2, |at| at + 1);
            let length = if rest.starts_with("St") { 2 } else { length };
            let (name, behind) = rest.split_at_checked(length).unwrap_or((rest, ""));
            out.push_str(name);
            rest = behind;
            continue;
        }
        out.push(match c {
            'w' => 'c',
            'j' => 'y',
            c => c,
        });
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    out
}

/// The most arguments that a function has whose name is mangled so: those that the name says, the object of a method (static
/// ones look the same), and where the result is put that is no number. `None`: the name is none, or is not understood.
pub(super) fn arguments(name: &str, is_64: bool) -> Option<u8> {
    let mut rest = name.strip_prefix("_Z")?.as_bytes();
    let is_method = rest.first() == Some(&b'N');
    rest = behind_type(rest, 0)?;
    // Template arguments of a function stand behind its name.
    if rest.first() == Some(&b'I') {
        rest = behind_all(rest.get(1..)?, 0)?;
    }
    // Copies that a compiler made of it are called the same, and more.
    let end = rest.iter().position(|byte| *byte == b'.').unwrap_or(rest.len());
    rest = rest.get(..end)?;
    // Any number of them may follow.
    if rest.ends_with(b"z") {
        return None;
    }
    let mut count = 1 + u8::from(is_method);
    while !rest.is_empty() && rest != b"v" {
        // On x86 long numbers take two words, and an object that is handed over by value as many as it has (Itanium C++ ABI,
        // "Builtin types"; System V ABI for the 80386): of the latter nothing is known. On x64 each takes one place (MS
        // documentation: "x64 calling convention").
        count = count.checked_add(match rest.first()? {
            b'x' | b'y' | b'd' if !is_64 => 2,
            b'P' | b'R' | b'O' | b'a'..=b'd' | b'f' | b'h'..=b'm' | b's' | b't' | b'w'..=b'y' => 1,
            _ => return None,
        })?;
        rest = behind_type(rest, 0)?;
    }
    Some(count)
}

/// Deepest nesting of types in a name.
const MAX_NESTING: u8 = 24;

/// What stands behind a name or a type.
fn behind_type(mut rest: &[u8], depth: u8) -> Option<&[u8]> {
    if depth > MAX_NESTING {
        return None;
    }
    while let Some(b'P' | b'R' | b'O' | b'K' | b'V' | b'r') = rest.first() {
        rest = rest.get(1..)?;
    }
    let behind = |n: usize| rest.get(n..);
    let named = match rest.first()? {
        // Nested names and functions end with a letter of their own; what is in them is names and types.
        b'N' | b'F' => return behind_all(behind(1)?, depth + 1),
        b'0'..=b'9' => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let length: usize = std::str::from_utf8(rest.get(..digits)?).ok()?.parse().ok()?;
            rest.get(digits.checked_add(length)?..)?
        }
        b'S' if rest.get(1) == Some(&b't') => behind_type(behind(2)?, depth + 1)?,
        b'S' if rest.get(1).is_some_and(u8::is_ascii_lowercase) => behind(2)?,
        b'S' | b'T' => behind(rest.iter().position(|byte| *byte == b'_')? + 1)?,
        b'L' => return behind(rest.iter().position(|byte| *byte == b'E')? + 1),
        b'D' => behind(2)?,
        letter if letter.is_ascii_lowercase() => return behind(1),
        _ => return None,
    };
    match named.first() {
        Some(b'I') => behind_all(named.get(1..)?, depth + 1),
        _ => Some(named),
    }
}

/// What stands behind names and types up to the letter that ends them.
fn behind_all(mut rest: &[u8], depth: u8) -> Option<&[u8]> {
    loop {
        rest = match rest {
            [b'E', behind @ ..] => return Some(behind),
            // Constructors, destructors, and operators by their two letters.
            [b'C' | b'D', b'0'..=b'5', behind @ ..] => behind,
            [b'I', behind @ ..] => behind_all(behind, depth.checked_add(1).filter(|depth| *depth <= MAX_NESTING)?)?,
            [first, second, behind @ ..] if is_operator([*first, *second]) => behind,
            _ => behind_type(rest, depth)?,
        };
    }
}

/// Operators that classes of the library have (Itanium C++ ABI, "Operator Encodings").
fn is_operator(letters: [u8; 2]) -> bool {
    const OPERATORS: [&[u8; 2]; 12] =
        [b"aS", b"pL", b"ls", b"rs", b"ix", b"cl", b"eq", b"ne", b"lt", b"gt", b"pp", b"nt"];
    OPERATORS.iter().any(|operator| **operator == letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_counted_from_names() {
        let init = "_ZNSt9basic_iosIcSt11char_traitsIcEE4initEPSt15basic_streambufIcS1_E";
        let cases = [
            (init, Some(3), Some(3)),
            ("_ZNSt8ios_base4InitC1Ev", Some(2), Some(2)),
            ("_ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE9_M_appendEPKcy", Some(5), Some(4)),
            ("_ZN10QArrayData10deallocateEPS_xx", Some(7), Some(5)),
            ("_Z5scaleid", Some(4), Some(3)),
            ("_ZSt16__throw_bad_castv", Some(1), Some(1)),
            ("_ZN6LedgeraSERKS_", Some(3), Some(3)),
            ("_ZNSt6localeC1ERKS_", Some(3), Some(3)),
            ("_Z5printPKcz", None, None),
            ("CreateFileW", None, None),
        ];
        for (name, on_x86, on_x64) in cases {
            assert_eq!((arguments(name, false), arguments(name, true)), (on_x86, on_x64), "{name}");
        }
    }

    #[test]
    fn names_of_wide_strings_and_of_x86_are_those_of_narrow_ones_on_x64() {
        let append = "_ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE9_M_appendEPKcy";
        let wide = "_ZNSt7__cxx1112basic_stringIwSt11char_traitsIwESaIwEE9_M_appendEPKwj";
        assert_eq!(common(wide), Some((append.to_owned(), true)));
        let construct =
            "_ZNSt7__cxx1112basic_stringIwSt11char_traitsIwESaIwEE12_M_constructIPKwEEvT_S8_St20forward_iterator_tag";
        assert_eq!(
            common(construct).map(|(name, _)| name).as_deref(),
            Some(
                "_ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE12_M_constructIPKcEEvT_S8_St20forward_iterator_tag"
            )
        );
        let copy = "_ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEC2ERKS4_jj";
        assert_eq!(
            common(copy).map(|(name, _)| name).as_deref(),
            Some("_ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEC1ERKS4_yy")
        );
        assert_eq!(common("CreateFileW"), None);
    }
}
