//! Whose code an artifact is, by the team's decision: globs, company names, public key tokens.

use super::Context;
use crate::facts::{ClueKind, Owner, Reading};
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
}
