//! How far variables, strings and blanks reach in a script.

/// Deepest `"$("$(...)")"`.
const MAX_NESTED: usize = 8;

/// The next offset that is no blank and no comment.
pub(super) fn significant(bytes: &[u8], at: usize) -> usize {
    let mut i = at;
    while let Some(&byte) = bytes.get(i) {
        i = match byte {
            b' ' | b'\t' | b'\r' | b'\n' => i + 1,
            b'#' => memchr::memchr(b'\n', &bytes[i..]).map_or(bytes.len(), |n| i + n),
            b'<' if bytes.get(i + 1) == Some(&b'#') => {
                memchr::memmem::find(&bytes[i..], b"#>").map_or(bytes.len(), |n| i + n + 2)
            }
            _ => return i,
        };
    }
    i
}

/// The name of the variable at a sign, and where it ends.
pub(super) fn variable_at(text: &str, at: usize) -> (&str, usize) {
    let rest = text.get(at + 1..).unwrap_or_default();
    if let Some(braced) = rest.strip_prefix('{') {
        return braced.find('}').map_or(("", at + 2), |end| (&braced[..end], at + 3 + end));
    }
    let bytes = rest.as_bytes();
    let is_name = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80;
    let mut length = 0;
    while let Some(&byte) = bytes.get(length) {
        if !(is_name(byte) || (byte == b':' && length > 0 && bytes.get(length + 1).is_some_and(|b| is_name(*b)))) {
            break;
        }
        length += 1;
    }
    (rest.get(..length).unwrap_or_default(), at + 1 + length)
}

/// Behind the string that begins here, with what is computed in it.
pub(super) fn expandable_end(bytes: &[u8], at: usize, depth: usize) -> Option<usize> {
    let mut i = at + 1;
    loop {
        i = match bytes.get(i)? {
            b'`' => i + 2,
            b'"' => return Some(i + 1),
            b'$' if bytes.get(i + 1) == Some(&b'(') => computed_end(bytes, i + 1, depth + 1)?,
            _ => i + 1,
        };
    }
}

/// Behind the parenthesis that closes the one here.
fn computed_end(bytes: &[u8], at: usize, depth: usize) -> Option<usize> {
    if depth > MAX_NESTED {
        return None;
    }
    let mut open = 0usize;
    let mut i = at;
    loop {
        i = match bytes.get(i)? {
            b'(' => {
                open += 1;
                i + 1
            }
            b')' if open == 1 => return Some(i + 1),
            b')' => {
                open -= 1;
                i + 1
            }
            b'`' => i + 2,
            b'\'' => i + 2 + memchr::memchr(b'\'', bytes.get(i + 1..)?)?,
            b'"' => expandable_end(bytes, i, depth)?,
            _ => i + 1,
        };
    }
}
