//! Programs that are started.

use super::View;
use crate::catalog::dotnet::StartRow;
use crate::facts::{Body, Extent, Fact, Folder, Location, Reading, Site, Step, Text};
use crate::read::clr::models::merged;
use crate::read::script::{CommandContext, called, command_line};

impl View<'_> {
    /// The program that is started, and what a program of the catalogue of commands does when it is started so.
    pub(super) fn start(&self, row: &StartRow, site: &Site, via: &str) -> Vec<Fact> {
        let of = |template| merged(&self.resolver.at_site(self.at, template, self.this, self.args)).text;
        let program = of(&row.program);
        let location = Location::file(&program).based_on(Folder::Cwd);
        // An address is opened by whatever program is there for it.
        if location.extent() == Extent::None || is_address(&program) {
            return Vec::new();
        }
        let mut command = program.clone();
        if let Some(arguments) = row.arguments.as_ref().map(of).filter(|text| !text.is_empty()) {
            command = command.concat(&Text::lit(" ")).concat(&arguments);
        }
        let clues = called("call", &command, &Text::folder(Folder::Cwd));
        let mut facts: Vec<Fact> = clues.into_iter().map(|clue| Fact::clue(site.clone(), clue)).collect();
        let mut reading = Reading::default();
        let context = CommandContext {
            site: site.clone(),
            here: Text::folder(Folder::Cwd),
            phase: None,
            variables: &[],
            powershell: false,
        };
        command_line(&command, &context, &mut reading);
        for mut fact in reading.facts {
            if let Body::Effect(effect) = &mut fact.body {
                effect.evidence.push(Step::new(format!("the command is started by {via}")));
                facts.push(fact);
            }
        }
        facts
    }
}

/// Is this `https://host`, `mailto:someone`: a scheme and not the letter of a drive?
fn is_address(program: &Text) -> bool {
    let scheme = program.leading_lit().split_once(':').map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| {
        scheme.len() > 1 && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    })
}
