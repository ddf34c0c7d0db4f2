//! What a team decided of a file by where it lies or in the file itself. Files of which it decided differently are judged
//! apart: what is allowed for one, or weighs less there, would take the losses of the others with it.

use crate::discover::Application;
use crate::facts::{ClueKind, Reading};
use crate::settings::{Settings, glob};
use globset::{GlobSet, GlobSetBuilder};

/// The paths that decisions are about.
pub(super) struct Decisions<'a> {
    globs: GlobSet,
    app: &'a Application,
}

/// What was decided of one file: the same of two files if these are equal.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Decided {
    by_path: Vec<usize>,
    inside: Vec<(String, String)>,
}

impl<'a> Decisions<'a> {
    pub(super) fn new(settings: &Settings, app: &'a Application) -> Self {
        let of_overrides = settings.overrides.iter().flat_map(|decision| &decision.paths);
        let all = of_overrides.chain(settings.allow.iter().filter_map(|decision| decision.path.as_ref()));
        let mut builder = GlobSetBuilder::new();
        // What is no glob was refused when the settings were checked.
        for glob in all.filter_map(|pattern| glob(pattern).ok()) {
            builder.add(glob);
        }
        Decisions { globs: builder.build().unwrap_or_default(), app }
    }

    pub(super) fn of(&self, reading: &Reading) -> Decided {
        let by_path = match self.globs.is_empty() {
            true => Vec::new(),
            false => self.globs.matches(self.app.name_of(&reading.artifact)),
        };
        let facts = || super::steps::counted(&reading.facts);
        let allowed = facts().filter_map(|fact| Some((fact, fact.as_clue().filter(|c| c.kind == ClueKind::Allow)?)));
        let mut inside: Vec<(String, String)> =
            allowed.map(|(fact, clue)| (format!("{} {}", clue.key, fact.site.short()), clue.value.clone())).collect();
        // A comment is about what stands beside it: the same of two files only where both do the same there.
        if !inside.is_empty() {
            let effects = facts().filter_map(|fact| Some((fact, fact.as_effect()?)));
            inside.extend(effects.map(|(fact, effect)| (fact.site.short(), effect.location.key())));
        }
        Decided { by_path, inside }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::facts::{Trait, listing};
    use crate::link::{copies, once, outputs};
    use crate::rules::RuleSet;

    /// Nothing was decided.
    pub(in crate::link) fn none() -> Decisions<'static> {
        static APP: std::sync::LazyLock<Application> = std::sync::LazyLock::new(Application::default);
        Decisions::new(&Settings::default(), &APP)
    }

    /// Whether each of two copies is told of.
    fn told(settings: &str, comment: &str) -> [Vec<bool>; 3] {
        let settings = Settings::parse("w", settings).unwrap();
        let app = Application::default();
        let decisions = Decisions::new(&settings, &app);
        let rules = RuleSet::embedded().unwrap();
        let tool = |file: &str, comment: &str| {
            format!(
                "artifact {file} format=pe-x64\n{comment}effect write database sqlserver://localhost/A phase=run at=rva:0x10\n"
            )
        };
        let text = [tool("a/tool.exe", comment), tool("b/tool.exe", "")].concat();
        let told = |fold: &dyn Fn(&mut [Reading])| {
            let mut readings = listing::parse(&text).unwrap();
            fold(&mut readings);
            let effects = readings.iter().flat_map(|r| &r.facts).filter_map(|fact| fact.as_effect());
            effects.map(|e| !e.has(Trait::Implied) && !e.has(Trait::Repeated)).collect::<Vec<bool>>()
        };
        [
            told(&|readings| copies::fold(readings, &decisions)),
            told(&|readings| outputs::fold(readings, &decisions, &app)),
            told(&|readings| once::mark(readings, &decisions, &app, &rules)),
        ]
    }

    #[test]
    fn what_is_decided_differently_is_told_apart() {
        let is = |both: bool| [(); 3].map(|()| vec![true, both]);
        assert_eq!(told("", ""), is(false));
        let rule = "sql-server-on-instance";
        let heavy = format!("[[overrides]]\npaths = ['b/**']\nrules = {{ {rule} = 'error' }}\n");
        assert_eq!(told(&heavy, ""), is(true), "an error there is none here");
        let allowed = format!("[[allow]]\nrule = '{rule}'\npath = 'a/**'\nreason = 'a cache'\n");
        assert_eq!(told(&allowed, ""), is(true), "what is allowed here is not allowed there");
        let everywhere = format!("[[allow]]\nrule = '{rule}'\nreason = 'a cache'\n");
        assert_eq!(told(&everywhere, ""), is(false));
        let comment = format!("clue allow key={rule} value=\"a cache\" at=line:1\n");
        assert_eq!(told("", &comment), is(true));
    }

    #[test]
    fn a_comment_decides_of_what_it_stands_beside() {
        let decided = |at: usize, first: &str, second: &str| {
            let text = format!(
                "artifact a.config format=xml\nclue allow key=x value=y at=line:{at}\n\
                 effect write database sqlserver://localhost/{first} at=line:4\n\
                 effect write database sqlserver://localhost/{second} at=line:5\n"
            );
            none().of(&listing::parse(&text).unwrap()[0])
        };
        assert!(decided(3, "A", "B") == decided(3, "A", "B"));
        assert!(decided(3, "A", "B") != decided(3, "C", "A"), "the other one is allowed there");
        assert!(decided(3, "A", "B") != decided(2, "A", "B"));
    }
}
