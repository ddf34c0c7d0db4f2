//! Whose code an artifact is, by the team's decision: globs, company names, public key tokens.

use super::Context;
use crate::facts::{ClueKind, NoteKind, Owner, Reading};
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
    build_tools(readings, context);
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

/// Code that a package manager put there for the build. What of it goes into the application is copied to its output.
///
/// NuGet documentation, "Managing the global packages, cache, and temp folders": packages of `packages.config` lie in
/// `packages/ID.VERSION`; "NuGet.exe" and its targets in `.nuget` (NuGet 2.x, "Package restore").
fn build_tools(readings: &mut [Reading], context: &Context<'_>) {
    let is_tool = |r: &&mut Reading| is_code(r) && is_of_build(context.app.name_of(&r.artifact));
    let mut tools: Vec<&mut Reading> = readings.iter_mut().filter(is_tool).collect();
    tools.iter_mut().for_each(|reading| reading.owner = Owner::ThirdParty);
    let count = tools.len();
    let text = match count {
        1 => "put there by a package manager for the build, as its folder says: not judged".to_owned(),
        _ => format!(
            "one of {count} files that a package manager put there for the build, as their folders say: not judged"
        ),
    };
    if let Some(first) = tools.into_iter().min_by(|a, b| a.artifact.cmp(&b.artifact)) {
        first.note(NoteKind::Info, text);
    }
}

fn is_code(reading: &Reading) -> bool {
    let format = reading.format.as_str();
    format.starts_with("pe") || format.starts_with("assembly") || matches!(format, "batch" | "power-shell")
}

/// Does a path inside the application lie where packages of the build are kept?
fn is_of_build(name: &str) -> bool {
    let folders: Vec<&str> = name.split('/').collect();
    let in_tools = folders.iter().rev().skip(1).any(|folder| folder.eq_ignore_ascii_case(".nuget"));
    in_tools
        || folders.windows(3).any(|below| {
            let mut numbers = below[1].split('.').skip(1).filter(|part| part.starts_with(|c: char| c.is_ascii_digit()));
            below[0].eq_ignore_ascii_case("packages") && numbers.nth(1).is_some()
        })
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

    #[test]
    fn what_builds_is_not_what_runs() {
        for name in [".nuget/NuGet.exe", "src/.nuget/NuGet.exe", "packages/Tool.1.2.0/tools/tool.exe"] {
            assert!(is_of_build(name), "{name}");
        }
        for name in
            ["nuget.exe", "packages/setup.exe", "packages/desk/setup.exe", "packages/setup.v2.exe", "a.nuget/b.exe"]
        {
            assert!(!is_of_build(name), "{name}");
        }
    }
}
