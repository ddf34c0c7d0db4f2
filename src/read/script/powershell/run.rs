//! Walks a PowerShell syntax tree in the order of execution, with what the variables may hold.
//!
//! Branches are taken both and joined; functions run where they are called, and once more with unknown arguments when
//! nobody calls them.

use super::arguments::Handed;
use super::interest::Interest;
use super::sourced::{Foreign, Script};
use super::value::{Made, Scope, Value, number};
use crate::facts::{NoteKind, Part, Site, Source, Step, Text};
use crate::read::Input;
use crate::read::script::guards::Guards;
use crate::read::script::sink::{self, Sink};
use crate::read::text::LineIndex;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};
use tree_sitter::{Language, Node};

/// Deepest nesting of expressions, blocks and calls.
pub(super) const MAX_DEPTH: usize = 120;
/// Most nodes that are evaluated: calls repeat them.
const MAX_STEPS: usize = 1_000_000;

/// The walk.
pub(super) struct Machine<'s, 'r, 'k> {
    pub(super) source: &'s str,
    pub(super) index: Option<&'s LineIndex<'s>>,
    pub(super) interest: Option<&'s Interest>,
    pub(super) fixed: Option<Site>,
    /// The file that is read, and the others beside it.
    pub(super) input: Option<&'s Input<'s>>,
    /// So many scripts have read one another on the way here.
    pub(super) level: usize,
    /// Scripts that were read for what they set, here and in the scripts that read this one: the path of each, and the
    /// script where it can be read.
    pub(super) sourced: Vec<(String, Option<Script>)>,
    /// Functions of scripts that were read on the way, by their names.
    pub(super) foreign: HashMap<String, Foreign>,
    /// Defaults of the script's parameters get a mark.
    pub(super) marks: bool,
    pub(super) own_folder: Text,
    pub(super) sink: &'k mut Sink<'r>,
    pub(super) guards: Guards,
    pub(super) functions: HashMap<String, Node<'s>>,
    pub(super) called: HashSet<String>,
    /// A function has a name that the look at the words did not see.
    pub(super) unseen: bool,
    /// What another script left open in a line that it gives, as it is written here, and as a reader is shown it.
    pub(super) given: Vec<(String, String)>,
    /// `Set-Alias`
    pub(super) aliases: HashMap<String, Text>,
    /// Within `configuration Name { }`: blocks behind a name describe resources.
    pub(super) configuring: bool,
    /// Variables used since a command began, with where they were set.
    pub(super) used: Vec<(String, usize)>,
    /// The grammar did not understand all of it.
    pub(super) broken: bool,
    pub(super) depth: usize,
    pub(super) calls: usize,
    /// Under a condition the function that runs was left, or the whole script.
    pub(super) left: bool,
    pub(super) exited: bool,
    /// What the function that runs has returned so far.
    pub(super) returned: Value,
    pub(super) steps: usize,
    /// What the function that runs was called with.
    pub(super) handed: Handed<'s>,
}

impl<'s, 'r, 'k> Machine<'s, 'r, 'k> {
    pub(super) fn new(source: &'s str, own_folder: Text, sink: &'k mut Sink<'r>) -> Self {
        Machine {
            source,
            index: None,
            interest: None,
            fixed: None,
            input: None,
            level: 0,
            sourced: Vec::new(),
            foreign: HashMap::new(),
            marks: false,
            own_folder,
            sink,
            guards: Guards::default(),
            functions: HashMap::new(),
            called: HashSet::new(),
            unseen: false,
            given: Vec::new(),
            aliases: HashMap::new(),
            configuring: false,
            used: Vec::new(),
            broken: false,
            depth: 0,
            calls: 0,
            left: false,
            exited: false,
            returned: Value::Null,
            steps: 0,
            handed: Handed::default(),
        }
    }

    /// Runs a script, but for the functions that it does not call.
    pub(super) fn statements(&mut self, root: Node<'s>, scope: &mut Scope) {
        self.broken = root.has_error();
        self.eval(root, scope);
    }

    pub(super) fn slice(&self, node: Node<'_>) -> &'s str {
        self.source.get(node.byte_range()).unwrap_or_default()
    }

    /// The source of a node, as evidence.
    pub(super) fn quoted(&self, node: Node<'_>) -> String {
        let quoted = sink::quote(self.slice(node));
        self.given.iter().fold(quoted, |text, (mark, shown)| text.replace(mark.as_str(), shown))
    }

    pub(super) fn site(&self, node: Node<'_>) -> Site {
        match (&self.fixed, self.index) {
            (Some(site), _) => site.clone(),
            (None, Some(index)) => index.site(node.start_byte()),
            (None, None) => Site::default(),
        }
    }

    /// Where the variables of the current command were set.
    pub(super) fn trail(&self) -> Vec<Step> {
        let Some(index) = self.index.filter(|_| self.fixed.is_none()) else { return Vec::new() };
        let mut steps: Vec<Step> = Vec::new();
        for (_, at) in self.used.iter().rev().take(4) {
            let site = index.site(*at);
            let step = Step::at(sink::quote(index.line(site.line.unwrap_or(1))), site);
            if !steps.contains(&step) {
                steps.push(step);
            }
        }
        steps.reverse();
        steps
    }

    /// Evaluates a node: what it does goes to the sink, what it is worth comes back.
    pub(super) fn eval(&mut self, node: Node<'s>, scope: &mut Scope) -> Value {
        let node = unwrapped(node);
        self.steps += 1 + scope.size() / 256;
        if self.depth >= MAX_DEPTH || self.steps > MAX_STEPS {
            self.sink.note(NoteKind::Capped, "nested or repeated too much: not everything in it was followed");
            return Value::unknown();
        }
        self.depth += 1;
        let value = self.dispatch(node, scope);
        self.depth -= 1;
        value
    }

    fn dispatch(&mut self, node: Node<'s>, scope: &mut Scope) -> Value {
        match node.kind() {
            "assignment_expression" => {
                self.assign(node, scope);
                Value::Null
            }
            "pipeline_chain" => self.pipe(node, scope),
            "command" => {
                self.used.clear();
                self.command(node, Value::Null, scope)
            }
            "if_statement" => self.branches(node, scope).value,
            "switch_statement" => self.switch(node, scope).value,
            "try_statement" => self.attempt(node, scope).value,
            "foreach_statement" => self.foreach(node, scope),
            "while_statement" | "do_statement" | "for_statement" | "trap_statement" => {
                let mut value = Value::Null;
                let perhaps = self.sink.perhaps;
                for child in children(node) {
                    let before = scope.clone();
                    // What `do` repeats is done once at the least.
                    self.sink.perhaps |= child.kind() == "statement_block" && node.kind() != "do_statement";
                    let given = self.eval(child, scope);
                    self.sink.perhaps = perhaps || self.left;
                    scope.join(&before);
                    if child.kind() == "statement_block" && node.kind() != "trap_statement" {
                        value = given;
                    }
                }
                value
            }
            // What the last statement that gives something gives; `break` behind it gives nothing.
            "statement_list" => {
                let mut last = Value::Null;
                for child in children(node) {
                    let value = self.eval(child, scope);
                    if value != Value::Null {
                        last = value;
                    }
                }
                last
            }
            "function_statement" => {
                if let Some(name) = child_of_kind(node, "function_name") {
                    let name = self.slice(name).to_lowercase();
                    self.unseen |= self.interest.is_some_and(|interest| !interest.knows(&name));
                    self.functions.insert(name, node);
                }
                Value::Null
            }
            "param_block" => {
                self.parameters(node, &[], Source::Arg, scope);
                Value::Null
            }
            "string_literal" => self.string(node, scope),
            "variable" => self.variable(self.slice(node), scope),
            kind if is_number(kind) => {
                number(self.slice(node)).map_or_else(Value::unknown, |number| Value::lit(&number))
            }
            "generic_token" | "simple_name" | "command_name" | "path_command_name" => {
                self.bare(self.slice(node), scope)
            }
            "hash_literal_expression" => self.table(node, scope),
            "member_access" => self.member(node, scope),
            "invokation_expression" => self.invoke(node, scope),
            "element_access" => self.element(node, scope),
            "cast_expression" => children(node).last().map_or(Value::Null, |&operand| self.eval(operand, scope)),
            "type_literal" => Value::Object(type_name(self.slice(node)).into(), Made::Type),
            "additive_expression" | "additive_argument_expression" => {
                match self.operands(node, scope) {
                    // Lists of what was found. A single path, and what a member of it gives, is joined as a text.
                    (Value::Paths(left), Value::Paths(right)) if self.are_lists(node, &left, &right) => {
                        Value::Paths(left).and(Value::Paths(right))
                    }
                    (left, right) => left.with(&right, |a, b| a.clone().concat(b)),
                }
            }
            "format_expression" | "format_argument_expression" => self.format(node, scope),
            // `@(...)` has what each of its statements gives.
            "array_expression" => {
                let statements = children(node).into_iter().flat_map(|c| match c.kind() {
                    "statement_list" => children(c),
                    _ => vec![c],
                });
                statements.map(|c| self.eval(c, scope)).fold(Value::Null, Value::and)
            }
            "array_literal_expression" => {
                children(node).into_iter().map(|c| self.eval(c, scope)).fold(Value::Null, Value::and)
            }
            // The second operand counts where the first does not decide (about_Logical_Operators).
            "logical_expression" => {
                let perhaps = self.sink.perhaps;
                for operand in children(node) {
                    self.eval(operand, scope);
                    self.sink.perhaps = true;
                }
                self.sink.perhaps = perhaps;
                Value::unknown()
            }
            "comparison_expression"
            | "bitwise_expression"
            | "multiplicative_expression"
            | "expression_with_unary_operator" => {
                children(node).into_iter().for_each(|c| {
                    self.eval(c, scope);
                });
                Value::unknown()
            }
            "flow_control_statement" => {
                let value = children(node).into_iter().map(|c| self.eval(c, scope)).fold(Value::Null, Value::and);
                if self.slice(node).get(..6).is_some_and(|w| w.eq_ignore_ascii_case("return")) {
                    let known = std::mem::replace(&mut self.returned, Value::Null);
                    self.returned = known.and(value);
                }
                Value::Null
            }
            _ => {
                let mut last = Value::Null;
                for child in children(node) {
                    last = self.eval(child, scope);
                }
                last
            }
        }
    }

    /// Are the operands of a sum lists? The left one decides (about_Arithmetic_Operators); nothing is added to a single file.
    fn are_lists(&self, sum: Node<'s>, left: &[Text], right: &[Text]) -> bool {
        let has_several = |texts: &[Text]| {
            let is_pattern = |part: &Part| matches!(part, Part::Lit(known) if known.contains(['*', '?']));
            texts.len() != 1 || texts.iter().any(|text| text.parts().iter().any(is_pattern))
        };
        let parts = children(sum);
        let is_member = |node: &Node<'s>| unwrapped(*node).kind() == "member_access";
        parts.first().is_some_and(|left| unwrapped(*left).kind() == "array_expression")
            || has_several(left)
            || has_several(right) && !parts.iter().any(is_member)
    }

    fn operands(&mut self, node: Node<'s>, scope: &mut Scope) -> (Value, Value) {
        let parts = children(node);
        let mut value = |at: usize| parts.get(at).map_or(Value::unknown(), |&n| self.eval(n, scope));
        let left = value(0);
        (left, if parts.len() > 1 { value(parts.len() - 1) } else { Value::unknown() })
    }

    /// Gives what was assigned.
    pub(super) fn assign(&mut self, node: Node<'s>, scope: &mut Scope) -> Value {
        let Some(value) = node.child_by_field_name("value").map(|n| self.assigned(n, scope)) else {
            return Value::Null;
        };
        let parts = children(node);
        let (Some(left), operator) = (parts.first(), parts.get(1).map(|n| self.slice(*n)).unwrap_or("=")) else {
            return Value::Null;
        };
        let target = self.slice(*left);
        if operator == "=" && self.shared_out(*left, &value, scope) {
            return value;
        }
        // `[string]$name`
        let name = if target.starts_with('[') { target.rsplit(']').next().unwrap_or(target) } else { target }.trim();
        if let Some(name) = name.strip_prefix('$').filter(|n| !n.contains(['.', '[', '('])) {
            let name = name.trim_matches(['{', '}']).to_lowercase();
            let name = super::strings::strip_scope(&name).to_owned();
            let value = match (operator, scope.get(&name)) {
                ("+=", Some((Value::Texts(old), _))) if old.len() == 1 => {
                    Value::Texts(old.clone()).with(&value, |a, b| a.clone().concat(b))
                }
                ("+=", Some((old, _))) => old.clone().and(value),
                _ => value,
            };
            scope.forget_members(&name);
            scope.set(&name, value.clone(), left.start_byte());
            return value;
        } else if let Some((table, key)) = name.strip_prefix('$').and_then(|n| n.split_once(['.', '['])) {
            // `$table.Key = value` and `$table['Key'] = value`
            let table = super::strings::strip_scope(&table.to_lowercase()).to_owned();
            if key.to_ascii_lowercase().ends_with("commandtext") {
                self.sink.queries.tell(&*value.texts());
            }
            // A connection is told where to before it is opened.
            if key.eq_ignore_ascii_case("connectionstring")
                && let Some((Value::Object(class, Made::Instance), _)) = scope.get(&table).cloned()
            {
                self.dotnet(&format!("new {class}"), std::slice::from_ref(&value), node, scope);
            }
            if let Some((Value::Table(mut entries), at)) = scope.get(&table).cloned() {
                let key = key.trim_matches(['\'', '"', ']', ' ']).to_lowercase();
                let known = Arc::make_mut(&mut entries);
                known.retain(|(k, _)| *k != key);
                known.push((key, value.clone()));
                scope.set(&table, Value::Table(entries), at);
            } else {
                // A property of an object of which nothing else is known.
                let key = key.trim_matches(['\'', '"', ']', ' ']).to_lowercase();
                if key.chars().all(|c| c.is_alphanumeric() || c == '_') {
                    scope.set(&member_name(&table, &key), value.clone(), left.start_byte());
                }
            }
        }
        value
    }

    /// `$a, $b = 'x', 'y'`: each variable gets its element (about_Assignment_Operators).
    fn shared_out(&mut self, left: Node<'s>, value: &Value, scope: &mut Scope) -> bool {
        let left = unwrapped(left);
        let targets = children(left);
        if left.kind() != "array_literal_expression" || targets.len() < 2 {
            return false;
        }
        let texts = value.texts();
        for (number, target) in targets.iter().enumerate() {
            let target = self.slice(*target);
            let Some(name) = target.strip_prefix('$').filter(|name| !name.contains(['.', '[', '('])) else { continue };
            let name = super::strings::strip_scope(&name.trim_matches(['{', '}']).to_lowercase()).to_owned();
            let own = texts.get(number).filter(|_| texts.len() == targets.len());
            scope.forget_members(&name);
            scope.set(&name, own.cloned().map_or_else(Value::unknown, Value::text), left.start_byte());
        }
        true
    }

    /// Commands joined by `|`.
    fn pipe(&mut self, node: Node<'s>, scope: &mut Scope) -> Value {
        self.used.clear();
        let mut input = Value::Null;
        let first = self.sink.reading.facts.len();
        let perhaps = self.sink.perhaps;
        for part in children(node) {
            let may_end = self.may_give_nothing(part);
            input = match part.kind() {
                "command" => self.command(part, input, scope),
                "redirections" => {
                    self.redirections(part, &input, first, scope);
                    Value::Null
                }
                _ => self.eval(part, scope),
            };
            self.sink.perhaps |= may_end;
        }
        self.sink.perhaps = perhaps || self.left;
        input
    }

    fn foreach(&mut self, node: Node<'s>, scope: &mut Scope) -> Value {
        let mut parts = children(node).into_iter();
        let variable = parts.find(|n| n.kind() == "variable");
        let mut given = Value::Null;
        for part in parts {
            if part.kind() == "statement_block" {
                let before = scope.clone();
                let perhaps = self.sink.perhaps;
                self.sink.perhaps |= self.may_be_empty(node);
                given = self.eval(part, scope);
                self.sink.perhaps = perhaps || self.left;
                scope.join(&before);
            } else {
                let value = self.eval(part, scope);
                if let Some(variable) = variable {
                    let name = self.slice(variable).trim_start_matches('$').to_lowercase();
                    scope.set(
                        &name,
                        if value == Value::Null { Value::unknown() } else { value },
                        variable.start_byte(),
                    );
                }
            }
        }
        given
    }
}

/// The variable that stands for a property of an object in another one.
pub(super) fn member_name(variable: &str, property: &str) -> String {
    format!("{variable}.{property}")
}

/// The grammar wraps every operand in one node per level of precedence.
pub(super) fn unwrapped(node: Node<'_>) -> Node<'_> {
    let mut node = node;
    while is_wrapper(node.kind_id())
        && node.child_count() == 1
        && let Some(child) = node.named_child(0)
    {
        node = child;
    }
    node
}

/// Kinds of nodes that stand for their only child when they have one.
fn is_wrapper(kind: u16) -> bool {
    static WRAPPERS: OnceLock<Vec<bool>> = OnceLock::new();
    let wrappers = WRAPPERS.get_or_init(|| {
        let language = Language::from(tree_sitter_powershell::LANGUAGE);
        let name = |kind| language.node_kind_for_id(kind).unwrap_or_default();
        let wraps = |name: &str| name.ends_with("_expression") || name == "pipeline" || name == "pipeline_chain";
        (0..language.node_kind_count()).map(|kind| wraps(name(kind as u16))).collect()
    });
    wrappers.get(usize::from(kind)).copied().unwrap_or_default()
}

/// Named children, without comments and separators.
pub(super) fn children<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor)
        .filter(|n| !matches!(n.kind(), "comment" | "command_argument_sep" | "empty_statement"))
        .collect()
}

/// Is it a number?
pub(super) fn is_number(kind: &str) -> bool {
    matches!(kind, "decimal_integer_literal" | "integer_literal" | "real_literal" | "hexadecimal_integer_literal")
}

pub(super) fn child_of_kind<'t>(node: Node<'t>, kind: &str) -> Option<Node<'t>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).find(|n| n.kind() == kind)
}

/// `[System.IO.File]` is `io.file`.
pub(super) fn type_name(literal: &str) -> String {
    let name: String =
        literal.trim_matches(['[', ']']).chars().filter(|c| !c.is_whitespace()).collect::<String>().to_lowercase();
    name.strip_prefix("system.").map_or(name.clone(), str::to_owned)
}
