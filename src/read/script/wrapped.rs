//! Services that a wrapper runs. It is told of the program, its arguments and its folder one by one, and only all of them
//! together say what the service does.

use super::call::{self, Caller};
use super::sink::Sink;
use super::words::{self, Word};
use crate::facts::{Body, Operation, Phase, Reading, Text};

/// Most services of one script that are followed.
const MAX_SERVICES: usize = 64;

/// What a wrapper was told of one service.
pub(super) struct Wrapped {
    program: Text,
    arguments: Text,
    here: Text,
    /// The facts of what it does, by their numbers.
    facts: Vec<usize>,
}

/// One call of a wrapper, with the number of its first fact: `install NAME PROGRAM ARGUMENTS`, `set NAME SETTING VALUE`
/// (documentation of nssm, "Managing services from the command line").
pub(super) fn told(arguments: &[Word], first: usize, caller: Caller<'_>, sink: &mut Sink<'_>) {
    let [verb, name, what, values @ ..] = arguments else { return };
    let name = name.text.to_string().to_lowercase();
    let verb = verb.text.to_string().to_lowercase();
    let mut wrapped = match (verb.as_str(), sink.wrapped.remove(&name)) {
        ("install", _) if sink.wrapped.len() < MAX_SERVICES => {
            let does = |number: &usize| match &sink.reading.facts[*number].body {
                Body::Effect(effect) => effect.phase == Phase::Run,
                Body::Clue(_) => false,
            };
            let facts = (first..sink.reading.facts.len()).filter(does).collect();
            // Unless it is told another, the folder of the program.
            Wrapped { program: what.text.clone(), arguments: joined(values), here: call::parent(&what.text), facts }
        }
        ("set", Some(mut wrapped)) => {
            match what.text.to_string().to_lowercase().as_str() {
                "application" => wrapped.program = joined(values),
                "appparameters" => wrapped.arguments = joined(values),
                "appdirectory" => wrapped.here = joined(values),
                _ => {
                    sink.wrapped.insert(name, wrapped);
                    return;
                }
            }
            wrapped
        }
        (_, Some(wrapped)) => {
            sink.wrapped.insert(name, wrapped);
            return;
        }
        _ => return,
    };
    wrapped.run(caller, sink);
    sink.wrapped.insert(name, wrapped);
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
}
