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

#[cfg(test)]
mod tests {
    use super::*;

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
