//! Line formats into a [`Tree`]: INI files, Java properties, and the block syntax of nginx and Apache.

use super::tree::{MAX_DEPTH, NodeId, ROOT, Role, Tree};
use super::xml::Break;

/// Lines with their offsets.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split_inclusive('\n').map(move |line| {
        let start = at;
        at += line.len();
        (start, line.trim_end_matches(['\n', '\r']))
    })
}

/// The offset of the first character that is not white space.
fn indented(start: usize, line: &str) -> usize {
    start + line.len() - line.trim_start().len()
}

/// Sections and `key = value`; comments start with `;` or `#`. A key outside a section belongs to the document. A
/// value in quotes may hold comment characters.
pub(crate) fn ini(text: &str) -> (Tree, Option<Break>) {
    let mut tree = Tree::new();
    let mut section = ROOT;
    for (start, line) in lines(text) {
        let trimmed = line.trim().trim_start_matches('\u{feff}');
        if trimmed.is_empty() || trimmed.starts_with([';', '#']) {
            continue;
        }
        let at = indented(start, line);
        if let Some(name) = trimmed.strip_prefix('[') {
            let name = name.split(']').next().unwrap_or(name).trim();
            let Some(node) = tree.add(ROOT, Role::Member, name, at) else { break };
            section = node;
        } else if let Some((key, value)) = trimmed.split_once('=') {
            tree.add_value(section, Role::Member, key.trim(), ini_value(value), at);
        } else {
            tree.add_value(section, Role::Member, trimmed, "", at);
        }
    }
    (tree, None)
}

fn ini_value(raw: &str) -> &str {
    let raw = raw.trim();
    for quote in ['"', '\''] {
        if let Some(inner) = raw.strip_prefix(quote) {
            return inner.split(quote).next().unwrap_or(inner);
        }
    }
    // ` ;` starts a comment; a semicolon without a blank before it is part of the value.
    let end = raw.find(" ;").or_else(|| raw.find("\t;")).unwrap_or(raw.len());
    raw[..end].trim_end()
}

/// Java properties: `key=value`, `key: value`, `key value`; a backslash continues the line (`java.util.Properties`).
/// Keys are one level, as written.
pub(crate) fn properties(text: &str) -> (Tree, Option<Break>) {
    let mut tree = Tree::new();
    let mut pending: Option<(usize, String)> = None;
    for (start, line) in lines(text) {
        let trimmed = line.trim_start();
        let (at, mut logical) = match pending.take() {
            Some((at, text)) => (at, text),
            None if trimmed.is_empty() || trimmed.starts_with(['#', '!']) => continue,
            None => (indented(start, line), String::new()),
        };
        let backslashes = trimmed.bytes().rev().take_while(|b| *b == b'\\').count();
        if backslashes % 2 == 1 && logical.len() < super::tree::MAX_VALUE {
            logical.push_str(&trimmed[..trimmed.len() - 1]);
            pending = Some((at, logical));
            continue;
        }
        logical.push_str(trimmed);
        property(&mut tree, &logical, at);
    }
    if let Some((at, logical)) = pending {
        property(&mut tree, &logical, at);
    }
    (tree, None)
}

fn property(tree: &mut Tree, line: &str, at: usize) {
    let mut escaped = false;
    let end = line.find(|c: char| {
        let is_end = !escaped && (c == '=' || c == ':' || c.is_whitespace());
        escaped = c == '\\' && !escaped;
        is_end
    });
    let end = end.unwrap_or(line.len());
    let value = line[end..].trim_start();
    let value = value.strip_prefix(['=', ':']).unwrap_or(value).trim();
    tree.add_value(ROOT, Role::Member, &unescaped(&line[..end]), &unescaped(value), at);
}

/// `\\`, `\:` and `\=`; other escapes stay, because a path that nobody escaped has them too.
fn unescaped(text: &str) -> String {
    text.replace("\\\\", "\\").replace("\\:", ":").replace("\\=", "=").replace("\\ ", " ")
}

/// nginx (`name value;`, `name value { ... }`), Apache (`Name value`, `<Name value> ... </Name>`), and files of other
/// servers with `[NAME]` sections or with `name = value`.
pub(crate) fn server(text: &str) -> (Tree, Option<Break>) {
    let mut tree = Tree::new();
    let mut open: Vec<NodeId> = vec![ROOT];
    let mut broken = None;
    for (start, line) in lines(text) {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let at = indented(start, line);
        if trimmed.starts_with("</") {
            if open.len() > 1 {
                open.pop();
            } else {
                broken.get_or_insert(Break::new(at, format!("{trimmed} closes nothing")));
            }
            continue;
        }
        if let Some(section) = trimmed.strip_prefix('<') {
            push_block(&mut tree, &mut open, section.trim_end_matches('>'), at);
            continue;
        }
        if let Some(section) = trimmed.strip_prefix('[').and_then(|s| s.strip_suffix(']')) {
            open.truncate(1);
            push_block(&mut tree, &mut open, section, at);
            continue;
        }
        for (from, piece, end) in nginx_pieces(trimmed) {
            let parent = open.last().copied().unwrap_or(ROOT);
            let at = at + from;
            match end {
                '{' => push_block(&mut tree, &mut open, piece, at),
                '}' if open.len() > 1 => {
                    open.pop();
                }
                _ if piece.is_empty() => {}
                _ => {
                    let (name, value) = split_word(piece);
                    tree.add_value(parent, Role::Member, name, value, at);
                }
            }
        }
    }
    (tree, broken)
}

fn push_block(tree: &mut Tree, open: &mut Vec<NodeId>, head: &str, at: usize) {
    let parent = open.last().copied().unwrap_or(ROOT);
    let (name, value) = split_word(head);
    if open.len() >= MAX_DEPTH {
        open.push(parent);
    } else if let Some(node) = tree.add(parent, Role::Member, name, at) {
        tree.append_value(node, value);
        open.push(node);
    }
}

fn split_word(text: &str) -> (&str, &str) {
    let text = text.trim();
    let (name, value) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let value = value.trim();
    // `name = value`, where `==` begins an expression.
    let value = match value.strip_prefix('=') {
        Some(value) if !value.starts_with('=') => value.trim(),
        _ => value,
    };
    if let Some((inner, rest)) = value.strip_prefix('\'').and_then(|v| v.split_once('\''))
        && (rest.trim().is_empty() || rest.trim_start().starts_with('#'))
    {
        return (name, inner);
    }
    // The whole value in quotes, or its first word in quotes: `ErrorLog "C:/logs/e.log"`.
    match value.strip_prefix('"').and_then(|v| v.split_once('"')) {
        Some((inner, rest)) if rest.trim().is_empty() => (name, inner),
        _ => (name, value),
    }
}

/// The directives of one line, where each begins, and what ends it: `;`, `{`, `}`, or the line itself.
fn nginx_pieces(line: &str) -> Vec<(usize, &str, char)> {
    let piece = |from: usize, to: usize, end: char| {
        let text = &line[from..to];
        (indented(from, text), text.trim(), end)
    };
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut quoted = None;
    for (i, c) in line.char_indices() {
        match (c, quoted) {
            ('"' | '\'', None) => quoted = Some(c),
            (c, Some(q)) if c == q => quoted = None,
            ('#', None) if i == 0 || line[..i].ends_with(char::is_whitespace) => {
                pieces.push(piece(start, i, '\n'));
                return pieces;
            }
            // Apache writes `%{Referer}i` and `${VAR}`; a block starts after a blank.
            ('{', None) if line[..i].ends_with(char::is_whitespace) || line[i + 1..].trim().is_empty() => {
                pieces.push(piece(start, i, c));
                start = i + 1;
            }
            (';', None) => {
                pieces.push(piece(start, i, c));
                start = i + 1;
            }
            ('}', None) if line[start..i].trim().is_empty() => {
                pieces.push((i, "", c));
                start = i + 1;
            }
            _ => {}
        }
    }
    pieces.push(piece(start, line.len(), '\n'));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(tree: &Tree, path: &[&str]) -> Option<String> {
        tree.at(ROOT, path).map(|n| tree.value(n).to_owned())
    }

    #[test]
    fn ini_files() {
        let (tree, _) = ini("top=1\n[Paths] ; c\n; Log=x\nLog = \"C:\\a;b\" ; c\nData=D:\\x ; c\nflag\n");
        assert_eq!(get(&tree, &["top"]), Some("1".into()));
        assert_eq!(get(&tree, &["Paths", "Log"]), Some("C:\\a;b".into()));
        assert_eq!(get(&tree, &["Paths", "Data"]), Some("D:\\x".into()));
        assert_eq!(get(&tree, &["Paths", "flag"]), Some(String::new()));
    }

    #[test]
    fn java_properties() {
        let (tree, _) = properties("# c\na.b = x\\\n   y\nc:d\npath=C\\:\\\\data\ne f\nlast=1\\");
        assert_eq!(get(&tree, &["a.b"]), Some("xy".into()));
        assert_eq!(get(&tree, &["c"]), Some("d".into()));
        assert_eq!(get(&tree, &["path"]), Some("C:\\data".into()));
        assert_eq!(get(&tree, &["e"]), Some("f".into()));
        assert_eq!(get(&tree, &["last"]), Some("1".into()));
    }

    #[test]
    fn web_servers() {
        let (tree, broken) = server("http {\n  access_log logs/a.log main; # c\n  server { root C:/www; }\n}\n");
        assert!(broken.is_none());
        assert_eq!(get(&tree, &["http", "access_log"]), Some("logs/a.log main".into()));
        assert_eq!(get(&tree, &["http", "server", "root"]), Some("C:/www".into()));
        let (tree, _) = server("a 1; b { c 2; }");
        assert_eq!(tree.at(ROOT, &["b", "c"]).map(|n| tree.node(n).offset), Some(9));
        let (tree, _) = server(
            "ErrorLog \"C:/logs/e.log\"\n<VirtualHost *:80>\n  CustomLog \"a.log\" \"%{X}i %h\"\n</VirtualHost>\n",
        );
        assert_eq!(get(&tree, &["ErrorLog"]), Some("C:/logs/e.log".into()));
        assert_eq!(get(&tree, &["VirtualHost", "CustomLog"]), Some("\"a.log\" \"%{X}i %h\"".into()));
        let (tree, broken) =
            server("[INPUT]\n  Path C:\\logs\\*.log\n[OUTPUT]\n  Name es\nlog.dir = C:/x\ndata = 'D:/y' # c\n");
        assert!(broken.is_none());
        assert_eq!(get(&tree, &["INPUT", "Path"]), Some("C:\\logs\\*.log".into()));
        assert_eq!(get(&tree, &["OUTPUT", "log.dir"]), Some("C:/x".into()));
        assert_eq!(get(&tree, &["OUTPUT", "data"]), Some("D:/y".into()));
    }
}
