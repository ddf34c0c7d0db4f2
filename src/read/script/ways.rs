//! What the variables of a script may hold at a point of it: for each, a few possible values.
//!
//! A variable that is set in one branch has, behind the branches, the value of each. A statement is carried out once for
//! every combination of the values that it asks for, so that readers follow one text at a time.

use super::calls::{Event, Found};
use super::held::Held;
use super::sink::Sink;
use crate::facts::{NoteKind, Text};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// Most variables that are followed.
const MAX_VARIABLES: usize = 2_000;
/// Most values of a variable; more become what they share.
const MAX_VALUES: usize = 6;
/// Most runs of a text: values that are made of themselves would grow without end.
const MAX_PARTS: usize = 48;
/// Most combinations of values that one statement is carried out with.
const MAX_WAYS: usize = 24;
/// Most values that are copied to keep branches apart; behind it a value is added to those that there are.
const MAX_WORK: usize = 400_000;

/// Shared by all states that know the same of a variable: there are as many states as branches, and few differ in much.
type Values = Rc<Held>;

/// Variables by their names in lower case.
#[derive(Default)]
pub(super) struct Variables {
    now: Values,
    forks: Vec<Fork>,
    /// What is known where a label is jumped to.
    waiting: BTreeMap<String, Values>,
    /// No way goes on from here.
    has_ended: bool,
    work: usize,
    /// Forks that were met when the work was done: they are not followed.
    passed_over: usize,
    picks: RefCell<Picks>,
    is_capped: Cell<bool>,
}

/// Branches that exclude one another.
struct Fork {
    before: Values,
    joined: Option<Values>,
    in_branch: bool,
    /// One of them is taken whatever holds.
    is_complete: bool,
    had_ended: bool,
}

impl Variables {
    /// One of the values of a variable: which, [`Variables::each`] decides.
    pub(super) fn get(&self, name: &str) -> Option<Text> {
        let values = self.now.get(name)?;
        let mut picks = self.picks.borrow_mut();
        let which = match picks.named.get(name) {
            Some(which) => *which,
            None if values.len() > 1 => {
                let which = picks.pick(values.len());
                picks.named.insert(name.to_owned(), which);
                which
            }
            None => 0,
        };
        values.get(which).cloned()
    }

    /// One of so many alternatives.
    pub(super) fn pick(&self, of: usize) -> usize {
        self.picks.borrow_mut().pick(of)
    }

    /// Carries something out with every combination of the values it asks for.
    pub(super) fn each<T>(&self, mut run: impl FnMut() -> T) -> Vec<T> {
        *self.picks.borrow_mut() = Picks::default();
        let mut out = Vec::new();
        while out.len() < MAX_WAYS {
            out.push(run());
            if !self.picks.borrow_mut().advance() {
                return out;
            }
        }
        self.is_capped.set(true);
        out
    }

    /// Says so when not every combination of values was followed.
    pub(super) fn note_capped(&self, sink: &mut Sink<'_>) {
        if self.is_capped.get() {
            sink.note(NoteKind::Capped, "variables have too many values: not every combination of them was followed");
        }
    }

    /// Goes on by an event of a source; what is done there is for the reader.
    pub(super) fn follow<'e, 's>(&mut self, event: &'e Event<'s>) -> Option<&'e Found<'s>> {
        match event {
            Event::Does(found) => return Some(found),
            Event::Fork => self.fork(),
            Event::Branch { last } => self.branch(*last),
            Event::Join => self.join(),
            Event::Procedure(..) | Event::End => {}
        }
        None
    }

    /// Gives parameters their values. What they had before.
    pub(super) fn bind(&mut self, parameters: Vec<(String, Vec<Text>)>) -> Vec<(String, Option<Vec<Text>>)> {
        let known = |name: &String| self.now.get(name).map(|values| values.to_vec());
        let before = parameters.iter().map(|(name, _)| (name.clone(), known(name))).collect();
        for (name, values) in parameters {
            Rc::make_mut(&mut self.now).insert(name.into(), few(values).into());
        }
        before
    }

    /// The variables whose names begin so.
    pub(super) fn beginning_with(&self, prefix: &str) -> Vec<(String, Vec<Text>)> {
        let names = self.now.iter().filter(|(name, _)| name.starts_with(prefix));
        names.map(|(name, values)| (name.to_string(), values.to_vec())).collect()
    }

    /// Gives back what they had.
    pub(super) fn unbind(&mut self, before: Vec<(String, Option<Vec<Text>>)>) {
        let now = Rc::make_mut(&mut self.now);
        for (name, values) in before {
            match values {
                Some(values) => now.insert(name.into(), values.into()),
                None => now.remove(&name),
            }
        }
    }

    /// Gives a variable its possible values.
    pub(super) fn set(&mut self, name: String, mut values: Vec<Text>) {
        if self.now.len() >= MAX_VARIABLES && !self.now.contains(&name) {
            return;
        }
        if Rc::strong_count(&self.now) > 1 {
            self.work += self.now.len();
        }
        if self.is_worn() {
            values.extend(self.now.get(&name).into_iter().flat_map(|known| known.iter().cloned()));
        }
        Rc::make_mut(&mut self.now).insert(name.into(), few(values).into());
    }

    /// Forgets what no longer holds, and all branches: a section or function begins.
    pub(super) fn begin(&mut self, keep: impl Fn(&str) -> bool) {
        self.forks.clear();
        self.passed_over = 0;
        self.waiting.clear();
        self.has_ended = false;
        Rc::make_mut(&mut self.now).retain(keep);
    }

    /// Branches follow.
    pub(super) fn fork(&mut self) {
        if self.is_worn() {
            self.passed_over += 1;
            return;
        }
        self.forks.push(Fork {
            before: self.now.clone(),
            joined: None,
            in_branch: false,
            is_complete: false,
            had_ended: self.has_ended,
        });
    }

    /// A branch begins; the `last` one is taken when no other is.
    pub(super) fn branch(&mut self, last: bool) {
        if self.is_worn() {
            return;
        }
        self.end_branch();
        if let Some(fork) = self.forks.last_mut() {
            fork.in_branch = true;
            fork.is_complete |= last;
            self.now = fork.before.clone();
            self.has_ended = fork.had_ended;
        }
    }

    /// Behind the branches.
    pub(super) fn join(&mut self) {
        if self.passed_over > 0 {
            self.passed_over -= 1;
            return;
        }
        self.end_branch();
        let Some(fork) = self.forks.pop().filter(|_| !self.is_worn()) else { return };
        let joined = match fork.joined {
            Some(joined) if fork.is_complete => Some(joined),
            Some(joined) => Some(self.either(joined, &fork.before)),
            None if fork.is_complete => None,
            None => Some(fork.before.clone()),
        };
        self.has_ended = fork.had_ended || joined.is_none();
        self.now = joined.unwrap_or(fork.before);
    }

    fn end_branch(&mut self) {
        let Some(fork) = self.forks.last_mut() else { return };
        if !std::mem::take(&mut fork.in_branch) || self.has_ended {
            return;
        }
        let joined = match fork.joined.take() {
            Some(joined) => {
                let now = self.now.clone();
                self.either(joined, &now)
            }
            None => self.now.clone(),
        };
        if let Some(fork) = self.forks.last_mut() {
            fork.joined = Some(joined);
        }
    }

    /// A way to a label that is still to come.
    pub(super) fn jump(&mut self, label: String) {
        if self.has_ended || self.is_worn() {
            return;
        }
        let now = self.now.clone();
        let known = match self.waiting.remove(&label) {
            Some(waiting) => self.either(waiting, &now),
            None => now,
        };
        self.waiting.insert(label, known);
    }

    /// No way goes on.
    pub(super) fn end(&mut self) {
        self.has_ended = true;
    }

    /// At a place that may be jumped to.
    pub(super) fn pass(&mut self, label: &str) {
        if self.waiting.contains_key(label) {
            self.arrive(label);
        }
    }

    /// At a label.
    pub(super) fn arrive(&mut self, label: &str) {
        if let Some(waiting) = self.waiting.remove(label) {
            let now = self.now.clone();
            self.now = if self.has_ended { waiting } else { self.either(waiting, &now) };
        }
        self.has_ended = false;
    }

    /// What holds after either of two ways. A variable that one of them does not set has no value there that a script
    /// would mean.
    fn either(&mut self, a: Values, b: &Values) -> Values {
        if Rc::ptr_eq(&a, b) {
            return a;
        }
        self.work += b.len();
        if self.is_worn() {
            return b.clone();
        }
        let mut changed: Vec<(Rc<str>, Rc<[Text]>)> = Vec::new();
        let mut own = a.iter().peekable();
        for (name, theirs) in b.iter() {
            // Most names are the very same in both.
            while own.next_if(|(known, _)| !Rc::ptr_eq(known, name) && known < name).is_some() {}
            let ours = own.next_if(|(known, _)| Rc::ptr_eq(known, name) || known == name).map(|(_, values)| values);
            if ours.is_some_and(|ours| Rc::ptr_eq(ours, theirs) || ours == theirs) {
                continue;
            }
            let values = few(ours.into_iter().chain([theirs]).flat_map(|values| values.iter().cloned()).collect());
            changed.push((name.clone(), values.into()));
        }
        let mut joined = a;
        if !changed.is_empty() {
            let joined = Rc::make_mut(&mut joined);
            changed.into_iter().for_each(|(name, values)| joined.insert(name, values));
        }
        joined
    }

    fn is_worn(&self) -> bool {
        let is_worn = self.work > MAX_WORK;
        if is_worn {
            self.is_capped.set(true);
        }
        is_worn
    }
}

/// Without doubles; too many become one with a hole.
fn few(values: Vec<Text>) -> Vec<Text> {
    let mut kept: Vec<Text> = Vec::new();
    for value in values {
        let value = if value.parts().len() > MAX_PARTS { Text::unknown() } else { value };
        if !kept.contains(&value) {
            kept.push(value);
        }
    }
    if kept.len() > MAX_VALUES {
        return vec![kept.into_iter().reduce(|a, b| a.merge(&b)).unwrap_or_default()];
    }
    kept
}

/// What was picked on the way through a statement, to pick otherwise the next time.
#[derive(Default)]
struct Picks {
    taken: Vec<(usize, usize)>,
    at: usize,
    /// A variable has one value throughout a statement.
    named: HashMap<String, usize>,
}

impl Picks {
    fn pick(&mut self, of: usize) -> usize {
        if of < 2 {
            return 0;
        }
        if self.at == self.taken.len() {
            self.taken.push((0, of));
        }
        self.at += 1;
        self.taken.get(self.at - 1).map_or(0, |(which, _)| *which)
    }

    fn advance(&mut self) -> bool {
        self.at = 0;
        self.named.clear();
        while let Some((which, of)) = self.taken.pop() {
            if which + 1 < of {
                self.taken.push((which + 1, of));
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(variables: &Variables, names: &[&str]) -> Vec<String> {
        let get = |name: &&str| variables.get(name).map_or("-".into(), |v| v.to_string());
        variables.each(|| names.iter().map(get).collect::<String>())
    }

    fn set(variables: &mut Variables, name: &str, value: &str) {
        variables.set(name.into(), vec![Text::lit(value)]);
    }

    #[test]
    fn behind_branches_a_variable_has_the_value_of_each() {
        let mut v = Variables::default();
        set(&mut v, "x", "0");
        v.fork();
        v.branch(false);
        set(&mut v, "x", "1");
        set(&mut v, "y", "a");
        v.branch(false);
        set(&mut v, "x", "2");
        v.join();
        assert_eq!(values(&v, &["x"]), ["1", "2", "0"]);
        assert_eq!(values(&v, &["x", "x"]), ["11", "22", "00"]);
        v.fork();
        v.branch(false);
        set(&mut v, "x", "1");
        v.branch(true);
        set(&mut v, "x", "2");
        v.join();
        assert_eq!(values(&v, &["x", "y"]), ["1a", "2a"]);
    }

    #[test]
    fn a_branch_that_ends_adds_nothing() {
        let mut v = Variables::default();
        set(&mut v, "x", "0");
        v.fork();
        v.branch(false);
        set(&mut v, "x", "1");
        v.end();
        v.join();
        assert_eq!(values(&v, &["x"]), ["0"]);
        v.jump("l".into());
        set(&mut v, "x", "2");
        v.arrive("l");
        assert_eq!(values(&v, &["x"]), ["0", "2"]);
    }

    #[test]
    fn many_values_become_what_they_share() {
        let mut v = Variables::default();
        v.set("x".into(), (0..9).map(|n| Text::lit(format!("C:\\a{n}.txt"))).collect());
        assert_eq!(values(&v, &["x"]).len(), 1);
    }
}
