//! What of a script need not be parsed: statements that can leave no trace, and from which none that does gets a value.
//!
//! A syntax tree costs a hundred times what a look at the characters costs, and most of what a script does only
//! computes, prints or tests. What counts is a statement with a place of interest in it, a call of a function with
//! one, and from there each statement that sets a variable or gives a value which one that counts names.

use super::interest::Interest;
use super::outline::{Outline, ROOT};
use std::borrow::Cow;

/// The script with blanks in place of what need not be parsed; all else is where it was.
pub(super) fn told<'t>(text: &'t str, interest: &Interest) -> Cow<'t, str> {
    if interest.reaches_everywhere() {
        return Cow::Borrowed(text);
    }
    let Some(outline) = Outline::of(text, interest) else { return Cow::Borrowed(text) };
    let mut search = Search::new(&outline, interest);
    search.run(interest);
    let (kept, statements) = (&search.kept, &outline.statements);
    // The grammar wants a statement behind the parameters of a script.
    if !search.children.of(ROOT).iter().any(|i| kept[*i] && !statements[*i].declares()) {
        return Cow::Borrowed(text);
    }
    let mut bytes = text.as_bytes().to_vec();
    for comment in &outline.comments {
        bytes[comment.clone()].fill(b' ');
    }
    for parent in (0..statements.len()).filter(|i| kept[*i]) {
        for block in search.children.of(parent).chunk_by(|a, b| statements[*a].block == statements[*b].block) {
            for statement in block.iter().filter(|i| !kept[**i]) {
                bytes[statements[*statement].range.clone()].fill(b' ');
            }
            // Nor does it know a block of no statements among the arguments of a command.
            let is_empty = parent != ROOT && !block.iter().any(|i| kept[*i]);
            if let Some(first) = block.first().filter(|_| is_empty) {
                bytes[statements[*first].range.start] = b';';
            }
        }
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// Which values of a list belong to a number, from pairs of both.
struct Table {
    starts: Vec<usize>,
    values: Vec<usize>,
}

impl Table {
    fn new(pairs: impl Iterator<Item = (usize, usize)> + Clone, count: usize) -> Self {
        let mut starts = vec![0; count + 1];
        for (key, _) in pairs.clone() {
            starts[key + 1] += 1;
        }
        for i in 0..count {
            starts[i + 1] += starts[i];
        }
        let mut next = starts.clone();
        let mut values = vec![0; starts[count]];
        for (key, value) in pairs {
            values[next[key]] = value;
            next[key] += 1;
        }
        Table { starts, values }
    }

    fn of(&self, key: usize) -> &[usize] {
        &self.values[self.starts[key]..self.starts[key + 1]]
    }
}

struct Search<'t> {
    outline: &'t Outline,
    children: Table,
    /// Statements of a function.
    inside: Table,
    /// Variables that a statement names.
    uses: Table,
    /// Variables that a statement sets.
    set_by: Table,
    /// Statements that set a variable.
    sets: Table,
    /// Functions that a statement names.
    calls: Table,
    /// Statements that name a function.
    callers: Table,
    /// Statements that define a function.
    defined: Table,
    /// Functions that a statement defines.
    defines: Table,
    /// Where a function gives a value.
    returns: Vec<bool>,
    acts: Vec<bool>,
    /// Functions that can leave a trace.
    acting: Vec<bool>,
    /// Functions that a kept statement names.
    called: Vec<bool>,
    kept: Vec<bool>,
    /// Functions that run.
    live: Vec<bool>,
    wanted: Vec<bool>,
    waiting: Vec<usize>,
}

impl<'t> Search<'t> {
    fn new(outline: &'t Outline, interest: &Interest) -> Self {
        let statements = &outline.statements;
        let (count, functions, variables) = (statements.len(), interest.functions(), outline.variables);
        let all = || statements.iter().enumerate().skip(1);
        let mentions: Vec<(usize, usize)> =
            outline.at(interest.mentions().map(|(at, _)| at)).zip(interest.mentions().map(|(_, name)| name)).collect();
        let turned = |pairs: &'t [(usize, usize)]| pairs.iter().map(|(a, b)| (*b, *a));
        let mut search = Search {
            outline,
            children: Table::new(all().map(|(i, s)| (s.parent, i)), count),
            inside: Table::new(all().map(|(i, s)| (s.home, i)), count),
            uses: Table::new(outline.uses.iter().copied(), count),
            set_by: Table::new(turned(&outline.sets), count),
            sets: Table::new(outline.sets.iter().copied(), variables),
            calls: Table::new(mentions.iter().copied(), count),
            callers: Table::new(mentions.iter().map(|(a, b)| (*b, *a)), functions),
            defined: Table::new(turned(&outline.functions), functions),
            defines: Table::new(outline.functions.iter().copied(), count),
            returns: vec![false; functions],
            acts: vec![false; count],
            acting: vec![false; functions],
            called: vec![false; functions],
            kept: vec![false; count],
            live: vec![false; count],
            wanted: vec![false; variables],
            waiting: Vec::new(),
        };
        for name in 0..functions {
            let mut bodies = search.defined.of(name).iter().map(|f| &statements[*f].range);
            search.returns[name] = bodies.any(|range| interest.returns_within(range));
        }
        search
    }

    fn run(&mut self, interest: &Interest) {
        self.live[ROOT] = true;
        self.kept[ROOT] = true;
        self.acts[ROOT] = true;
        self.keep_what_stays(ROOT);
        let places: Vec<usize> = self.outline.at(interest.places().iter().copied()).collect();
        for statement in places {
            self.act(statement);
        }
        while let Some(statement) = self.waiting.pop() {
            self.follow(statement);
        }
    }

    /// The statement can leave a trace, and with it what it is in and what calls that.
    fn act(&mut self, statement: usize) {
        let mut acting = vec![statement];
        while let Some(mut at) = acting.pop() {
            while !self.acts[at] {
                self.acts[at] = true;
                self.keep(at);
                let statement = &self.outline.statements[at];
                for name in self.defines.of(at) {
                    if !std::mem::replace(&mut self.acting[*name], true) {
                        acting.extend_from_slice(self.callers.of(*name));
                    }
                }
                if statement.is_function {
                    self.enliven(at);
                }
                at = statement.parent;
            }
        }
    }

    fn keep(&mut self, statement: usize) {
        let mut at = statement;
        while !self.kept[at] {
            self.kept[at] = true;
            self.waiting.push(at);
            at = self.outline.statements[at].parent;
        }
    }

    fn keep_what_stays(&mut self, statement: usize) {
        for i in 0..self.children.of(statement).len() {
            let child = self.children.of(statement)[i];
            if self.outline.statements[child].stays() {
                self.keep(child);
            }
        }
    }

    /// What a kept statement needs.
    fn follow(&mut self, statement: usize) {
        // The body of a function matters only if that runs.
        if !self.outline.statements[statement].is_function {
            self.keep_what_stays(statement);
        }
        for i in 0..self.uses.of(statement).len() {
            let variable = self.uses.of(statement)[i];
            if std::mem::replace(&mut self.wanted[variable], true) {
                continue;
            }
            for i in 0..self.sets.of(variable).len() {
                let setter = self.sets.of(variable)[i];
                if self.live[self.outline.statements[setter].home] {
                    self.keep(setter);
                }
            }
        }
        for i in 0..self.calls.of(statement).len() {
            let name = self.calls.of(statement)[i];
            if std::mem::replace(&mut self.called[name], true) {
                continue;
            }
            for i in 0..self.defined.of(name).len() {
                let function = self.defined.of(name)[i];
                self.keep(function);
                if self.returns[name] {
                    self.enliven(function);
                }
            }
        }
    }

    /// The function runs, so that what it sets on the way and what it returns matters.
    fn enliven(&mut self, function: usize) {
        if std::mem::replace(&mut self.live[function], true) {
            return;
        }
        self.keep(function);
        self.keep_what_stays(function);
        for i in 0..self.inside.of(function).len() {
            let statement = self.inside.of(function)[i];
            if self.set_by.of(statement).iter().any(|variable| self.wanted[*variable]) {
                self.keep(statement);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text with blanks in place of these parts of it; where `;` is among the rest, it is in place of their beginnings.
    fn without(text: &str, parts: &[&str]) -> String {
        parts.iter().fold(text.to_owned(), |text, part| {
            let (part, sign) = part.strip_prefix("empty:").map_or((*part, " "), |part| (part, ";"));
            assert!(text.contains(part), "{part} in {text}");
            text.replacen(part, &format!("{sign}{}", " ".repeat(part.len() - 1)), 1)
        })
    }

    #[test]
    fn what_can_leave_no_trace_is_blank() {
        for (text, parts) in [
            // Values that nothing asks for, and what prints.
            (
                "Write-Host 'a'\n$d = 'C:\\x'\n$e = 'y'\nSet-Content $d z # why",
                &["Write-Host 'a'", "$e = 'y'", "# why"][..],
            ),
            // Functions, and calls of functions, that do nothing.
            (
                "function Dull { Get-Date }\nfunction Act { Set-Content a b }\nfunction Call { Act }\nDull\nCall",
                &["function Dull { Get-Date }", "Dull"],
            ),
            // What is thrown away is no value.
            ("$null = Get-Date\nSet-Content a b > $null", &["$null = Get-Date"]),
            // A statement over several lines, and one in a block that stays.
            (
                "Get-Date |\n  Out-Null\nif (1)\n{\n  Get-Date\n  Set-Content a b\n}",
                &["Get-Date |\n  Out-Null", "Get-Date"],
            ),
            // What a function returns, and nothing else of it.
            ("function W {\n Get-Date\n return 'C:\\x'\n}\n$p = W\nSet-Content $p z", &["Get-Date"]),
            // A block among arguments must not be empty.
            ("Get-Item a | % { Get-Date } | Set-Content b", &["empty:Get-Date"]),
            // A test for a marker stays; that its block leaves is read from the script itself.
            ("if (Test-Path m) { return }\nSet-Content a b", &["empty:return"]),
            // Cases of a switch stay, what is in them may go.
            ("switch ($x) {\n 'a' { Get-Date }\n 'b' { Set-Content a b }\n}", &["empty:Get-Date"]),
            // Strings with quotes, braces and comment signs in them.
            ("\"}$(\"#{\")\"\n'\"'\n@'\n}'\n'@\nSet-Content a b", &["\"}$(\"#{\")\"", "'\"'", "@'\n}'\n'@"]),
        ] {
            assert_eq!(told(text, &Interest::find(text)), without(text, parts), "{text}");
        }
    }

    #[test]
    fn what_others_need_stays() {
        for text in [
            "param($p = 'x')\n$q = \"$p\\y\"\nSet-Content $q z",
            "$t = @{}\n$t.Path = 'C:\\x'\nSet-Content @t",
            "foreach ($f in 'a', 'b') { Remove-Item $f }",
            "cd C:\\x\nSet-Content a b",
            "$env:X = 'y'\nStart-Process a.exe",
            "function F { begin { Set-Content a b } end { Set-Content c d } }\nF",
            "$m = New-Module { function G { Set-Content a b } }\nG",
            "class C { [void] M() { Set-Content a b } }",
            "$a, $b = 'x', 'y'\nSet-Content $b z",
            "$f = {\n 'C:\\x'\n}\nSet-Content (& $f) z",
            // What starts by a variable, with no blank, and a file whose variable is like another's.
            "$p = 'a.exe'\n.$p x",
            "$nullFile = 'C:\\x'\n'a' > $nullFile",
            // Nothing is known where something does not match.
            "Get-Date\nSet-Content 'a b",
            "Get-Date\n}\nSet-Content a b",
            "Get-Date\nconfiguration X { File a { } }\nSet-Content a b",
        ] {
            assert_eq!(told(text, &Interest::find(text)), text, "{text}");
        }
    }
}
