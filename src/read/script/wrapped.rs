//! Services that a wrapper runs. It is told of the program, its arguments and its folder one by one, and only all of them
//! together say what the service does. What it is told under a condition holds besides what it was told before.

use super::autostart;
use super::call::{self, Caller};
use super::sink::Sink;
use super::words::{self, Word};
use crate::facts::{Body, ClueKind, Fact, Operation, Phase, Reading, Text};

/// Most services of one script that are followed.
const MAX_SERVICES: usize = 64;
/// Most ways in which one of them may have been set up.
const MAX_WAYS: usize = 8;

/// What a wrapper was told of one service, in one way through the script.
#[derive(Clone)]
pub(super) struct Wrapped {
    program: Text,
    arguments: Text,
    here: Text,
    /// What must hold for it, by numbers of conditions.
    when: Vec<usize>,
    /// The facts of what it does, by their numbers.
    facts: Vec<usize>,
    /// Those that say what is started.
    starts: Vec<usize>,
}

/// One call of a wrapper, with the number of its first fact: `install NAME PROGRAM ARGUMENTS`, `set NAME SETTING VALUE`
/// (documentation of nssm, "Managing services from the command line").
pub(super) fn told(arguments: &[Word], first: usize, caller: Caller<'_>, sink: &mut Sink<'_>) {
    let [verb, name, what, values @ ..] = arguments else { return };
    let name = name.text.to_string().to_lowercase();
    let now = sink.conditions.clone();
    let mut ways = sink.wrapped.remove(&name).unwrap_or_default();
    match verb.text.to_string().to_lowercase().as_str() {
        "install" if sink.wrapped.len() < MAX_SERVICES => {
            ways.retain(|way| !is_within(&now, &way.when));
            ways.truncate(MAX_WAYS - 1);
            let found = |wanted: &dyn Fn(&Fact) -> bool| {
                let facts = sink.reading.facts.iter().enumerate().skip(first);
                facts.filter(|(_, fact)| wanted(fact)).map(|(number, _)| number).collect()
            };
            let does = |fact: &Fact| fact.as_effect().is_some_and(|effect| effect.phase == Phase::Run);
            let starts =
                |fact: &Fact| fact.as_clue().is_some_and(|c| c.kind == ClueKind::Starts && c.key == autostart::SERVICE);
            // Unless it is told another, the folder of the program.
            let (program, here) = (what.text.clone(), call::parent(&what.text));
            let (facts, starts) = (found(&does), found(&starts));
            let mut way = Wrapped { program, arguments: joined(values), here, when: now, facts, starts };
            way.run(caller, sink);
            ways.push(way);
        }
        "set" => {
            let value = joined(values);
            let what = what.text.to_string().to_lowercase();
            let mut more: Vec<Wrapped> = Vec::new();
            for way in &mut ways {
                let mut told = way.clone();
                match what.as_str() {
                    "application" => told.program = value.clone(),
                    "appparameters" => told.arguments = value.clone(),
                    "appdirectory" => told.here = value.clone(),
                    _ => break,
                }
                let is_always = is_within(&now, &way.when);
                if !is_always {
                    (told.when, told.facts, told.starts) = (now.clone(), Vec::new(), Vec::new());
                }
                told.run(caller, sink);
                told.start(caller, sink);
                if is_always {
                    *way = told;
                } else {
                    more.push(told);
                }
            }
            ways.extend(more);
            ways.truncate(MAX_WAYS);
        }
        _ => {}
    }
    sink.wrapped.insert(name, ways);
}

/// Does the first hold whenever the second does?
fn is_within(first: &[usize], second: &[usize]) -> bool {
    first.iter().all(|condition| second.contains(condition))
}

fn joined(values: &[Word]) -> Text {
    let mut out = Text::new();
    for (number, value) in values.iter().enumerate() {
        if number > 0 {
            out.push_lit(" ");
        }
        out.push_text(&value.text);
    }
    out
}

impl Wrapped {
    /// Says what the service does, as far as is known by now, in the place of what was said before.
    fn run(&mut self, caller: Caller<'_>, sink: &mut Sink<'_>) {
        let program = words::without_quotes(&self.program);
        let line = Text::lit("\"").concat(&program).concat(&Text::lit("\" ")).concat(&self.arguments);
        let mut reading = Reading::new(sink.reading.artifact.clone(), sink.reading.format.clone());
        call::at_run(&line, Caller { here: &self.here, ..caller }, &mut Sink::new(&mut reading));
        let mut found = reading.facts.into_iter();
        for number in &self.facts {
            match (found.next(), &mut sink.reading.facts[*number].body) {
                (Some(fact), body) => *body = fact.body,
                // It is not kept there, and nobody knows where it is.
                (None, Body::Effect(effect)) => effect.operation = Operation::Read,
                _ => {}
            }
        }
        for fact in found {
            if let Body::Effect(effect) = fact.body {
                let number = sink.reading.facts.len();
                sink.effect(caller.site, effect);
                self.facts.extend(number..sink.reading.facts.len());
            }
        }
    }

    /// Says what is started, in the place of what was said before.
    fn start(&mut self, caller: Caller<'_>, sink: &mut Sink<'_>) {
        let program = self.program.to_string();
        let quotes = if program.contains(' ') && !program.starts_with('"') { "\"" } else { "" };
        let line =
            Text::lit(quotes).concat(&self.program).concat(&Text::lit(format!("{quotes} "))).concat(&self.arguments);
        let started = autostart::registered(autostart::SERVICE, &line, &self.here);
        let mut started = started.into_iter().filter(|clue| clue.kind == ClueKind::Starts);
        for (number, clue) in self.starts.iter().zip(started.by_ref()) {
            sink.reading.facts[*number].body = Body::Clue(clue);
        }
        for clue in started {
            let number = sink.reading.facts.len();
            sink.clue(caller.site, clue);
            self.starts.extend(number..sink.reading.facts.len());
        }
    }
}
