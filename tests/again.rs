//! An editor judges again what an edit reaches. Whatever is edited, in whatever order, it says what a whole check says.

#![allow(clippy::expect_used, reason = "a test stops where it cannot go on")]

mod random;

use random::Random;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use wipeproof::discover::{Artifact, Kind, sniff};
use wipeproof::facts::Reading;
use wipeproof::report::{Finding, Kept};
use wipeproof::rules::RuleSet;
use wipeproof::settings::Settings;
use wipeproof::{Request, Scanned};

/// Edits per application.
const EDITS: usize = 40;

/// An application whose text files are edited in memory.
struct Edited {
    scanned: Scanned,
    texts: BTreeMap<String, (Artifact, Kind, Vec<String>)>,
}

impl Edited {
    fn of(request: &Request<'_>) -> Self {
        let scanned = wipeproof::read(request).expect("a scan");
        let text_of = |artifact: &Artifact| {
            let bytes = std::fs::read(&artifact.file).ok()?;
            let kind = sniff(&bytes, artifact.file_name()).filter(|k| !matches!(k, Kind::Pe | Kind::Assembly))?;
            scanned.read.readings.iter().find(|r| r.artifact == artifact.path)?;
            let lines = String::from_utf8(bytes).ok()?.lines().map(str::to_owned).collect();
            Some((artifact.path.clone(), (artifact.clone(), kind, lines)))
        };
        let texts = scanned.app.artifacts.iter().filter_map(text_of).collect();
        Edited { scanned, texts }
    }

    /// Changes a line or two of one file, as somebody does who types, copies, deletes and takes back.
    fn edit(&mut self, random: &mut Random) {
        let names: Vec<&String> = self.texts.keys().collect();
        let name = names[random.below(names.len())].clone();
        let other = names[random.below(names.len())].clone();
        let borrowed = self.texts[&other].2.clone();
        let (artifact, kind, lines) = self.texts.get_mut(&name).expect("a text");
        let at = random.below(lines.len().max(1));
        match random.below(5) {
            0 if !lines.is_empty() => drop(lines.remove(at)),
            1 if !lines.is_empty() => lines.insert(at, lines[at].clone()),
            2 if !borrowed.is_empty() => {
                lines.insert(at.min(lines.len()), borrowed[random.below(borrowed.len())].clone())
            }
            3 if !lines.is_empty() => lines[at] = lines[at].replace(['1', 'o', 'S'], "7"),
            _ => lines.insert(at.min(lines.len()), String::new()),
        }
        let text = lines.join("\n");
        let reading = wipeproof::read::read_bytes(&self.scanned.app, artifact, *kind, text.as_bytes());
        let known = self.scanned.read.readings.iter_mut().find(|r| r.artifact == name);
        *known.expect("a reading") = reading;
    }

    fn readings(&self) -> Vec<Reading> {
        self.scanned.read.readings.clone()
    }
}

fn differences(kept: &[Finding], whole: &[Finding]) -> Option<String> {
    let pair = kept.iter().zip(whole).find(|(a, b)| a != b);
    (kept != whole).then(|| format!("{} and {} findings; {pair:#?}", kept.len(), whole.len()))
}

fn applications() -> Vec<PathBuf> {
    let folders = ["fixtures/apps", "fixtures/joins"].map(|folder| std::fs::read_dir(folder).expect("the fixtures"));
    let mut all: Vec<PathBuf> = folders.into_iter().flatten().flatten().map(|e| e.path()).collect();
    all.retain(|path| path.is_dir());
    all.sort();
    all
}

fn edit_at_random(application: &Path, rules: &RuleSet, seed: u64) -> usize {
    let settings = Settings::find(application).filter(|file| file.starts_with(application));
    let settings = settings.map(|file| Settings::load(&file).expect("settings")).unwrap_or_default();
    let targets = rules.choose_targets(&settings.targets).expect("targets");
    let request = Request::new(vec![application.to_path_buf()], &settings, rules, targets);
    let mut edited = Edited::of(&request);
    if edited.texts.is_empty() {
        return 0;
    }
    let mut random = Random(seed);
    let mut kept = Kept::default();
    let mut changed = 0;
    let mut last = Vec::new();
    for step in 0..EDITS {
        edited.edit(&mut random);
        let again = wipeproof::judge_again(&request, &edited.scanned.app, edited.readings(), &mut kept).expect("again");
        let whole = wipeproof::judge(&request, edited.scanned.clone()).expect("whole").findings;
        if let Some(differ) = differences(&again, &whole) {
            panic!("{}, seed {seed}, edit {step}: {differ}", application.display());
        }
        changed += usize::from(again != last);
        last = again;
    }
    changed
}

#[test]
fn whatever_is_edited_the_answer_is_that_of_a_whole_check() {
    let rules = RuleSet::embedded().expect("the shipped rules");
    let applications = applications();
    assert!(applications.len() > 20, "{}", applications.len());
    let seeded = applications.iter().zip(1..);
    let changed: usize = seeded.map(|(application, seed)| edit_at_random(application, &rules, seed * 7919)).sum();
    // The test can only fail where edits change something.
    assert!(changed > applications.len() * EDITS / 4, "only {changed} edits changed a finding");
}
