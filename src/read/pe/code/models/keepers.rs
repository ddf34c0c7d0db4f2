//! Objects of Object Pascal that keep settings: the key or the file that they hold, and what is written below it.

use super::super::super::handed::Settings;
use super::super::super::keepers::{self, Does, Keeper};
use super::super::super::operands::addresses;
use super::super::super::pascal;
use super::super::analysis::{Engine, Origin};
use super::super::known::Known;
use super::super::report::{Arg, Event, Handle, Number};
use super::super::state::{Buffer, PARAM_EAX, PARAM_ECX, PARAM_EDX};
use super::super::strings::{decode, is_path_like};
use super::super::value::{Kind, Value};
use super::super::width::Width;
use crate::catalog::native;
use crate::facts::{Folder, Location, Text, join_paths, registry};

/// Numbers of what an object keeps, among what the call that made it wrote, behind all arguments: the root of the registry
/// or the file, and the key that is open.
const ROOT: u8 = 58;
const OPEN: u8 = 59;
/// Arguments of a function in which an object that keeps settings is looked for: those in registers.
const HANDED_ARGUMENTS: u8 = 3;
/// Number of a text that is put together.
const JOINED: u8 = 60;
/// The number of references that a text has which is part of the image.
const CONSTANT: u32 = u32::MAX;
/// The class of Delphi whose files are those of the functions for profiles.
const PROFILE: &str = "TIniFile";
/// Longest text that is part of the image, in characters.
const MAX_TEXT: u32 = 1024;

/// An object that keeps settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    /// Address of the table of its class.
    class: u32,
    /// Address of the call that opened its key.
    opened_at: u32,
    /// Where the name of its file stands in the image.
    literal: Option<u32>,
}

impl Engine<'_, '_> {
    /// An object was made: it begins at the root of the registry that its class says, or at the file that it is given.
    pub(super) fn keep_settings(&mut self, class: u32, site: u32) {
        let program = self.program;
        let Some(keeper) = program.keepers.of(class) else { return };
        let row = keeper.api.row;
        let given = self.pascal_argument(2);
        let (mut given, literal) = self.pascal_text(given);
        // Those that go by functions of Windows for profiles look for a bare name where these do.
        if row.file.is_some() && !self.is_of_profile(keeper, class) {
            let absolute = |file: &Text| Location::file(file).based_on(Folder::Cwd).text().clone();
            given = given.map(|file| {
                if file.as_lit().is_some_and(|name| !name.is_empty()) { absolute(file) } else { file.clone() }
            });
        }
        self.keepers.insert(site, Kept { class, opened_at: site, literal });
        let root = match &row.fixed {
            Some(fixed) => Known::of(Text::lit(fixed.clone())),
            None => given.clone(),
        };
        self.put(site, ROOT, Some(root.clone()));
        let open = (!row.below.is_empty()).then(|| root.with(&given, below));
        if let Some(open) = &open {
            let key = Arg { literal, ..self.named_key(site, open, &given) };
            self.tell(keeper, "Create", vec![key], site);
        }
        self.put(site, OPEN, open);
    }

    /// The class hands the name of its file to functions of Windows: `TIniFile` of Delphi does. That of Free Pascal, and those
    /// that keep all of it in memory, read and write the file themselves (Free Pascal: `inifiles.pp`).
    fn is_of_profile(&self, keeper: &Keeper, class: u32) -> bool {
        keeper.name == PROFILE && !pascal::is_free(&self.program.image, class)
    }

    /// A function is given an object that keeps settings, and names texts of its own: it is one of the program, and no method
    /// of a library, which is given all names.
    fn is_helper(&self, function: u32) -> bool {
        let body = self.program.body(function);
        self.program.spend(body.instructions.len() as u64);
        let names = |va: u64| {
            let text = self.program.image.rva_of(va).and_then(|rva| self.constant_text(rva));
            text.is_some_and(|text| !text.is_empty())
        };
        body.instructions.iter().flat_map(addresses).any(names)
    }

    /// A function of the program is given an object that keeps settings: it is read again with what that holds here.
    fn hand_settings(&mut self, target: u32) {
        for n in 0..HANDED_ARGUMENTS {
            let object = self.pascal_argument(n);
            let Some(Kind::Result(made)) = self.symbols.kind_of(object) else { continue };
            let Some(kept) = self.keepers.get(&made).copied() else { continue };
            let (root, open) = (self.kept(made, ROOT), self.kept(made, OPEN));
            let settings = Settings { parameter: n, class: kept.class, opened_at: kept.opened_at, root, open };
            if target != self.start && self.is_helper(target) && self.notes() {
                self.report.settings_handed.push((target, settings));
            }
        }
    }

    /// Puts an object that keeps settings in the place of the parameter for which the function is given one.
    pub(in super::super) fn receive_settings(&mut self) {
        let Some(given) = self.program.settings_of(self.start) else { return };
        // As if the function itself had made it where it begins.
        let made = self.start;
        let object = self.symbols.of(Kind::Result(made));
        let parameter = self.pascal_parameter(given.parameter);
        self.set_parameter(parameter, object);
        self.keepers.insert(made, Kept { class: given.class, opened_at: given.opened_at, literal: None });
        self.put(made, ROOT, given.root);
        self.put(made, OPEN, given.open);
    }

    /// A method of an object that keeps settings: opens a key, writes below it, or changes nothing.
    pub(in super::super) fn settings_method(&mut self, target: u32, site: u32) -> Option<Value> {
        let program = self.program;
        if self.keepers.is_empty() {
            return None;
        }
        self.hand_settings(target);
        let object = self.pascal_argument(0);
        let Some(Kind::Result(made)) = self.symbols.kind_of(object) else { return None };
        let kept = *self.keepers.get(&made)?;
        let keeper = program.keepers.of(kept.class)?;
        if program.keepers.does(target).is_none() && self.is_helper(target) {
            return None;
        }
        if keeper.api.row.fixed.is_some() && keeper.api.row.below.is_empty() {
            self.registry_method(keeper, target, made, site);
        } else {
            self.ini_method(keeper, target, made, site);
        }
        Some(self.symbols.of(Kind::Result(site)))
    }

    /// A function that is given a variable and two texts, of which one is a part of the image that looks like one of a path,
    /// most likely puts the one behind the other (Free Pascal: `fpc_ansistr_concat`, Delphi: `_UStrCat3`): a guess.
    pub(in super::super) fn joined_text(&mut self, site: u32) -> Option<Value> {
        if self.program.keepers.is_empty() {
            return None;
        }
        let [to, first, second] = [0, 1, 2].map(|n| self.pascal_argument(n));
        let is_part = |engine: &Self, value: Value| {
            let rva = value.number().and_then(|va| engine.program.image.rva_of(va));
            let text = rva.and_then(|rva| engine.constant_text(rva));
            text.is_some_and(|text| is_path_like(&text) || text.ends_with('\\') && text.len() > 1)
        };
        // What begins with a drive is not put behind anything.
        let begins_anew = |engine: &Self, value: Value| {
            let rva = value.number().and_then(|va| engine.program.image.rva_of(va));
            let text = rva.and_then(|rva| engine.constant_text(rva)).unwrap_or_default();
            text.starts_with('\\') || text.get(1..2) == Some(":")
        };
        if begins_anew(self, second) {
            return None;
        }
        // A variable that begins as no text was filled unseen.
        let is_filled = |value: Value| matches!(value, Value::Sym(..) | Value::Const(0));
        let is_text = |engine: &Self, value: Value| is_part(engine, value) || is_filled(value);
        let (left, right) = (is_part(self, first), is_part(self, second));
        if !matches!(to, Value::Stack(_)) || !(left || right) || !is_text(self, first) || !is_text(self, second) {
            return None;
        }
        let mut text = |value: Value| match value {
            Value::Const(0) => Known::unknown(),
            value => self.pascal_text(value).0,
        };
        let known = text(first).then(&text(second)).guessed(true);
        let text = self.with_origin(Kind::Out(site, JOINED), Origin::Text(known));
        self.state.store(to, if self.is_64() { 8 } else { 4 }, text);
        Some(self.symbols.of(Kind::Result(site)))
    }

    fn registry_method(&mut self, keeper: &Keeper, target: u32, made: u32, site: u32) {
        let (first, second) = (self.pascal_argument(1), self.pascal_argument(2));
        if let Some(root) = first.number().and_then(registry::root_of_handle) {
            self.put(made, ROOT, Some(Known::of(Text::lit(root))));
            return self.put(made, OPEN, None);
        }
        let leads = self.program.keepers.leads_to(self.program, target);
        let does = |bits: u8| leads & bits != 0;
        let (name, literal) = self.pascal_text(first);
        match leads {
            // A key is closed, or another root is chosen by a value that is not known: what is open is the root again.
            keepers::CLOSES => {
                let roots = self.roots(first);
                if let Some(roots) = roots {
                    self.put(made, ROOT, Some(roots));
                }
                self.put(made, OPEN, None);
            }
            // A key is moved, or a value gets another name.
            _ if does(keepers::SETS) && does(keepers::CREATES | keepers::DELETES_VALUE) => {}
            _ if does(keepers::SETS) => {
                let open = self.open_key_of(made);
                let (key, value) = (self.key(made, &open), Arg { literal, ..Arg::of(&name) });
                let number = self.program.keepers.takes_third(self.program, target);
                let [text, number] = self.written(second, Does::Write, number);
                self.tell(keeper, "Write", vec![key, value, text, number], site);
            }
            _ if does(keepers::CREATES) && does(keepers::OPENS) => {
                let path = self.path_of(made, &name);
                let creates = match self.symbols.kind_of(second) {
                    Some(Kind::Low(flag)) => flag != 0,
                    _ => second.number().is_some_and(|flag| flag as u8 != 0),
                };
                if creates {
                    let key = Arg { literal, ..self.named_key(made, &path, &name) };
                    self.tell(keeper, "OpenKey", vec![key], site);
                }
                self.put(made, OPEN, Some(path));
                self.keepers.entry(made).and_modify(|kept| kept.opened_at = site);
            }
            _ if does(keepers::CREATES | keepers::DELETES_KEY) => {
                let path = self.path_of(made, &name);
                let key = Arg { literal, ..self.named_key(made, &path, &name) };
                let method = if does(keepers::CREATES) { "CreateKey" } else { "DeleteKey" };
                self.tell(keeper, method, vec![key], site);
            }
            _ if does(keepers::DELETES_VALUE) => {
                let open = self.open_key_of(made);
                let (key, value) = (self.key(made, &open), Arg { literal, ..Arg::of(&name) });
                self.tell(keeper, "DeleteValue", vec![key, value], site);
            }
            // A key is opened to be read, or only looked for.
            _ => {}
        }
    }

    /// Roots of the registry, when a value is one of several; nothing where it may be what the caller left there.
    fn roots(&self, value: Value) -> Option<Known> {
        let root = |value: Value| value.number().and_then(registry::root_of_handle).map(Text::lit);
        let texts: Vec<Text> = self.symbols.alternatives(value).into_iter().map(root).collect::<Option<_>>()?;
        (!texts.is_empty()).then(|| Known::any(texts, true))
    }

    /// Sections and entries, in a file or below a key.
    fn ini_method(&mut self, keeper: &Keeper, target: u32, made: u32, site: u32) {
        let is_file = keeper.api.row.file.is_some();
        let does = self.program.keepers.does(target).or_else(|| {
            // Of those that are not virtual, what they lead to says it.
            let leads = self.program.keepers.leads_to(self.program, target);
            (!is_file && leads & keepers::SETS != 0).then_some(Does::Write)
        });
        let (method, names) = match does {
            Some(Does::Write | Does::WriteText | Does::WriteNumber) => ("Write", 2),
            Some(Does::EraseSection) => ("EraseSection", 1),
            Some(Does::DeleteKey) => ("DeleteKey", 2),
            Some(Does::UpdateFile) => ("UpdateFile", 0),
            None => return,
        };
        let held = if is_file { ROOT } else { OPEN };
        let known = self.kept(made, held).unwrap_or_else(Known::unknown);
        let literal = self.keepers.get(&made).and_then(|kept| kept.literal);
        let file = || Arg { literal, ..Arg::of(&known) };
        let mut args = vec![if is_file { file() } else { self.key(made, &known) }];
        for n in 1..=names {
            let name = self.pascal_argument(n);
            let (name, literal) = self.pascal_text(name);
            args.push(Arg { literal, ..Arg::of(&name) });
        }
        if let Some(does @ (Does::Write | Does::WriteText | Does::WriteNumber)) = does {
            // The fourth is the first on the stack (x86).
            let value = self.argument(if self.is_64() { 3 } else { 0 });
            args.extend(self.written(value, does, false));
        }
        self.tell(keeper, method, args, site);
    }

    /// What a method is given to write: a text that is a part of the image, or a number, where the method takes one. No text
    /// and zero are the same.
    fn written(&self, value: Value, does: Does, may_be_number: bool) -> [Arg; 2] {
        let number = match self.symbols.kind_of(value) {
            Some(Kind::Low(byte)) => Some(u64::from(byte)),
            _ => value.number(),
        };
        let place = number.and_then(|va| self.program.image.rva_of(va));
        let text = place.and_then(|rva| self.constant_text(rva)).filter(|_| does != Does::WriteNumber);
        let is_place = place.is_some_and(|rva| self.program.image.section_of(rva).is_some());
        let may_be_number = does == Does::WriteNumber || may_be_number && number != Some(0) && !is_place;
        match (text, number) {
            (Some(text), _) => [Arg { literal: place, ..Arg::of(&Known::of(Text::lit(text))) }, Arg::default()],
            (None, Some(number)) if may_be_number => {
                [Arg::default(), Arg { number: Number::Known(vec![number]), ..Arg::default() }]
            }
            // What the function is given, whoever calls it says; of a method that takes either, that is a text.
            (None, None) if does != Does::WriteNumber => {
                let given = self.close(value, Width::tried(false));
                [if given.has_parameters() { given } else { Arg::default() }, Arg::default()]
            }
            _ => [Arg::default(), Arg::default()],
        }
    }

    /// Argument `n` of a method; the first is the object (Delphi's convention: "register"; x64: that of Windows).
    fn pascal_argument(&mut self, n: u8) -> Value {
        let parameter = self.pascal_parameter(n);
        self.argument(parameter)
    }

    /// The number that this argument has among all parameters.
    fn pascal_parameter(&self, n: u8) -> u8 {
        const REGISTERS: [u8; 3] = [PARAM_EAX, PARAM_EDX, PARAM_ECX];
        if self.is_64() { n } else { REGISTERS.get(usize::from(n)).copied().unwrap_or_default() }
    }

    /// A text, and where it stands when it is a part of the image. In front of the characters are how wide they are, how
    /// often they are referred to, and how many they are (Free Pascal: `rtl/inc/astrings.inc`, `TAnsiRec`; Delphi:
    /// `System.pas`, `StrRec`).
    fn pascal_text(&mut self, value: Value) -> (Known, Option<u32>) {
        if value == Value::Const(0) {
            return (Known::of(Text::new()), None);
        }
        if let Some(rva) = value.number().and_then(|va| self.program.image.rva_of(va)) {
            let text = self.constant_text(rva).map_or_else(Known::unknown, |text| Known::of(Text::lit(text)));
            return (text, Some(rva));
        }
        (self.text_or_unknown(value, Width::tried(false)), None)
    }

    fn constant_text(&self, rva: u32) -> Option<String> {
        let image = &self.program.image;
        let back = |bytes: u32| image.u32(rva.checked_sub(bytes)?);
        // On x64 Free Pascal counts in words of eight bytes.
        let is_wide_count = image.is_64() && back(16) == Some(CONSTANT) && back(12) == Some(CONSTANT);
        let (references, length, width) = if is_wide_count { (16, 8, 22) } else { (8, 4, 10) };
        let length = back(length).filter(|length| back(references) == Some(CONSTANT) && *length <= MAX_TEXT)?;
        let wide = image.u16(rva.checked_sub(width)?) == Some(2);
        let unit = if wide { 2 } else { 1 };
        let bytes = image.at(rva)?.get(..length as usize * unit)?;
        decode(&[bytes, &[0, 0]].concat(), wide)
    }

    fn put(&mut self, made: u32, which: u8, known: Option<Known>) {
        let at = self.symbols.of(Kind::Out(made, which));
        // Nothing that a name could be.
        let known = known.unwrap_or_else(|| Known::of(Text::new()));
        self.state.set_buffer(at, Buffer::of(known));
    }

    fn kept(&self, made: u32, which: u8) -> Option<Known> {
        let at = self.symbols.known(Kind::Out(made, which))?;
        let known = self.state.buffer(at)?.known.clone();
        (!known.texts().iter().all(Text::is_empty)).then_some(known)
    }

    /// The key that is open; on some ways here none may be.
    fn open_key_of(&self, made: u32) -> Known {
        let open = self.kept(made, OPEN).filter(|open| !open.texts().iter().any(Text::is_empty));
        open.unwrap_or_else(Known::unknown)
    }

    /// A key by its path: one that begins with a separator is below the root, others are below the key that is open.
    fn path_of(&self, made: u32, path: &Known) -> Known {
        let root = self.kept(made, ROOT).unwrap_or_else(Known::unknown);
        // Closed on one way here, it could not be opened on the other.
        let open = self.kept(made, OPEN).filter(|open| !open.texts().iter().any(Text::is_empty));
        let open = open.unwrap_or_else(|| root.clone());
        let is_absolute = path.texts().iter().all(|text| text.leading_lit().starts_with('\\'));
        (if is_absolute { root } else { open }).with(path, below)
    }

    fn key(&self, made: u32, known: &Known) -> Arg {
        let opened_at = self.keepers.get(&made).map_or(made, |kept| kept.opened_at);
        let handle = Handle { texts: known.texts().to_vec(), opened_at, ..Handle::default() };
        Arg { handle: Some(handle), weak: known.weak, ..Arg::default() }
    }

    /// The same, with the name that the call is given.
    fn named_key(&self, made: u32, known: &Known, name: &Known) -> Arg {
        Arg { texts: name.texts().to_vec(), ..self.key(made, known) }
    }

    /// A method of a class, or of the class that the catalogue has for all of its kind.
    /// That it is one is told by what it leads to: all of it is a guess.
    fn tell(&mut self, keeper: &Keeper, method: &str, args: Vec<Arg>, site: u32) {
        let args: Vec<Arg> = args.into_iter().map(|arg| Arg { weak: true, ..arg }).collect();
        let row = keeper.api.row;
        let kind = match (&row.file, row.below.is_empty()) {
            (Some(_), _) => "TIniFile",
            (None, false) => "TRegIniFile",
            (None, true) => "TRegistry",
        };
        let named = |class: &str| native::find_by_name(&format!("{class}.{method}"));
        let Some(api) = named(&keeper.name).or_else(|| named(kind)) else { return };
        if api.row.is_sink() && self.notes() {
            let via = format!("{}!{}.{method}", row.module, keeper.name);
            let through = Vec::new();
            let event = Event { via, args, through, ..Event::at(api, site) };
            self.report.events.push(event);
            self.program.keepers.tell(site);
        }
    }
}

/// A key below another, with or without the separator that the path of one below the root begins with.
fn below(key: &Text, path: &Text) -> Text {
    let bare = match path.as_lit() {
        Some(path) => Text::lit(path.trim_matches('\\')),
        None => path.clone(),
    };
    if bare.is_empty() { key.clone() } else { join_paths(key, &bare) }
}
