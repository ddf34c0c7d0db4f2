//! Session state: what code puts into it is where the configuration keeps it.

use super::nearest::Nearest;
use crate::discover::Application;
use crate::facts::{Certainty, Clue, ClueKind, Fact, Owner, Reading, Step, Store, Trait, folder_of, folders};
use std::collections::HashMap;

/// How locations of ASP.NET session state begin.
const SESSION: &str = "aspnet-session://";

/// What one configuration says of the session.
struct Configured {
    artifact: String,
    kept: Kept,
    /// How that is known.
    step: Option<Step>,
}

/// Where a session is kept.
enum Kept {
    /// In this process or on this machine, which is reported where it is configured.
    Here,
    /// By another host.
    Elsewhere,
    /// By a provider of which no more than its name is known.
    Somewhere,
    /// There is none.
    Nowhere,
}

/// Code that uses the session is judged by the mode that the nearest configuration sets.
pub(super) fn place(readings: &mut [Reading]) {
    let configured: Vec<Configured> = readings.iter().filter_map(configured).collect();
    let mut nearest = Nearest::default();
    for (number, configuration) in configured.iter().enumerate() {
        nearest.insert(&configuration.artifact, number, |_| true);
    }
    for reading in readings {
        let Some(nearest) = nearest.find(&reading.artifact, |_, _| true) else { return };
        let nearest = &configured[nearest];
        for effect in super::effects_mut(std::slice::from_mut(reading)) {
            let used_by_code = effect.store == Store::Session
                && !effect.via.starts_with("sessionState")
                && effect.location.text().leading_lit().starts_with(SESSION);
            if !used_by_code {
                continue;
            }
            match nearest.kept {
                Kept::Here | Kept::Nowhere => effect.mark(Trait::Implied),
                Kept::Elsewhere => effect.mark(Trait::Remote),
                Kept::Somewhere => effect.certainty = Certainty::Possible,
            }
            effect.evidence.extend(nearest.step.clone());
        }
    }
}

/// An application whose code is all here and never touches the session keeps nothing in it, whatever mode is the
/// default. Pages may hold code that is compiled later: with them nothing is concluded, unless they were looked through.
pub(super) fn doubt(readings: &mut [Reading], app: &Application) {
    let mut sites: HashMap<String, Site> = HashMap::new();
    for reading in readings.iter().filter(|r| r.format.starts_with("assembly")) {
        let Some(folder) = bin_of(&reading.artifact) else { continue };
        let site = sites.entry(folder.to_lowercase()).or_default();
        site.assemblies += usize::from(reading.owner == Owner::Application);
        // What is not judged, or is of a library into which nothing leads, says nothing of what the application does.
        site.uses |= reading.owner == Owner::Application
            && super::steps::counted(&reading.facts)
                .filter_map(|f| f.as_effect())
                .filter(|e| e.certainty > Certainty::Possible)
                .any(|e| e.location.text().leading_lit().starts_with(SESSION));
    }
    if sites.is_empty() {
        return;
    }
    for reading in readings.iter() {
        if let Some(site) = sites.get_mut(&folder_of(&reading.artifact).to_lowercase()) {
            site.pages_do_not |= super::steps::counted(&reading.facts).filter_map(|f| f.as_clue()).any(pages_do_not);
        }
    }
    for artifact in &app.artifacts {
        let path = artifact.path.to_lowercase();
        if !PAGES.iter().any(|ending| path.ends_with(ending)) {
            continue;
        }
        for folder in folders(&path).take(MAX_FOLDERS) {
            if let Some(site) = sites.get_mut(folder) {
                site.uses |= !site.pages_do_not;
            }
        }
    }
    for reading in readings {
        let site = sites.get(&folder_of(&reading.artifact).to_lowercase());
        // Sources are enough where no assembly is built of them, and those of others do not use it.
        let Some(site) = site.filter(|site| !site.uses && (site.assemblies > 0 || site.pages_do_not)) else { continue };
        let pages = if site.pages_do_not { "nor does a source beside it" } else { "and there are no pages" };
        let why = match site.assemblies {
            0 => {
                "the assemblies in bin are of others and do not use the session, nor does a source beside it".to_owned()
            }
            many => format!("none of the {many} assemblies in bin uses the session, {pages}"),
        };
        for effect in super::effects_mut(std::slice::from_mut(reading)) {
            if effect.store == Store::Session && effect.has(Trait::ByDefault) {
                effect.certainty = Certainty::Possible;
                effect.evidence.push(Step::new(why.clone()));
            }
        }
    }
}

/// What is known of the application in a folder.
#[derive(Default)]
struct Site {
    assemblies: usize,
    uses: bool,
    /// Its pages and sources were looked through, and do not use it.
    pages_do_not: bool,
}

fn pages_do_not(clue: &Clue) -> bool {
    clue.kind == ClueKind::Role && clue.key == "session-unused"
}

/// Files with code that is compiled when they are asked for.
const PAGES: &[&str] = &[".aspx", ".ascx", ".ashx", ".asmx", ".master", ".cshtml", ".vbhtml"];
/// Most levels of folders above a page.
const MAX_FOLDERS: usize = 64;

/// The folder of the application whose `bin` an assembly lies in.
fn bin_of(artifact: &str) -> Option<&str> {
    let (folder, _) = artifact.rsplit_once('/')?;
    let (above, bin) = folder.rsplit_once('/').unwrap_or(("", folder));
    bin.eq_ignore_ascii_case("bin").then_some(above)
}

fn configured(reading: &Reading) -> Option<Configured> {
    let of_session = |site: &crate::facts::Site| site.key.as_deref().is_some_and(|k| k.contains("sessionState"));
    let local =
        |f: &Fact| f.as_effect().is_some_and(|e| e.store == Store::Session && e.via.starts_with("sessionState"));
    let told = |f: &Fact| {
        let clue = f.as_clue().filter(|_| of_session(&f.site))?;
        let (kept, said) = match (clue.kind, clue.key.as_str()) {
            (ClueKind::RemoteClient, by) => (Kept::Elsewhere, format!("sessions are kept by {by} on another host")),
            (ClueKind::Role, "session-provider") => {
                (Kept::Somewhere, format!("{} keeps sessions; where is not known", clue.value))
            }
            (ClueKind::Role, "session-state") => (Kept::Nowhere, "session state is switched off".to_owned()),
            _ => return None,
        };
        Some((kept, Step::at(said, f.site.clone()).in_artifact(reading.artifact.clone())))
    };
    let artifact = reading.artifact.clone();
    if super::steps::counted(&reading.facts).any(local) {
        return Some(Configured { artifact, kept: Kept::Here, step: None });
    }
    let mut told: Vec<_> = super::steps::counted(&reading.facts).filter_map(told).collect();
    // Sections of several paths: the least that is promised for one of them counts.
    let worst = told.iter().position(|(kept, _)| matches!(kept, Kept::Somewhere));
    let worst = worst.or_else(|| told.iter().position(|(kept, _)| matches!(kept, Kept::Elsewhere))).unwrap_or(0);
    let (kept, step) = (worst < told.len()).then(|| told.swap_remove(worst))?;
    Some(Configured { artifact, kept, step: Some(step) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::Artifact;
    use crate::facts::listing;

    fn traits(configuration: &str) -> Vec<Trait> {
        let code = "effect set-value session aspnet-session://Cart via=Session\n";
        let mut readings = listing::parse(&format!("{code}{configuration}\n")).unwrap();
        place(&mut readings);
        readings[0].facts[0].as_effect().unwrap().traits.clone()
    }

    #[test]
    fn the_configured_mode_decides() {
        let remote = "clue remote-client key=sqlserver value=db01 at=\"key:configuration/system.web/sessionState\"";
        assert_eq!(traits(remote), [Trait::Remote]);
        let local = "effect keep-in-memory session aspnet-session://InProc via=sessionState@mode";
        assert_eq!(traits(local), [Trait::Implied]);
        assert_eq!(traits("clue role key=aspnet"), []);
        let off = "clue role key=session-state value=off at=\"key:configuration/system.web/sessionState\"";
        assert_eq!(traits(off), [Trait::Implied]);
    }

    #[test]
    fn what_neither_assemblies_nor_pages_use_is_a_possibility() {
        let certainty = |code: &str, said: &str| {
            let mut readings = listing::parse(&format!(
                "artifact shop/bin/shop.dll format=assembly\n{code}artifact shop/Web.config\n{said}\
                 effect keep-in-memory session aspnet-session://InProc via=sessionState@mode certainty=likely \
                 traits=by-default\n"
            ))
            .unwrap();
            let page = Artifact::at("shop/Default.aspx");
            doubt(&mut readings, &Application::new(vec![page], Vec::new()));
            readings[1].facts.last().unwrap().as_effect().unwrap().certainty
        };
        let looked_through = "clue role key=session-unused value=1\n";
        assert_eq!(certainty("", ""), Certainty::Likely, "a page may hold code");
        assert_eq!(certainty("", looked_through), Certainty::Possible);
        let code = "effect set-value session aspnet-session://TempData/Paid\n";
        assert_eq!(certainty(code, looked_through), Certainty::Likely);
    }

    #[test]
    fn another_site_decides_nothing() {
        let mut readings = listing::parse(
            "artifact a/bin/a.dll\neffect set-value session aspnet-session://Cart via=Session\n\
             artifact a/Web.config\nclue remote-client key=redis at=\"key:configuration/system.web/sessionState\"\n\
             artifact b/Web.config\neffect keep-in-memory session aspnet-session://InProc via=sessionState@mode\n",
        )
        .unwrap();
        place(&mut readings);
        assert_eq!(readings[0].facts[0].as_effect().unwrap().traits, [Trait::Remote]);
    }
}
