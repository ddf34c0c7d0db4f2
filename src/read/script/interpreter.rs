//! What a source does, carried out in its order: branches, procedures where they are called and with what they are given, and
//! what expressions are worth. What the names, functions and statements of a language mean, each [`Language`] says.

use super::bind::Bound;
use super::call::Caller;
use super::calls::{Argument, Event, Found, Part};
use super::procedures::Procedures;
use super::sink::Sink;
use super::ways::Variables;
use super::words::Word;
use crate::catalog::commands::Shell;
use crate::facts::{Site, Source, Text};

/// Most runs of a text: values that are made of themselves would grow without end.
const MAX_PARTS: usize = 48;

/// What the parts of a source mean in a language.
pub(super) trait Language {
    /// Whose names the catalogue is asked for.
    const SHELL: Shell;

    /// What a literal is worth.
    fn literal(&self, text: &str) -> Text {
        Text::lit(text)
    }

    /// What a name is worth that is no variable.
    fn named(&self, name: &str) -> Text;

    /// What a call gives of a function that is none of the source's own.
    fn computed(&self, call: &Found<'_>) -> Text;

    /// The procedure of the source that a call of a name means, if it can be one; names are in lower case.
    fn own_procedure<'n>(&self, name: &'n str) -> Option<&'n str>;

    /// Carries out a call or an assignment.
    fn carry_out(&mut self, found: &Found<'_>, sink: &mut Sink<'_>);
}

/// A source that is carried out.
pub(super) struct Interpreter<'e, 's, L> {
    pub(super) variables: Variables,
    pub(super) procedures: Procedures<'e, 's>,
    /// What is particular to the language.
    pub(super) language: L,
    /// The folder that commands begin in.
    pub(super) here: Text,
    /// The line of the artifact that the source begins on.
    pub(super) first_line: u32,
    /// Where what is done in another source is caused from.
    pub(super) fixed: Option<Site>,
}

impl<'e, 's, L> Interpreter<'e, 's, L> {
    pub(super) fn new(language: L, here: Text, procedures: Procedures<'e, 's>) -> Self {
        Interpreter { variables: Variables::default(), procedures, language, here, first_line: 1, fixed: None }
    }

    /// Where something is done.
    pub(super) fn site(&self, found: &Found<'_>) -> Site {
        self.fixed.clone().unwrap_or_else(|| Site::text(self.first_line + found.line - 1, found.column))
    }
}

impl<'e, 's, L> Interpreter<'e, 's, L>
where
    Self: Language,
{
    /// Goes through what stands outside of procedures, or in one of them.
    pub(super) fn run(&mut self, events: &'e [Event<'s>], sink: &mut Sink<'_>) {
        let mut depth = 0;
        for event in events {
            match event {
                Event::Procedure(..) => depth += 1,
                Event::End => depth -= 1,
                _ if depth > 0 => {}
                event => {
                    if let Some(found) = self.variables.follow(event) {
                        self.call(found, sink);
                        self.carry_out(found, sink);
                    }
                }
            }
        }
    }

    /// Runs a procedure of the source with what it is given.
    fn call(&mut self, found: &Found<'_>, sink: &mut Sink<'_>) {
        if found.assigned.is_some() {
            return;
        }
        let name = found.name.to_lowercase();
        let Some(own) = self.own_procedure(&name) else { return };
        let Some(procedure) = self.procedures.enter(own) else { return };
        let given = |i: usize| match found.arguments.get(i) {
            Some(argument) => self.variables.each(|| self.value(argument)),
            None => vec![Text::unknown()],
        };
        let parameters = procedure.parameters.iter().enumerate().map(|(i, name)| (name.clone(), given(i))).collect();
        let before = self.variables.bind(parameters);
        self.variables.unbind(vec![(own.to_owned(), None)]);
        let site = self.site(found);
        let outer = self.fixed.clone();
        if procedure.is_foreign {
            self.fixed = Some(site);
        }
        self.run(procedure.body, sink);
        self.fixed = outer;
        // What a function gives is what its name was set to last.
        let given = self.variables.each(|| self.variables.get(own));
        self.variables.unbind(before);
        self.variables.unbind(vec![(result(found), given.into_iter().collect())]);
        self.procedures.leave();
    }

    /// What nobody in sight calls may be called from elsewhere.
    pub(super) fn run_uncalled(&mut self, sink: &mut Sink<'_>) {
        while let Some((name, procedure)) = self.procedures.next_uncalled() {
            self.procedures.current.push(name);
            // PHP marks what is a variable; its name is what stands behind.
            let open =
                |name: &String| (name.clone(), vec![Text::from_source(Source::Param, name.trim_start_matches('$'))]);
            let before = self.variables.bind(procedure.parameters.iter().map(open).collect());
            self.run(procedure.body, sink);
            self.variables.unbind(before);
            self.procedures.leave();
        }
    }

    /// What an expression is worth.
    pub(super) fn value(&self, argument: &Argument<'_>) -> Text {
        let mut out = Text::new();
        for part in &argument.parts {
            match part {
                Part::Text(text) => out.push_text(&self.literal(text)),
                Part::Other(name) => out.push_text(&self.name(name)),
                Part::Call(call) => {
                    let known = self.variables.get(&result(call));
                    out.push_text(&known.unwrap_or_else(|| self.computed(call)));
                }
                Part::Either(alternatives) => {
                    let which = self.variables.pick(alternatives.len());
                    out.push_text(&alternatives.get(which).map(|a| self.value(a)).unwrap_or_default());
                }
            }
            if out.parts().len() > MAX_PARTS {
                return Text::unknown();
            }
        }
        out
    }

    /// What a name is worth: that of a variable first.
    pub(super) fn name(&self, name: &str) -> Text {
        self.variables.get(&name.to_lowercase()).unwrap_or_else(|| self.named(name))
    }

    /// What an argument of a call is worth, where it has so many.
    pub(super) fn argument(&self, call: &Found<'_>, number: usize) -> Option<Text> {
        call.arguments.get(number).map(|argument| self.value(argument))
    }

    /// Gives a variable, by its name in lower case, what an expression is worth.
    pub(super) fn assign(&mut self, name: String, value: &Argument<'_>) {
        let values = self.variables.each(|| self.value(value));
        self.variables.set(name, values);
    }

    /// Does something with every combination of the values it asks for.
    pub(super) fn each(&self, sink: &mut Sink<'_>, act: impl Fn(&mut Sink<'_>)) {
        let first = sink.reading.facts.len();
        self.variables.each(|| act(sink));
        sink.fold(first);
    }

    /// Arguments for the catalogue: by position, and as `a1`, `a2`...
    pub(super) fn bound(&self, found: &Found<'_>) -> Bound {
        let mut bound = Bound::default();
        for (i, argument) in found.arguments.iter().enumerate() {
            let text = self.value(argument);
            bound.options.push((format!("a{}", i + 1), Some(text.clone())));
            bound.words.push(Word::plain(text.clone()));
            bound.positional.push(text);
        }
        bound
    }

    /// Where the command of a call is called from.
    pub(super) fn caller<'c>(&'c self, found: &Found<'c>, site: &'c Site) -> Caller<'c> {
        Caller { shell: Self::SHELL, here: &self.here, site, source: found.source, trail: &[] }
    }
}

/// The variable that stands for what a call of a function gave.
fn result(call: &Found<'_>) -> String {
    format!("{}@{}:{}", call.name.to_lowercase(), call.line, call.column)
}
