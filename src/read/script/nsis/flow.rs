//! Where an installer goes on: labels and jumps (NSIS documentation, 4.3 "Labels" and 4.9.4 "Flow Control
//! Instructions"), and the branches that LogicLib makes of them. Ways back, which loops take, are not followed.

use super::source::UNKNOWN;
use crate::read::script::ways::Variables;

/// Most jumps that are followed: each keeps what is known where it stands.
const MAX_JUMPS: usize = 5_000;

/// Where in the script the walk is.
#[derive(Default)]
pub(super) struct Flow {
    /// Instructions that were passed, as relative jumps count them.
    passed: usize,
    jumps: usize,
}

impl Flow {
    /// Takes a line as far as it decides what is known; true when there is no more to it.
    pub(super) fn follow(&mut self, words: &[String], known: &mut Variables) -> bool {
        let Some((name, arguments)) = words.split_first() else { return true };
        if let (Some(label), []) = (name.strip_suffix(':'), arguments) {
            known.arrive(&label.to_lowercase());
            return true;
        }
        if let Some(word) = name.strip_prefix(UNKNOWN.0).and_then(|word| word.strip_suffix(UNKNOWN.1)) {
            structure(&word.to_lowercase(), arguments, known);
        }
        known.pass(&passed(self.passed));
        self.jump(&name.to_lowercase(), arguments, known);
        self.passed += 1;
        false
    }

    fn jump(&mut self, name: &str, arguments: &[String], known: &mut Variables) {
        let (first, ways) = match name {
            "goto" => (0, 1),
            "iferrors" | "ifabort" | "ifsilent" | "ifrebootflag" | "ifrtllanguage" => (0, 2),
            "iffileexists" => (1, 2),
            "strcmp" | "strcmps" => (2, 2),
            "intcmp" | "intcmpu" | "int64cmp" | "int64cmpu" => (2, 3),
            "messagebox" => return self.answers(arguments, known),
            "abort" | "quit" | "return" => return known.end(),
            _ => return,
        };
        let target = |n: usize| arguments.get(first + n).map(String::as_str).filter(|t| !matches!(*t, "" | "0"));
        for label in (0..ways).filter_map(target) {
            self.to(label, known);
        }
        if (0..ways).all(|n| target(n).is_some()) {
            known.end();
        }
    }

    /// `MessageBox ... IDYES label`: any other answer goes on.
    fn answers(&mut self, arguments: &[String], known: &mut Variables) {
        for pair in arguments.get(2..).unwrap_or_default().windows(2) {
            if let [answer, label] = pair
                && answer.get(..2).is_some_and(|id| id.eq_ignore_ascii_case("ID"))
            {
                self.to(label, known);
            }
        }
    }

    fn to(&mut self, label: &str, known: &mut Variables) {
        self.jumps += 1;
        if self.jumps > MAX_JUMPS {
            return;
        }
        match label.strip_prefix('+').map(str::parse::<usize>) {
            Some(Ok(count)) => known.jump(passed(self.passed.saturating_add(count))),
            _ => known.jump(label.to_lowercase()),
        }
    }
}

/// Stands for a label where a relative jump leads; no label begins like this.
fn passed(instruction: usize) -> String {
    format!("+{instruction}")
}

/// A statement of LogicLib.
fn structure(word: &str, arguments: &[String], known: &mut Variables) {
    match word {
        "if" | "ifnot" | "unless" => {
            known.fork();
            known.branch(false);
        }
        "elseif" | "elseifnot" | "elseunless" => known.branch(false),
        // `${Else} If ...` is `${ElseIf} ...`.
        "else" => known.branch(arguments.is_empty()),
        "select" | "switch" => known.fork(),
        "case" | "case2" | "case3" | "case4" | "case5" => known.branch(false),
        "caseelse" | "case_else" | "default" => known.branch(true),
        "endif" | "endunless" | "endselect" | "endswitch" => known.join(),
        _ => {}
    }
}
