//! HCL into a [`Tree`], as far as it goes: Packer templates and Terraform modules.
//!
//! Follows "HCL Native Syntax Specification" (hashicorp/hcl). Only what configuration is made of becomes nodes: blocks,
//! attributes, strings, lists, objects and heredocs; any other expression is kept as it is written. The published
//! parser with places, `hcl-edit` (permissive, kept), descends by recursion without a limit, which a hostile file could use
//! to end the process, and gives up the whole file at its first mistake; `hcl-rs` has no places.

use super::tree::{MAX_DEPTH, NodeId, ROOT, Role, Tree};
use super::xml::Break;

/// Reads a document. The labels of a block are its value: `provisioner "powershell" { ... }`.
pub(crate) fn parse(text: &str) -> (Tree, Option<Break>) {
    let mut parser = Parser { text, at: 0, tree: Tree::new(), broken: None };
    let mut open = vec![ROOT];
    loop {
        parser.blanks(true);
        let parent = open.last().copied().unwrap_or(ROOT);
        match parser.peek() {
            None => break,
            Some('}') => {
                parser.at += 1;
                if open.len() > 1 {
                    open.pop();
                } else {
                    parser.note("closes nothing");
                }
            }
            Some(_) => match parser.statement(parent, open.len() >= MAX_DEPTH) {
                Some(Some(block)) => open.push(block),
                Some(None) => {}
                None => break,
            },
        }
    }
    if open.len() > 1 {
        parser.note("the text ends inside a block");
    }
    (parser.tree, parser.broken)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    tree: Tree,
    broken: Option<Break>,
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn note(&mut self, reason: &str) {
        let offset = self.at;
        self.broken.get_or_insert(Break::new(offset, reason));
    }

    /// Goes behind white space and comments; behind ends of lines only where they do not matter.
    fn blanks(&mut self, lines: bool) {
        loop {
            let rest = self.rest();
            let end = rest.find(|c: char| !c.is_whitespace() || (c == '\n' && !lines)).unwrap_or(rest.len());
            self.at += end;
            let rest = &rest[end..];
            if rest.starts_with('#') || rest.starts_with("//") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                self.at += rest.find("*/").map_or(rest.len(), |end| end + 2);
            } else {
                return;
            }
        }
    }

    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| !is_name(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// An attribute, or the head of a block, which is returned to be filled. None when the document is full.
    fn statement(&mut self, parent: NodeId, too_deep: bool) -> Option<Option<NodeId>> {
        let start = self.at;
        let name = self.word();
        if name.is_empty() {
            self.note("neither a name nor the end of a block");
            self.at += self.peek().map_or(0, char::len_utf8);
            return Some(None);
        }
        let node = self.tree.add(parent, Role::Member, name, start)?;
        let mut labels: Vec<String> = Vec::new();
        loop {
            self.blanks(false);
            match self.peek() {
                Some('=') => {
                    self.at += 1;
                    self.expression(node, 0);
                    return Some(None);
                }
                Some('{') => {
                    self.at += 1;
                    self.tree.append_value(node, &labels.join(" "));
                    // Deeper blocks become part of the one that they stand in, so that their ends still match.
                    return Some(Some(if too_deep { parent } else { node }));
                }
                Some('"') => labels.push(self.string()),
                Some(c) if is_name(c) => labels.push(self.word().to_owned()),
                _ => return Some(None),
            }
        }
    }

    /// A value into a node. The depth is bounded because each level of it is one of the parser's own calls.
    fn expression(&mut self, node: NodeId, depth: usize) {
        self.blanks(false);
        if depth >= MAX_DEPTH {
            self.note("nested deeper than the cap");
            self.raw(node);
            return;
        }
        match self.peek() {
            Some('"') => {
                let text = self.string();
                self.tree.append_value(node, &text);
            }
            Some('<') if self.rest().starts_with("<<") => self.heredoc(node),
            Some('[') => self.list(node, depth),
            Some('{') => self.object(node, depth),
            _ => {
                // An object that is only written in another notation.
                let encoded = ["jsonencode(", "yamlencode(", "base64encode("];
                match encoded.into_iter().find(|call| self.rest().starts_with(call)) {
                    Some(call) => {
                        self.at += call.len();
                        self.blanks(true);
                        self.expression(node, depth + 1);
                        self.blanks(true);
                        self.at += usize::from(self.peek() == Some(')'));
                    }
                    None => self.raw(node),
                }
            }
        }
    }

    fn list(&mut self, node: NodeId, depth: usize) {
        self.at += 1;
        for index in 0usize.. {
            self.blanks(true);
            while self.peek() == Some(',') {
                self.at += 1;
                self.blanks(true);
            }
            match self.peek() {
                None => return self.note("the text ends inside a list"),
                Some(']') => {
                    self.at += 1;
                    return;
                }
                Some(_) => {}
            }
            let before = self.at;
            let Some(item) = self.tree.add(node, Role::Member, &index.to_string(), before) else { return };
            self.expression(item, depth + 1);
            self.at += usize::from(self.at == before) * self.peek().map_or(0, char::len_utf8);
        }
    }

    fn object(&mut self, node: NodeId, depth: usize) {
        self.at += 1;
        loop {
            self.blanks(true);
            let before = self.at;
            match self.peek() {
                None => return self.note("the text ends inside an object"),
                Some('}') => {
                    self.at += 1;
                    return;
                }
                Some(',') => {
                    self.at += 1;
                    continue;
                }
                Some(_) => {}
            }
            let name = if self.peek() == Some('"') { self.string() } else { self.word().to_owned() };
            let Some(member) = self.tree.add(node, Role::Member, &name, before) else { return };
            self.blanks(false);
            if matches!(self.peek(), Some('=' | ':')) {
                self.at += 1;
                self.expression(member, depth + 1);
            }
            self.at += usize::from(self.at == before) * self.peek().map_or(0, char::len_utf8);
        }
    }

    /// A string in quotes; what it interpolates stays as it is written, `${var.folder}`.
    fn string(&mut self) -> String {
        self.at += 1;
        let mut text = String::new();
        let mut braces = 0usize;
        let rest = self.rest();
        let mut characters = rest.char_indices().peekable();
        while let Some((i, c)) = characters.next() {
            match c {
                '\\' => match characters.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 't')) => text.push('\t'),
                    Some((_, 'r')) => text.push('\r'),
                    Some((_, other)) => text.push(other),
                    None => {}
                },
                '"' if braces == 0 => {
                    self.at += i + 1;
                    return text;
                }
                '$' | '%' if characters.peek().is_some_and(|(_, c)| *c == '{') => {
                    characters.next();
                    braces += 1;
                    text.push(c);
                    text.push('{');
                }
                '}' if braces > 0 => {
                    braces -= 1;
                    text.push('}');
                }
                // A string ends with its line, even where somebody forgot the quote.
                '\n' if braces == 0 => {
                    self.at += i;
                    self.note("a string is not closed");
                    return text;
                }
                c => text.push(c),
            }
        }
        self.at = self.text.len();
        self.note("a string is not closed");
        text
    }

    /// `<<EOT` or `<<-EOT`, up to a line with that word alone.
    fn heredoc(&mut self, node: NodeId) {
        let rest = self.rest();
        let Some((head, body)) = rest.split_once('\n') else {
            self.at = self.text.len();
            return self.note("a heredoc is not closed");
        };
        let mark = head.trim_start_matches(['<', '-']).trim();
        let mut length = 0;
        for line in body.split_inclusive('\n') {
            if line.trim() == mark {
                self.tree.append_value(node, &body[..length]);
                self.at += head.len() + 1 + length + line.trim_end_matches(['\r', '\n']).len();
                return;
            }
            length += line.len();
        }
        self.tree.append_value(node, body);
        self.at = self.text.len();
        self.note("a heredoc is not closed");
    }

    /// Any other expression: up to the end of its line, or of the list or object that it stands in.
    fn raw(&mut self, node: NodeId) {
        let rest = self.rest();
        let mut depth = 0usize;
        let mut quoted = false;
        let mut end = rest.len();
        for (i, c) in rest.char_indices() {
            match c {
                '"' => quoted = !quoted,
                _ if quoted => {}
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' if depth > 0 => depth -= 1,
                ')' | ']' | '}' | ',' | '\n' if depth == 0 => {
                    end = i;
                    break;
                }
                _ => {}
            }
        }
        self.at += end;
        self.tree.append_value(node, rest[..end].trim());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(tree: &Tree, path: &[&str]) -> Option<String> {
        tree.at(ROOT, path).map(|n| tree.value(n).to_owned())
    }

    #[test]
    fn blocks_attributes_lists_and_heredocs() {
        let text = "# c\nbuild {\n  provisioner \"powershell\" { // c\n    scripts = [\"a.ps1\", var.more, /* c */ \"b.ps1\",]\n    \
                    env = { A = \"x\\\\y\", \"B\" : \"${path.root}/z\" }\n    inline = [<<-EOT\n      one\n      EOT\n    ]\n  }\n}\n\
                    count = var.n + length([1, 2])\nsettings = jsonencode({\n  run = \"x\"\n})\nlast = true";
        let (tree, broken) = parse(text);
        assert!(broken.is_none(), "{:?}", broken.map(|b| b.reason));
        let of = |path: &[&str]| get(&tree, &[&["build", "provisioner"], path].concat());
        assert_eq!(of(&[]).as_deref(), Some("powershell"));
        assert_eq!(of(&["scripts", "0"]).as_deref(), Some("a.ps1"));
        assert_eq!(of(&["scripts", "1"]).as_deref(), Some("var.more"));
        assert_eq!(of(&["scripts", "2"]).as_deref(), Some("b.ps1"));
        assert_eq!(of(&["env", "A"]).as_deref(), Some("x\\y"));
        assert_eq!(of(&["env", "B"]).as_deref(), Some("${path.root}/z"));
        assert_eq!(of(&["inline", "0"]).as_deref(), Some("      one\n"));
        assert_eq!(get(&tree, &["count"]).as_deref(), Some("var.n + length([1, 2])"));
        assert_eq!(get(&tree, &["settings", "run"]).as_deref(), Some("x"));
        assert_eq!(get(&tree, &["last"]).as_deref(), Some("true"));
    }

    #[test]
    fn what_is_broken_ends() {
        for text in [
            "a \"b\" {",
            "}",
            "a = [",
            "a = {",
            "a = \"x",
            "a = <<E\nx",
            "a = [}",
            "a = {]",
            "= 1",
            "a = {\"\"",
            "\u{e9}\u{300}",
        ] {
            let (_, broken) = parse(text);
            assert!(broken.is_some() || text.starts_with('\u{e9}'), "{text}");
        }
        for unit in ["a {\n", "a = [", "a = {b = ", "jsonencode(", "[", "x = jsonencode("] {
            let (tree, _) = parse(&unit.repeat(100_000));
            assert!(tree.len() <= super::super::tree::MAX_NODES);
        }
    }
}
