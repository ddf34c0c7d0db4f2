//! Links and substituted drives: what is written below one is written to where it leads.

use super::{at_or_above, steps};
use crate::facts::{Body, Clue, ClueKind, Effect, Location, Reading, Site, Step, Text};
use std::collections::HashMap;

/// Most links on the way to one file: a link may lead below itself.
const MAX_LINKS: usize = 4;

/// A link, by where it is made.
struct Link {
    target: Text,
    site: Site,
    step: Step,
}

/// Moves effects below links to where these lead.
pub(super) fn follow(readings: &mut [Reading]) {
    let mut links: HashMap<String, Link> = HashMap::new();
    for reading in readings.iter() {
        for fact in steps::counted(&reading.facts) {
            if let Some((at, target)) = fact.as_clue().and_then(leads) {
                let said = format!("{} leads to {target} ({})", at.text(), fact.as_clue().map_or("", |c| &c.key));
                let step = Step::at(said, fact.site.clone()).in_artifact(reading.artifact.clone());
                let link = Link { target, site: fact.site.clone(), step };
                links.entry(at.key().trim_end_matches('\\').to_owned()).or_insert(link);
            }
        }
    }
    if links.is_empty() {
        return;
    }
    for reading in readings {
        for fact in steps::counted_mut(&mut reading.facts) {
            let Body::Effect(effect) = &mut fact.body else { continue };
            for _ in 0..MAX_LINKS {
                let Some((below, link)) = link_of(effect, &links) else { break };
                let made_here = link.step.artifact.as_ref() == Some(&reading.artifact) && link.site == fact.site;
                let moved = Location::file(&link.target.clone().concat(&below));
                if made_here || moved.key() == effect.location.key() {
                    break;
                }
                effect.location = moved;
                effect.evidence.push(link.step.clone());
            }
        }
    }
}

/// A link to a place of which something is known.
fn leads(clue: &Clue) -> Option<(&Location, Text)> {
    let at = clue.location.as_ref().filter(|at| clue.kind == ClueKind::LeadsTo && at.text().is_full())?;
    let target = Text::parse(clue.value.trim_end_matches('\\'));
    (!target.is_unknown() && !target.is_empty()).then_some((at, target))
}

/// The nearest link above the place of an effect, and what stands below it. What makes or removes the link itself is not
/// done to where it leads.
fn link_of<'a>(effect: &Effect, links: &'a HashMap<String, Link>) -> Option<(Text, &'a Link)> {
    if !effect.store.is_path() {
        return None;
    }
    let (key, shown) = (effect.location.key(), effect.location.to_string());
    let (above, link) = at_or_above(&key).skip(1).find_map(|above| Some((above, links.get(above)?)))?;
    Some((Text::parse(shown.get(above.len()..)?), link))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;

    fn locations(text: &str) -> Vec<String> {
        let mut readings = listing::parse(text).unwrap();
        follow(&mut readings);
        readings.iter().flat_map(|r| &r.facts).filter_map(|f| f.as_effect().map(|e| e.location.to_string())).collect()
    }

    #[test]
    fn what_is_below_a_link_is_where_it_leads() {
        let link = "clue leads-to key=mklink value=\\\\files\\share location=C:\\lnk at=line:1\n\
                    effect create file C:\\lnk at=line:1\neffect write file C:\\LNK\\a.txt at=line:2\n\
                    effect write file C:\\lnk2\\a.txt at=line:3\n";
        assert_eq!(locations(link), ["C:\\lnk", "\\\\files\\share\\a.txt", "C:\\lnk2\\a.txt"]);
        let drive =
            "clue leads-to key=subst value=C:\\data location=X:\\ at=line:1\neffect write file X:\\a.txt at=line:2\n";
        assert_eq!(locations(drive), ["C:\\data\\a.txt"]);
    }

    #[test]
    fn links_in_a_circle_end() {
        let text = "clue leads-to key=mklink value=C:\\b location=C:\\a at=line:1\n\
                    clue leads-to key=mklink value=C:\\a location=C:\\b at=line:2\neffect write file C:\\a\\x at=line:3\n";
        assert_eq!(locations(text), ["C:\\a\\x"]);
    }
}
