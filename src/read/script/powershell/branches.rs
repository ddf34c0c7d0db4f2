//! Ways that exclude each other: `if`, `switch`, `try`. What holds behind them is what holds behind any of them, and as
//! the value of an assignment they give what one of their blocks gives (about_Assignment_Operators, about_Switch).

use super::run::{Machine, child_of_kind, children, unwrapped};
use super::value::{Scope, Value};
use tree_sitter::Node;

/// What a statement with several ways gives.
pub(super) struct Given {
    pub(super) value: Value,
    /// There is a way on which it gives nothing, or nothing that was followed.
    is_silent: bool,
}

/// The ways of a statement, while they are taken.
struct Ways {
    before: Scope,
    after: Option<Scope>,
    given: Given,
}

impl Ways {
    fn new(scope: &Scope) -> Self {
        Ways { before: scope.clone(), after: None, given: Given { value: Value::Null, is_silent: false } }
    }

    /// The end of all of them; when none of them has to be taken, what was before holds too.
    fn end(mut self, has_other: bool, scope: &mut Scope) -> Given {
        if let Some(mut after) = self.after {
            if !has_other {
                after.join(&self.before);
            }
            *scope = after;
        }
        self.given.is_silent |= !has_other;
        self.given
    }
}

impl Given {
    fn add(&mut self, value: Value) {
        self.is_silent |= value == Value::Null;
        self.value = std::mem::replace(&mut self.value, Value::Null).or(value);
    }
}

impl<'s> Machine<'s, '_, '_> {
    /// The value that an assignment gives. What a statement gives is never taken for an empty text.
    pub(super) fn assigned(&mut self, node: Node<'s>, scope: &mut Scope) -> Value {
        // `$a = $b = 'x'`
        let inner = unwrapped(node);
        if inner.kind() == "assignment_expression" {
            return self.assign(inner, scope);
        }
        let given = match node.kind() {
            "if_statement" => self.branches(node, scope),
            "switch_statement" => self.switch(node, scope),
            "try_statement" => self.attempt(node, scope),
            "pipeline" => return self.eval(node, scope),
            _ => Given { value: self.eval(node, scope), is_silent: false },
        };
        match given.value {
            Value::Null => Value::unknown(),
            value if given.is_silent => value.or(Value::unknown()),
            value => value,
        }
    }

    pub(super) fn branches(&mut self, node: Node<'s>, scope: &mut Scope) -> Given {
        let mut never = false;
        let mut test = None;
        if let Some(condition) = node.child_by_field_name("condition") {
            never = self.slice(condition).trim().eq_ignore_ascii_case("$false");
            self.eval(condition, scope);
            test = self.marker(node, condition, scope);
        }
        let mut ways = Ways::new(scope);
        let mut has_other = false;
        for child in children(node) {
            match child.kind() {
                // What is switched off by its author does not happen.
                "statement_block" if never => {}
                // What is there is taken away.
                "statement_block" if self.is_due(node, child, scope) => self.take(child, &mut ways),
                "statement_block" => self.take_if(child, &mut ways),
                "elseif_clauses" => children(child).into_iter().for_each(|clause| self.take_if(clause, &mut ways)),
                "else_clause" => {
                    has_other = true;
                    self.take_if(child, &mut ways);
                }
                _ => {}
            }
        }
        if let Some(test) = test {
            self.guarded(node, test);
        }
        ways.end(has_other, scope)
    }

    pub(super) fn switch(&mut self, node: Node<'s>, scope: &mut Scope) -> Given {
        let mut blocks = Vec::new();
        let mut has_default = false;
        let mut waiting = children(node);
        waiting.reverse();
        while let Some(part) = waiting.pop() {
            match part.kind() {
                // The grammar wants the end of a line behind each clause. Of clauses on one line it finds the blocks, and
                // their conditions as something that it did not expect.
                "switch_body" | "switch_clauses" | "switch_clause" | "ERROR" => {
                    waiting.extend(children(part).into_iter().rev());
                }
                "statement_block" => blocks.push(part),
                _ => {
                    has_default |= self.slice(part).trim().eq_ignore_ascii_case("default");
                    self.eval(part, scope);
                }
            }
        }
        let mut ways = Ways::new(scope);
        blocks.into_iter().for_each(|block| self.take_if(block, &mut ways));
        ways.end(has_default, scope)
    }

    /// `try`: it may fail at any point, so that where it is caught what was before may hold. What nobody catches does not
    /// come to what is behind it.
    pub(super) fn attempt(&mut self, node: Node<'s>, scope: &mut Scope) -> Given {
        let mut given = Given { value: Value::Null, is_silent: false };
        let before = scope.clone();
        for part in children(node) {
            let clauses = if part.kind() == "catch_clauses" { children(part) } else { vec![part] };
            for clause in clauses {
                let ends = self.leaves(clause, &["throw", "exit", "return"]);
                let value = match clause.kind() {
                    "catch_clause" => {
                        let mut caught = scope.clone();
                        caught.join(&before);
                        let value = self.eval(clause, &mut caught);
                        if !self.leaves(clause, &["throw", "exit"]) {
                            scope.join(&caught);
                        }
                        value
                    }
                    // It runs where the block was left too early as well.
                    "finally_clause" => {
                        let mut left = scope.clone();
                        left.join(&before);
                        self.eval(clause, &mut left);
                        self.eval(clause, scope)
                    }
                    _ => self.eval(clause, scope),
                };
                if clause.kind() != "finally_clause" && !ends {
                    given.add(value);
                }
            }
        }
        given
    }

    /// A way that is taken under a condition. Where it leaves the script or the function, and not because something failed,
    /// what stands behind is not always come to.
    fn take_if(&mut self, clause: Node<'s>, ways: &mut Ways) {
        self.sink.conditions.push(clause.start_byte());
        self.take(clause, ways);
        self.sink.conditions.pop();
        if self.leaves(clause, &["return", "exit"]) {
            (self.sink.perhaps, self.left) = (true, true);
            self.exited |= self.leaves(clause, &["exit"]);
        }
    }

    /// Takes one of several ways: a block, or a clause with one.
    fn take(&mut self, clause: Node<'s>, ways: &mut Ways) {
        let mut inner = ways.before.clone();
        let value = self.eval(clause, &mut inner);
        if !self.leaves(clause, &["throw", "exit", "return"]) {
            ways.given.add(value);
        }
        // What returns may go on in another script, which has read this one.
        if self.leaves(clause, &["throw", "exit"]) {
            return;
        }
        match &mut ways.after {
            Some(known) => known.join(&inner),
            None => ways.after = Some(inner),
        }
    }

    /// Does the block of a clause end with one of these? Its own text tells: the tree is without what leaves no trace.
    pub(super) fn leaves(&self, clause: Node<'s>, words: &[&str]) -> bool {
        let is_block = clause.kind() == "statement_block";
        let block = if is_block { Some(clause) } else { child_of_kind(clause, "statement_block") };
        let Some(block) = block else { return false };
        let body = self.slice(block).trim_start_matches('{');
        let body = body.strip_suffix('}').unwrap_or(body).trim_end_matches([';', ' ', '\t', '\r', '\n']);
        let last = body.rsplit([';', '\n']).next().unwrap_or_default().trim_start();
        let word = last.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next().unwrap_or_default();
        words.iter().any(|known| word.eq_ignore_ascii_case(known))
    }
}
