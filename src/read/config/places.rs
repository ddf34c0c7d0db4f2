//! Settings of an application whose names say that their value is a place, and what is kept there: `UploadFolder`,
//! `Storage:Path`, `DataFolder` in the section `[Directories]`.
//!
//! Nobody but the code that reads a setting knows what becomes of it, so a name is no proof; but a folder for uploads is
//! configured in order to be written to. Names and what they say are rows of `rules/catalog/config/places.toml`.

use super::document::Document;
use super::options;
use crate::catalog::config::{Setting, WordRole, engine_of_scheme, is_word, settings, words};
use crate::facts::{
    Certainty, ClueKind, Effect, Fact, Folder, Location, Operation, Place, Reading, Site, Step, Store, Text, Trait,
    beside,
};
use crate::read::Input;
use crate::read::connection::is_loopback;
use std::collections::HashSet;

/// Longest name and longest path that are looked at.
const MAX_NAME: usize = 200;
const MAX_PATH: usize = 400;

/// Adds what the names of the settings say that a document gave from its `first` fact on, except of those that are told
/// already. Relative paths begin at `base`.
pub(crate) fn tell(document: &Document<'_>, reading: &mut Reading, first: usize, base: Folder) {
    let mut found: Vec<(Site, Effect)> = Vec::new();
    // Values of a file that no program looks for by itself are those of its name.
    let is_aside = document.environment.is_some() && reading.environment.is_none();
    for fact in reading.facts.iter().skip(first) {
        let Some(clue) = fact.as_clue().filter(|clue| clue.kind == ClueKind::ConfigValue) else { continue };
        let key = clue.key.rsplit_once('@').map_or(clue.key.as_str(), |(key, _)| key);
        if let Some(effect) = server(key, &clue.value) {
            let effect = effect.in_phase(document.phase.0, &document.phase.1);
            found.push((fact.site.clone(), effect));
            continue;
        }
        let Some(name) = Name::new(key) else { continue };
        let Some(setting) = settings().iter().find(|setting| name.says(setting)) else { continue };
        let Some(place) = place(&clue.value, base, &name) else { continue };
        // A word alone may be the name of a store or a part of an address just as well.
        let certainty = if is_aside || !is_rooted(&clue.value) { Certainty::Possible } else { Certainty::Likely };
        let effect = Effect::new(setting.operation, setting.store, place, certainty, via(key))
            .in_phase(document.phase.0, &document.phase.1)
            .with(Trait::Named)
            .because(Step::new(&setting.because));
        let effect = setting.traits.iter().fold(effect, |effect, mark| effect.with(*mark));
        found.push((fact.site.clone(), effect));
    }
    let told: HashSet<&Site> = reading.facts.iter().filter(|f| f.as_effect().is_some()).map(|f| &f.site).collect();
    found.retain(|(site, _)| !told.contains(site));
    reading.facts.extend(found.into_iter().map(|(site, effect)| Fact::effect(site, effect)));
}

/// The settings of a program that nobody knows: what their names say, and nothing else.
pub(crate) fn of_unknown(document: &mut Document<'_>, reading: &mut Reading) {
    let mut all = Reading::default();
    options::values(document, &mut all);
    all.facts.retain(|fact| fact.as_clue().is_some_and(|clue| clue.kind == ClueKind::ConfigValue));
    tell(document, &mut all, 0, Folder::AppDir);
    // What nothing is said of is data.
    let sites: HashSet<Site> = all.facts.iter().filter(|f| f.as_effect().is_some()).map(|f| f.site.clone()).collect();
    reading.facts.extend(all.facts.into_iter().filter(|fact| sites.contains(&fact.site)));
}

/// Files that only tools of developers read.
const OF_TOOLS: &[&str] = &[
    "package.json",
    "package-lock.json",
    "composer.json",
    "bower.json",
    "project.json",
    "global.json",
    "launchsettings.json",
    "angular.json",
    "nx.json",
    "lerna.json",
    "tasks.json",
    "launch.json",
    "settings.json",
];
/// What a program is started as.
const PROGRAMS: &[&str] = &["exe", "dll", "cmd", "bat", "ps1"];
/// Most files beside a document that are looked at.
const MAX_BESIDE: usize = 4_096;

/// Is it a document of JSON beside a program or the script that starts one, and none of a developer's tools?
pub(crate) fn is_beside_program(input: &Input<'_>) -> bool {
    let path = &input.artifact.path;
    let start = beside(path).len();
    let name = path.get(start..).unwrap_or_default().to_lowercase();
    if OF_TOOLS.contains(&name.as_str())
        || name.starts_with("tsconfig")
        || name.ends_with(".deps.json")
        || name.ends_with(".schema.json")
    {
        return false;
    }
    let Some(folder) = path.get(..start) else { return false };
    let at = input.app.artifacts.partition_point(|a| a.path.as_str() < folder);
    let beside = input.app.artifacts[at..].iter().take_while(|a| a.path.starts_with(folder)).take(MAX_BESIDE);
    beside
        .filter(|a| a.path.get(start..).is_some_and(|name| !name.contains('/')))
        .any(|a| PROGRAMS.contains(&a.extension().as_str()) || a.file_name().to_lowercase().starts_with("dockerfile"))
}

/// `[Redis] Host = 127.0.0.1`: a section that has the name of an engine, and the address of this machine in it.
fn server(key: &str, value: &str) -> Option<Effect> {
    let mut parts = key.rsplit(['/', ':']).filter(|part| !part.is_empty());
    let (own, section) = (parts.next()?.to_lowercase(), parts.next()?);
    if !is_word(&own, WordRole::Host) || !is_loopback(value.trim()) {
        return None;
    }
    let is_name = |word: &String| engine_of_scheme(word).filter(|engine| !engine.embedded).is_some();
    let engine = split(section).iter().find(|word| is_name(word)).and_then(|word| engine_of_scheme(word))?;
    let location = Location::named(Text::lit(format!("{}://{}", engine.name, value.trim())));
    let said = format!("the section has the name of an engine, and the server {} is this machine", value.trim());
    Some(Effect::new(Operation::Write, Store::Database, location, Certainty::Likely, key).because(Step::new(said)))
}

/// The key as a finding names it: one that every site of the same kind has.
fn via(key: &str) -> String {
    match key.split_once('/') {
        Some(("appSettings", _)) => "appSettings/add@value".to_owned(),
        _ => key.to_owned(),
    }
}

/// The words of a setting's name, up to the one that says that its value is a place.
struct Name {
    words: Vec<String>,
    is_file: bool,
    /// It speaks of a service on another host.
    is_away: bool,
}

impl Name {
    /// Of a name that says that the value is a place, and not that it is read.
    fn new(key: &str) -> Option<Self> {
        let mut parts = key.rsplit(['/', ':']).filter(|part| !part.is_empty());
        let (own, above) = (parts.next()?, parts.next().unwrap_or_default());
        if key.len() > MAX_NAME {
            return None;
        }
        let mut words = split(own);
        let above = split(above);
        let mut is_file = false;
        let last = words.last()?.clone();
        if is_word(&last, WordRole::Place) {
            words.pop();
        } else if is_word(&last, WordRole::File) {
            is_file = true;
            words.pop();
        } else if let Some(kept) = joined(&last, WordRole::Place) {
            *words.last_mut()? = kept;
        } else if let Some(kept) = joined(&last, WordRole::File) {
            is_file = true;
            *words.last_mut()? = kept;
        } else if !above.last().is_some_and(|section| is_word(section, WordRole::Section)) {
            return None;
        }
        while words.last().is_some_and(|word| is_word(word, WordRole::Filler)) {
            words.pop();
        }
        // `Storage:Path`: what is kept is the name of the section.
        if words.is_empty() {
            words = above;
            while words.last().is_some_and(|word| is_word(word, WordRole::Filler)) && words.len() > 1 {
                words.pop();
            }
        }
        let is_read = words.iter().any(|word| is_word(word, WordRole::Read));
        let is_away = key.split(['/', ':']).flat_map(split).any(|word| is_word(&word, WordRole::Away));
        (!words.is_empty() && !is_read).then_some(Name { words, is_file, is_away })
    }

    fn says(&self, setting: &Setting) -> bool {
        let is = |word: &String| setting.words.contains(word);
        let fits = self.words.last().is_some_and(is) || (setting.anywhere && self.words.iter().any(is));
        fits && (setting.files || !self.is_file)
    }
}

/// `datapath`: what is before a word for a place that is written together with it.
fn joined(word: &str, role: WordRole) -> Option<String> {
    let before = words(role).filter_map(|end| word.strip_suffix(end)).min_by_key(|before| before.len())?;
    (!before.is_empty()).then(|| before.to_owned())
}

/// The words of a name in lower case: divided by signs, by digits, and where a capital letter begins one.
fn split(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (n, &c) in chars.iter().enumerate() {
        let before = n.checked_sub(1).and_then(|n| chars.get(n)).copied().unwrap_or(' ');
        let is_next_lower = chars.get(n + 1).is_some_and(|next| next.is_lowercase());
        let begins = c.is_uppercase() && (before.is_lowercase() || (before.is_uppercase() && is_next_lower));
        if begins || !c.is_alphabetic() {
            words.push(String::new());
        }
        if c.is_alphabetic() {
            words.last_mut().into_iter().for_each(|word| word.extend(c.to_lowercase()));
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The place that a value names, where it is one of this machine.
fn place(value: &str, base: Folder, name: &Name) -> Option<Location> {
    let value = value.trim();
    let has_drive = has_drive(value);
    let body = if has_drive { &value[2..] } else { value };
    // Addresses, shares, lists, and what a deployment fills in.
    let is_other = value.is_empty()
        || value.len() > MAX_PATH
        || body.contains(['<', '>', '*', '?', ':', ',', ';', '{', '}', '$', '#', '@', '=', '\n'])
        || body.contains("__")
        || value.starts_with("\\\\")
        || value.starts_with("//");
    let in_site = value.starts_with("~/") || value.starts_with("~\\") || value.starts_with('|');
    // An address of the site or the root of a machine.
    let from_root = value.starts_with('/');
    let is_path =
        has_drive || in_site || value.starts_with('%') || value.contains(['/', '\\']) || name.is_folder(value);
    if is_other || from_root || !is_path || (name.is_away && !is_rooted(value)) {
        return None;
    }
    let value = if has_drive || in_site { value } else { value.trim_start_matches(['/', '\\']) };
    let location = Location::file(&Text::lit(value)).based_on(base);
    if matches!(location.file_place(), Place::Unknown | Place::Device | Place::UncShare | Place::Remote) {
        return None;
    }
    let is_file = name.is_file || location.extension().is_some();
    Some(if is_file { location } else { location.child(&Text::unknown()) })
}

/// `D:\x` or `D:/x`.
fn has_drive(value: &str) -> bool {
    value.get(1..3).is_some_and(|root| root == ":\\" || root == ":/")
}

/// Can the value be nothing but a place of this machine? The folder for the data of a site is one too.
fn is_rooted(value: &str) -> bool {
    let value = value.trim();
    has_drive(value)
        || value.starts_with(['%', '|'])
        || value.starts_with("~/")
        || value.starts_with("~\\")
        || value.to_ascii_lowercase().contains("app_data")
}

impl Name {
    /// A word alone is a folder beside the program where the name says so.
    fn is_folder(&self, value: &str) -> bool {
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        !self.is_file && value.chars().all(is_word) && value.chars().any(char::is_alphabetic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(key: &str) -> Option<&'static [String]> {
        let name = Name::new(key)?;
        settings().iter().find(|setting| name.says(setting)).map(|setting| setting.words.as_slice())
    }

    #[test]
    fn names_say_what_is_kept() {
        for (key, word) in [
            ("appSettings/UploadFolder", "upload"),
            ("appSettings/uploadpath", "upload"),
            ("appSettings/upload_image_dir", "upload"),
            ("appSettings/ObserverLogPath", "log"),
            ("appSettings/LogFile", "log"),
            ("Storage:Path", "storage"),
            ("FileStorage:BasePath", "storage"),
            ("hMailServer.INI/Directories/DataFolder", "data"),
            ("hMailServer.INI/Directories/Temp", "temp"),
            ("appSettings/LuceneIndexDirectory", "index"),
            ("appSettings/DBPath", "db"),
        ] {
            assert!(said(key).is_some_and(|words| words.iter().any(|w| w == word)), "{key}");
        }
        for key in [
            "appSettings/UploadLimit",
            "appSettings/UploadUrl",
            "appSettings/LogConfigPath",
            "appSettings/UploadTemplatePath",
            "appSettings/DialogPath",
            "appSettings/DataFile",
            "Kestrel:Certificates:Default:Path",
            "appSettings/CertificatePath",
            "appSettings/MetadataPath",
            "appSettings/UploadEndpointPath",
            "appSettings/ReadOnlyDatabasePath",
            "appSettings/CertStoreLocation",
        ] {
            assert!(said(key).is_none(), "{key}");
        }
    }

    #[test]
    fn values_that_are_places_of_this_machine() {
        let name = Name { words: vec!["upload".into()], is_file: false, is_away: false };
        let at = |value: &str, base| place(value, base, &name).map(|l| l.to_string());
        assert_eq!(at("~/Uploads", Folder::WebRoot).as_deref(), Some("{WebRoot}\\Uploads\\{?}"));
        assert_eq!(at("/account/log", Folder::WebRoot), None, "an address");
        assert_eq!(at("D:/x y/up", Folder::AppDir).as_deref(), Some("D:\\x y\\up\\{?}"));
        assert_eq!(at("uploads", Folder::AppDir).as_deref(), Some("{AppDir}\\uploads\\{?}"));
        for value in
            ["/data", "\\\\files\\x", "https://a/b", "#{Uploads}", "{0}/x", "$(Dir)\\x", "", "true or not", "__D__/x"]
        {
            assert_eq!(at(value, Folder::AppDir), None, "{value}");
        }
        for key in ["S3BackupFolder", "Azure:Storage:Path", "Sftp:UploadFolder", "BlobStoragePath"] {
            let name = Name::new(key).unwrap();
            assert_eq!(place("nightly/x", Folder::AppDir, &name), None, "{key}");
            assert!(place("D:\\x", Folder::AppDir, &name).is_some(), "{key}");
        }
        assert!(is_rooted("App_Data/x") && is_rooted("d:/x") && !is_rooted("bin/x") && !is_rooted("LocalMachine"));
    }
}
