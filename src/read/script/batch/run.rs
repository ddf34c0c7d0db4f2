//! Walks a cmd script along every way it may take, with what its variables may hold there.
//!
//! Both branches of an `if` are taken and joined; a `goto` continues at its label with what holds there; `call :label`
//! runs in place. Loops settle because values are few per variable; [`MAX_STEPS`] bounds what is left. What no way
//! reaches (labels that are built from arguments) is read at the end.

use super::builtin::Printed;
use super::env::Env;
use super::parse;
use super::syntax::{For, Items, Join, Link, Node, Script, Statement};
use crate::facts::{Hole, Location, NoteKind, Part, Site, Text};
use crate::read::Input;
use crate::read::script::guards::Guards;
use crate::read::script::sink::Sink;
use crate::read::text::LineIndex;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;

/// Most commands that are carried out: calls and loops repeat them.
const MAX_STEPS: usize = 100_000;
/// Deepest `call :label` inside another, and deepest line inside a line.
const MAX_CALLS: usize = 12;
/// Most labels behind a line that are looked at for whether it is passed over.
const MAX_PASSED: usize = 32;
/// How often a label is entered with more than was known there before.
const MAX_VISITS: u32 = 8;

/// Where a script stands and what it is given.
pub(super) struct World<'s> {
    /// Folder of the script, with a separator at its end.
    pub(super) own_folder: Text,
    /// The script itself.
    pub(super) own_path: Text,
    pub(super) index: Option<&'s LineIndex<'s>>,
    pub(super) source: &'s str,
    /// The site of everything, when the text is no file of its own.
    pub(super) fixed: Option<Site>,
    /// The file that is read, and the others beside it.
    pub(super) input: Option<&'s Input<'s>>,
    /// So many scripts have called one another on the way here.
    pub(super) level: usize,
}

/// The walk.
pub(super) struct Machine<'s, 'r, 'k> {
    pub(super) world: &'s World<'s>,
    pub(super) sink: &'k mut Sink<'r>,
    pub(super) guards: Guards,
    pub(super) delayed: bool,
    pub(super) steps: usize,
    pub(super) depth: usize,
    pub(super) loops: Vec<(char, Vec<Text>)>,
    /// The command that is being carried out, when it was put together from values.
    pub(super) inner: Option<usize>,
    /// Holes of the lines that were put together, innermost last.
    pub(super) holes: Vec<Vec<Hole>>,
    /// Where the output goes of commands that did more than print.
    pub(super) acted: HashSet<usize>,
    /// Scripts that were called for what they set.
    pub(super) called: usize,
    /// The command whose redirections are told.
    pub(super) statement: Range<usize>,
    /// What of the registry the command before asked for, which failed if it is absent.
    pub(super) asked: Option<Location>,
    reached: Vec<bool>,
    /// What held where a label was computed.
    dynamic: Option<Env>,
    /// A comparison was decided, and only one of its ways followed.
    pub(super) decided: bool,
    /// A label is computed: nobody knows with what a line is reached.
    pub(super) is_dynamic: bool,
    /// What is carried out is carried out because something failed.
    pub(super) failing: bool,
    /// The command before only asked something: that it failed is its answer.
    pub(super) inquired: bool,
    /// What is carried out is not carried out each time.
    pub(super) optional: bool,
    /// Something that is not carried out each time, and not because something failed, has ended the script or the call.
    pub(super) ended: bool,
    /// See `names_home`, once somebody has asked.
    pub(super) has_home: OnceCell<bool>,
}

/// A run of the script from a label, with arguments.
pub(super) struct Frame<'c> {
    pub(super) script: &'c Script,
    labels: &'c HashMap<&'c str, usize>,
    pub(super) args: Option<Vec<Text>>,
    pub(super) line_env: Env,
    pending: BTreeMap<usize, Env>,
    states: HashMap<usize, (Env, u32)>,
    exits: Option<Env>,
    /// Where was jumped to, and not because something failed: what is passed over is not always carried out.
    jumps: BTreeSet<usize>,
}

impl<'s, 'r, 'k> Machine<'s, 'r, 'k> {
    pub(super) fn new(world: &'s World<'s>, sink: &'k mut Sink<'r>, delayed: bool) -> Self {
        Machine {
            world,
            sink,
            guards: Guards::default(),
            delayed,
            steps: 0,
            depth: 0,
            loops: Vec::new(),
            inner: None,
            holes: Vec::new(),
            acted: HashSet::new(),
            called: 0,
            statement: 0..0,
            asked: None,
            reached: Vec::new(),
            dynamic: None,
            decided: false,
            is_dynamic: false,
            failing: false,
            inquired: false,
            optional: false,
            ended: false,
            has_home: OnceCell::new(),
        }
    }

    /// Runs a whole script with what holds at its start.
    pub(super) fn script(&mut self, script: &Script, start: Env) {
        let labels = Self::labels(script);
        self.reached = vec![false; script.statements.len()];
        self.frame(script, &labels, 0, None, start.clone());
        // A jump to a label that is computed may go back to where a comparison was decided.
        if self.decided && self.dynamic.is_some() {
            self.is_dynamic = true;
            self.frame(script, &labels, 0, None, start.clone());
        }
        let mut rest: Vec<usize> = labels.values().copied().collect();
        rest.sort_unstable();
        for at in rest {
            if self.reached.get(at) == Some(&false) {
                let env = self.dynamic.clone().unwrap_or_else(|| start.clone());
                self.frame(script, &labels, at, Some(Vec::new()), env);
            }
        }
        if self.steps > MAX_STEPS {
            self.read_on(script, &labels);
        }
    }

    /// Where the labels are; the first of a name counts.
    pub(super) fn labels(script: &Script) -> HashMap<&str, usize> {
        let mut labels = HashMap::new();
        for (i, statement) in script.statements.iter().enumerate() {
            if let [Link { node: Node::Label(name), .. }] = statement.links.as_slice() {
                labels.entry(name.as_str()).or_insert(i);
            }
        }
        labels
    }

    /// What no way reached before the steps were used up, statement by statement: nothing is known of the variables.
    fn read_on<'c>(&mut self, script: &'c Script, labels: &'c HashMap<&'c str, usize>) {
        let left: Vec<&Statement> =
            script.statements.iter().zip(&self.reached).filter(|(_, seen)| !**seen).map(|(s, _)| s).collect();
        let Some(first) = left.first() else { return };
        let line = self.site(first.at).line.unwrap_or(1);
        let text = format!("from line {line} on it is read without the values of its variables");
        self.sink.note(NoteKind::Capped, text);
        // No label is followed and no line that is put together.
        (self.steps, self.depth) = (0, MAX_CALLS);
        for statement in left {
            let env = Env::lost();
            let mut frame = Frame {
                script,
                labels,
                args: None,
                line_env: env.clone(),
                pending: BTreeMap::new(),
                states: HashMap::new(),
                exits: None,
                jumps: BTreeSet::new(),
            };
            self.statement(statement, env, &mut frame);
        }
    }

    /// Runs from a statement to where the way ends; what holds afterwards, if it ends by returning.
    pub(super) fn frame<'c>(
        &mut self,
        script: &'c Script,
        labels: &'c HashMap<&'c str, usize>,
        start: usize,
        args: Option<Vec<Text>>,
        env: Env,
    ) -> Option<Env> {
        let mut frame = Frame {
            script,
            labels,
            args,
            line_env: env.clone(),
            pending: BTreeMap::from([(start, env)]),
            states: HashMap::new(),
            exits: None,
            jumps: BTreeSet::new(),
        };
        self.depth += 1;
        let around = self.sink.conditions.len();
        let outer = (self.sink.perhaps, std::mem::take(&mut self.optional), std::mem::take(&mut self.ended));
        while let Some((first, mut env)) = frame.pending.pop_first() {
            let mut at = first;
            loop {
                let Some(statement) = script.statements.get(at) else {
                    leave(&mut frame.exits, &env);
                    break;
                };
                if let [Link { node: Node::Label(_), .. }] = statement.links.as_slice() {
                    let new = self.arrive(&mut frame, at, &env);
                    if !new {
                        break;
                    }
                    if let Some((state, _)) = frame.states.get(&at) {
                        env = state.clone();
                    }
                }
                if self.steps <= MAX_STEPS
                    && let Some(seen) = self.reached.get_mut(at)
                {
                    *seen = true;
                }
                frame.line_env = env.clone();
                let passed = frame.jumps.range(at + 1..).take(MAX_PASSED).map(|to| script.statements[*to].at);
                self.sink.conditions.truncate(around);
                self.sink.conditions.extend(passed);
                match self.statement(statement, env, &mut frame) {
                    Some(next) => env = next,
                    None => break,
                }
                at += 1;
            }
        }
        self.depth -= 1;
        self.sink.conditions.truncate(around);
        (self.sink.perhaps, self.optional, self.ended) = outer;
        frame.exits
    }

    /// Joins what holds at a label; is there anything new to look at?
    fn arrive(&mut self, frame: &mut Frame<'_>, at: usize, env: &Env) -> bool {
        if !self.step(env.size()) {
            return false;
        }
        match frame.states.get_mut(&at) {
            None => {
                frame.states.insert(at, (env.clone(), 1));
                true
            }
            Some((state, visits)) => {
                let before = state.clone();
                state.join(env);
                *visits += 1;
                // What comes later is not followed any more.
                state.is_open |= *visits >= MAX_VISITS;
                *visits <= MAX_VISITS && *state != before
            }
        }
    }

    /// A part of the source with the holes that the marks in it stand for.
    pub(super) fn without_marks(&self, text: &str) -> String {
        let hole = |c: char| {
            let number = u32::from(c).checked_sub(parse::HOLE_BASE)? as usize;
            self.holes.first()?.get(number)
        };
        let mut out = Text::new();
        for c in text.chars() {
            match hole(c) {
                Some(hole) => out.push_hole(hole.clone()),
                None => out.push_lit(c.encode_utf8(&mut [0; 4])),
            }
        }
        out.to_string()
    }

    pub(super) fn site(&self, at: usize) -> Site {
        match (&self.world.fixed, self.world.index) {
            (Some(site), _) => site.clone(),
            (None, Some(index)) => index.site(self.inner.unwrap_or(at)),
            (None, None) => Site::default(),
        }
    }

    /// May another command be carried out?
    pub(super) fn step(&mut self, cost: usize) -> bool {
        self.steps += 1 + cost;
        if self.steps > MAX_STEPS {
            self.sink.note(NoteKind::Capped, "the script repeats too much: not every way through it was followed");
            self.steps = MAX_STEPS + 1;
            return false;
        }
        true
    }

    /// Carries out a line. `None` when no way goes on behind it.
    pub(super) fn statement(&mut self, statement: &Statement, mut env: Env, frame: &mut Frame<'_>) -> Option<Env> {
        for link in &statement.links {
            let before = matches!(link.join, Join::Success | Join::Failure).then(|| env.clone());
            // `reg query KEY /v VALUE || (install)`
            if let (Join::Failure, Some(marker)) = (link.join, self.asked.clone()) {
                self.guards.add(link.span.start, link.span.start, link.span.end, "if not exist", marker);
            }
            let (failing, optional, perhaps) = (self.failing, self.optional, self.sink.perhaps);
            self.failing |= link.join == Join::Failure && !self.inquired;
            let is_optional = link.join == Join::Failure || link.join == Join::Success && self.inquired;
            self.optional |= is_optional;
            self.sink.perhaps |= is_optional;
            let after = self.node(&link.node, env, frame);
            (self.failing, self.optional) = (failing, optional);
            self.sink.perhaps = perhaps || self.ended;
            match (after, before) {
                (Some(mut after), Some(before)) => {
                    after.join(&before);
                    env = after;
                }
                (Some(after), None) => env = after,
                (None, Some(before)) => env = before,
                (None, None) => return None,
            }
        }
        Some(env)
    }

    fn node(&mut self, node: &Node, env: Env, frame: &mut Frame<'_>) -> Option<Env> {
        if !self.step(env.size() / 8) {
            return None;
        }
        match node {
            Node::Label(_) => Some(env),
            Node::Simple(simple) => self.simple(simple, env, frame),
            Node::Block(body, redirects) => {
                let before = env.clone();
                let first = self.sink.reading.facts.len();
                let mut env = Some(env);
                for statement in body {
                    let Some(known) = env else { break };
                    env = self.statement(statement, known, frame);
                }
                self.redirections(redirects, Printed::default(), first, &before, frame);
                env
            }
            Node::If(condition) => self.either(condition, env, frame),
            Node::For(over) => self.repeat(over, env, frame),
        }
    }

    fn repeat(&mut self, over: &For, env: Env, frame: &mut Frame<'_>) -> Option<Env> {
        let values = self.loop_values(over, &env, frame);
        self.loops.push((over.variable, values));
        // What is found, and the lines of a file or of what a program prints, may be none.
        let (perhaps, optional) = (self.sink.perhaps, self.optional);
        let may_be_none = matches!(over.items, Items::Lines | Items::Found);
        self.sink.perhaps |= may_be_none;
        self.optional |= may_be_none;
        let after = self.statement(&over.body, env.clone(), frame);
        self.optional = optional;
        self.sink.perhaps = perhaps || self.ended;
        self.loops.pop();
        let mut env = env;
        // The body is followed once, and may set something else in its next rounds.
        env.is_open |= after.as_ref().is_some_and(|after| !after.set_since(&env).is_empty());
        if let Some(after) = after {
            env.join(&after);
        }
        Some(env)
    }

    /// `call :label args`.
    pub(super) fn call(&mut self, label: &Text, args: Vec<Text>, env: Env, frame: &mut Frame<'_>) -> Env {
        let known = label.as_lit().map(str::to_lowercase);
        match known.and_then(|name| frame.labels.get(name.as_str()).copied()) {
            Some(at) if self.depth < MAX_CALLS => {
                let line_env = frame.line_env.clone();
                let (script, labels) = (frame.script, frame.labels);
                let after = self.frame(script, labels, at, Some(args), env.clone());
                frame.line_env = line_env;
                after.unwrap_or(env)
            }
            found => {
                if found.is_none() {
                    self.remember(&env);
                }
                let mut env = env;
                env.is_open = true;
                env
            }
        }
    }

    /// `goto label`.
    pub(super) fn goto(&mut self, label: &Text, mut env: Env, frame: &mut Frame<'_>) {
        // Nobody knows in which round of a loop.
        env.is_open |= !self.loops.is_empty();
        let Some(name) = label.as_lit().map(|l| l.trim_start_matches(':').to_lowercase()) else {
            return self.remember(&env);
        };
        if name == "eof" {
            self.ended |= self.optional && !self.failing;
            return leave(&mut frame.exits, &env);
        }
        if let Some(&at) = frame.labels.get(name.as_str()) {
            if !self.failing {
                frame.jumps.insert(at);
            }
            match frame.pending.get_mut(&at) {
                Some(waiting) => waiting.join(&env),
                None => {
                    frame.pending.insert(at, env);
                }
            }
        }
    }

    /// `exit`, `exit /b`.
    pub(super) fn exit(&mut self, mut env: Env, frame: &mut Frame<'_>) {
        env.is_open |= !self.loops.is_empty();
        self.ended |= self.optional && !self.failing;
        leave(&mut frame.exits, &env);
    }

    fn remember(&mut self, env: &Env) {
        match &mut self.dynamic {
            Some(known) => known.join(env),
            None => self.dynamic = Some(env.clone()),
        }
    }

    /// Carries out a line that was put together from values: its own operators count.
    pub(super) fn line(&mut self, line: &Text, at: usize, env: &Env, frame: &mut Frame<'_>) -> Option<Env> {
        if self.depth >= MAX_CALLS || line.is_empty() {
            return Some(env.clone());
        }
        let (text, holes) = with_marks(line);
        let (script, _) = parse::parse(&text, holes.len(), self.delayed);
        let inner = self.inner.replace(self.inner.unwrap_or(at));
        let outer = std::mem::replace(&mut frame.line_env, env.clone());
        self.depth += 1;
        self.holes.push(holes);
        let mut now = Some(env.clone());
        for statement in &script.statements {
            now = now.and_then(|env| self.statement(statement, env, frame));
        }
        self.holes.pop();
        self.depth -= 1;
        self.inner = inner;
        frame.line_env = outer;
        now
    }
}

fn leave(exits: &mut Option<Env>, env: &Env) {
    match exits {
        Some(known) => known.join(env),
        None => *exits = Some(env.clone()),
    }
}

/// A text whose holes stand as single private-use characters, and the holes.
pub(super) fn with_marks(line: &Text) -> (String, Vec<Hole>) {
    let mut text = String::new();
    let mut holes = Vec::new();
    for part in line.parts() {
        match part {
            Part::Lit(s) => text.push_str(s),
            Part::Hole(hole) => {
                if let Some(mark) = char::from_u32(parse::HOLE_BASE + holes.len() as u32) {
                    text.push(mark);
                    holes.push(hole.clone());
                }
            }
        }
    }
    (text, holes)
}
