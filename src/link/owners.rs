//! Whose code an artifact is, by the team's decision: globs, company names, public key tokens; and what is in the tree
//! without being deployed.

use super::Context;
use crate::catalog::dotnet::catalog;
use crate::discover::{Application, Aside};
use crate::facts::{BROUGHT_ALONG, Body, ClueKind, NoteKind, Owner, Reading, Step, Trait, is_binary};
use crate::rules::wildcard;
use crate::settings::glob;
use globset::{GlobSet, GlobSetBuilder};

/// Marks the code of third parties. It is read, and its facts take part in the joins, but it is not judged.
pub(super) fn mark(readings: &mut [Reading], context: &Context<'_>) {
    let of = &context.settings.third_party;
    if of.include {
        readings.iter_mut().for_each(|r| r.owner = Owner::Application);
        return;
    }
    of_merged_libraries(readings);
    set_aside(readings, context.app);
    brought_along(readings);
    let paths = globs(&of.paths);
    for reading in readings.iter_mut().filter(|r| r.owner == Owner::Application) {
        let by_path = paths.is_match(context.app.name_of(&reading.artifact));
        let by_identity = super::steps::counted(&reading.facts).filter_map(|f| f.as_clue()).any(|clue| {
            let said = clue.value.trim();
            match (clue.kind, clue.key.to_ascii_lowercase().as_str()) {
                (ClueKind::Identity, key) if key.contains("company") => of.companies.iter().any(|c| wildcard(c, said)),
                (ClueKind::Identity, key) if key.contains("token") => {
                    of.tokens.iter().any(|token| token.eq_ignore_ascii_case(said))
                }
                _ => false,
            }
        });
        if by_path || by_identity {
            reading.owner = Owner::ThirdParty;
        }
    }
}

/// What a library does that was merged into a program, it does for the program: that is told as a note.
fn of_merged_libraries(readings: &mut [Reading]) {
    let own = |r: &&mut Reading| r.format == "assembly" && r.owner == Owner::Application;
    for reading in readings.iter_mut().filter(own) {
        for fact in super::steps::counted_mut(&mut reading.facts) {
            let Body::Effect(effect) = &mut fact.body else { continue };
            let is_merged = |method: &String| catalog().owners.iter().any(|row| row.has_namespace_of(method));
            if fact.site.method.as_ref().is_some_and(is_merged) {
                effect.mark(Trait::Runtime);
                effect.evidence.push(Step::new("of a library that was merged into the program, by its namespace"));
            }
        }
    }
}

/// What the first file of a group is told, for one file and for several.
const TOLD: [(Aside, &str, &str); 7] = [
    (
        Aside::Packages,
        "put there by a package manager, as its folder says: not judged",
        "files that a package manager put there, as their folders say: not judged",
    ),
    (
        Aside::Intermediate,
        "made by the build of something that is there too, as its folder says: not judged",
        "files that the build makes of something that is there too, as their folders say: not judged",
    ),
    (
        Aside::Driver,
        "part of a driver, whose description and signature lie beside it: not judged",
        "binaries of drivers, whose descriptions and signatures lie beside them: not judged",
    ),
    (Aside::Tests, "of tests, as its name says: not judged", "files of tests, as their names say: not judged"),
    (Aside::Samples, "a sample, as its folder says: not judged", "files of samples, as their folders say: not judged"),
    (
        Aside::Tools,
        "a program in a folder of tools, beside projects of sources: it builds the application; not judged",
        "programs in folders of tools, beside projects of sources: they build the application; not judged",
    ),
    (Aside::Unbuilt, "no project here builds it: not judged", "binaries that no project here builds: not judged"),
];

/// Passes over what is not deployed, and says so once for each kind. What of it goes into the application is copied to its
/// output.
fn set_aside(readings: &mut [Reading], app: &Application) {
    let tree = app.deployed();
    let asides: Vec<Option<Aside>> =
        readings.iter().map(|reading| tree.aside(app.name_of(&reading.artifact), &reading.format)).collect();
    // A tree of samples and nothing else is what is to be judged.
    let has_others = readings.iter().zip(&asides).any(|(reading, aside)| aside.is_none() && says(reading));
    for (aside, one, several) in TOLD {
        if aside == Aside::Samples && !has_others {
            continue;
        }
        let of = readings.iter_mut().zip(&asides).filter(|(_, of)| **of == Some(aside)).map(|(reading, _)| reading);
        pass_over(of, one, several);
    }
}

/// Is there something of the application in it that is judged?
fn says(reading: &Reading) -> bool {
    let has_effect = || super::steps::counted(&reading.facts).any(|fact| matches!(fact.body, Body::Effect(_)));
    reading.owner == Owner::Application && (is_binary(&reading.format) || has_effect())
}

/// Passes over well-known programs that others bring along; one that is alone is what is to be judged.
fn brought_along(readings: &mut [Reading]) {
    let is_along = |reading: &Reading| super::phases::has_role(reading, BROUGHT_ALONG);
    if readings.iter().any(|reading| says(reading) && !is_along(reading)) {
        pass_over(
            readings.iter_mut().filter(|reading| is_along(reading)),
            "a program that others bring along, by its version: what it does is what its caller says; not judged",
            "programs that others bring along, by their versions: what they do is what their callers say; not judged",
        );
    }
}

/// Takes artifacts of the application for those of third parties, and says so once.
fn pass_over<'r>(of: impl Iterator<Item = &'r mut Reading>, one: &str, several: &str) {
    let mut group: Vec<&mut Reading> = of.filter(|reading| reading.owner == Owner::Application).collect();
    group.iter_mut().for_each(|reading| reading.owner = Owner::ThirdParty);
    let text = match group.len() {
        1 => one.to_owned(),
        count => format!("one of {count} {several}"),
    };
    if let Some(first) = group.into_iter().min_by(|a, b| a.artifact.cmp(&b.artifact)) {
        first.note(NoteKind::Info, text);
    }
}

/// Globs that do not parse are refused when the settings are checked.
fn globs(patterns: &[String]) -> GlobSet {
    let mut builder = GlobSetBuilder::new();
    for glob in patterns.iter().filter_map(|p| glob(p).ok()) {
        builder.add(glob);
    }
    builder.build().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;
    use crate::settings::Settings;

    fn owners(settings: &str) -> Vec<Owner> {
        let settings = Settings::parse("w", settings).unwrap();
        let listing = "artifact vendor/a.dll\nartifact b.dll\nclue identity key=CompanyName value=\"Fabrikam, Inc.\"\n\
                       artifact c.dll\nclue identity key=public-key-token value=31bf3856ad364e35\nartifact own.exe\n";
        let mut readings = listing::parse(listing).unwrap();
        mark(&mut readings, &Context { settings: &settings, app: &crate::discover::Application::default() });
        readings.iter().map(|r| r.owner).collect()
    }

    #[test]
    fn by_path_company_and_token() {
        use Owner::{Application as A, ThirdParty as T};
        let all = "[third-party]\npaths=['vendor/**']\ncompanies=['Fabrikam*']\ntokens=['31BF3856AD364E35']\n";
        assert_eq!(owners(all), [T, T, T, A]);
        assert_eq!(owners(&format!("{all}include = true\n")), [A, A, A, A]);
        assert_eq!(owners(""), [A, A, A, A]);
    }

    /// The files that are judged.
    fn judged(files: &[(&str, &str)]) -> Vec<String> {
        let artifact = |path: &str| crate::discover::Artifact {
            path: path.into(),
            name: path.into(),
            file: path.into(),
            ..Default::default()
        };
        let app = Application::new(files.iter().map(|(path, _)| artifact(path)).collect(), Vec::new());
        let read = files.iter().filter(|(_, format)| !format.is_empty());
        let mut readings: Vec<Reading> = read.map(|(path, format)| Reading::new(*path, *format)).collect();
        mark(&mut readings, &Context { settings: &Settings::default(), app: &app });
        let own = readings.iter().filter(|r| r.owner == Owner::Application);
        own.map(|r| r.artifact.clone()).collect()
    }

    #[test]
    fn a_program_that_others_bring_along() {
        let along = "artifact t/mail.exe format=pe-x86\nclue role key=brought-along value=Mail\n\
                     effect set-value registry HKLM\\Software\\Mail\\Server\n";
        let script = "artifact run.cmd format=batch\neffect append file C:\\Data\\orders.csv\n";
        let owners = |text: &str| {
            let mut readings = listing::parse(text).unwrap();
            brought_along(&mut readings);
            readings.iter().map(|r| r.owner).collect::<Vec<_>>()
        };
        assert_eq!(owners(&format!("{along}{script}")), [Owner::ThirdParty, Owner::Application]);
        assert_eq!(owners(along), [Owner::Application], "there is nothing else");
    }

    #[test]
    fn a_library_that_was_merged_into_a_program() {
        let write = |method: &str| format!("effect create file {{AppDir}}\\a phase=run at=method:{method}\n");
        let methods = [
            "log4net.Appender.FileAppender.Open",
            "Serilog.Sinks.File.FileSink.Emit",
            "Desk.log4net.Log.Open",
            "Hangfire.Orders.Store.Save",
        ];
        let text = format!("artifact a.exe format=assembly\n{}", methods.map(write).concat());
        let mut readings = listing::parse(&text).unwrap();
        of_merged_libraries(&mut readings);
        let marked: Vec<bool> = readings[0].facts.iter().map(|f| f.as_effect().unwrap().has(Trait::Runtime)).collect();
        assert_eq!(marked, [true, true, false, false]);
    }

    #[test]
    fn what_tests_shows_or_builds_is_not_deployed() {
        let all = [
            ("desk.sln", ""),
            ("bin/desk.exe", "pe-x64"),
            ("bin/Desk.Tests.dll", "assembly"),
            ("build/lib/tasks.dll", "assembly"),
            ("Tools/sign.exe", "pe-x86"),
            ("Tools/deploy.cmd", "batch"),
            ("samples/site/Web.config", "web-config"),
            ("IntegrationTests/Web.config", "web-config"),
        ];
        assert_eq!(judged(&all), ["bin/desk.exe", "Tools/deploy.cmd"]);
        // What is unpacked has its tools with it, and so has a package that installs them.
        assert_eq!(judged(&all[4..5]), ["Tools/sign.exe"]);
        let package = [("desk.sln", ""), ("p/desk.nuspec", ""), ("p/tools/desk.exe", "pe-x64")];
        assert_eq!(judged(&package), ["p/tools/desk.exe"]);
        assert_eq!(judged(&all[6..7]), ["samples/site/Web.config"], "there is nothing else");
    }
}
