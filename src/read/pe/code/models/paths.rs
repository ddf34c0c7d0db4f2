//! Folders that are asked for, and paths that are put together.

use super::super::analysis::{Engine, Origin};
use super::super::cuts::{folder_of, without_extension};
use super::super::filled::within_hole;
use super::super::known::Known;
use super::super::report::argument_text;
use super::super::slot::Slot;
use super::super::value::{Kind, Value};
use crate::catalog::native::{Api, Model};
use crate::facts::{Folder, Hole, Part, Source, Text, env_hole, expand_env, join_paths};

/// Number of the array of the program's arguments among what a call writes, behind everything else.
pub(in super::super) const ARGUMENTS: u8 = 240;
/// The same of one of them, when it is not known which.
pub(in super::super) const ANY_ARGUMENT: u8 = 239;

/// The name at the end of a path has an extension; `None`: that depends on what is not known of it.
fn has_extension(path: &Text) -> Option<bool> {
    let (rest, separated) = match path.trailing_lit().rsplit_once(['\\', '/']) {
        Some((_, name)) => (name, true),
        None => (path.trailing_lit(), false),
    };
    let before = path.parts().iter().rev().find(|part| matches!(part, Part::Hole(_)));
    let is_whole = separated || matches!(before, None | Some(Part::Hole(Hole::Folder(_))));
    match rest.contains('.') {
        true => Some(true),
        false => is_whole.then_some(false),
    }
}

/// The name at its end is what a caller gives.
fn ends_with_parameter(path: &Text) -> bool {
    matches!(path.parts().last(), Some(Part::Hole(hole)) if Slot::of_hole(hole).is_some())
}

impl Engine<'_, '_> {
    pub(super) fn path_model(&mut self, api: Api, model: Model, site: u32) -> Value {
        let a = self.model_argument(api, 0);
        let b = self.model_argument(api, 1);
        let result = self.symbols.of(Kind::Result(site));
        match model {
            Model::CsidlPath => self.csidl_path(api, a, b),
            Model::KnownFolder => self.known_folder(a, b, site),
            Model::ModuleFileName => {
                let text = self.module_file_name(a);
                self.fill(b, Known::of(text), api.wide);
                return self.measured(b, api.wide, site);
            }
            Model::Expand => {
                let known = self.text_or_unknown(a, api.wide);
                self.fill(b, known.map(expand_env), api.wide);
            }
            Model::EnvGet | Model::EnvDup => return self.environment(api, model, site),
            Model::Identity => {
                let text = Text::from_source(Source::Identity, "name");
                self.fill(a, Known::of(text), api.wide);
            }
            Model::FullPath => {
                let known = self.text_or_unknown(b, api.wide);
                return self.deliver(a, known, api.wide, site);
            }
            Model::Input => {
                let text = Text::from_source(Source::Arg, "command-line");
                return self.with_origin(Kind::Result(site), Origin::Text(Known::of(text)));
            }
            Model::PathAppend => {
                let (head, more) = (self.text_or_unknown(a, api.wide), self.text_or_unknown(b, api.wide));
                self.fill(a, head.with(&more, join_paths), api.wide);
            }
            Model::PathCombine => {
                let c = self.model_argument(api, 2);
                let folder =
                    if b == Value::Const(0) { Known::of(Text::new()) } else { self.text_or_unknown(b, api.wide) };
                let file = self.text_or_unknown(c, api.wide);
                self.fill(a, folder.with(&file, join_paths), api.wide);
                return a;
            }
            Model::RemoveFileName
            | Model::AddSeparator
            | Model::RemoveExtension
            | Model::RenameExtension
            | Model::AddExtension => {
                self.edit_path(api, model, a, b);
            }
            Model::TempName => {
                let text = join_paths(&Text::folder(Folder::Temp), &Text::unknown());
                return self.deliver(
                    if api.row.args.is_empty() { Value::Const(0) } else { a },
                    Known::of(text),
                    api.wide,
                    site,
                );
            }
            Model::TempFileName => {
                let folder = self.text_or_unknown(a, api.wide);
                let prefix = self.text_or_unknown(b, api.wide);
                let number = Text::from_source(Source::Generated, "counter").concat(&".tmp".into());
                let out = self.model_argument(api, 3);
                self.fill(out, folder.with(&prefix.then(&Known::of(number)), join_paths), api.wide);
            }
            Model::GeneratedGuid => {
                let text = Text::from_source(Source::Generated, "guid");
                self.fill(a, Known::of(text), api.wide);
            }
            // Of one that was generated, or of any other.
            Model::GuidText => {
                let known = self.state.buffer(b).map_or_else(Known::unknown, |buffer| buffer.known.clone());
                self.fill(a, known, api.wide);
            }
            _ => {}
        }
        result
    }

    /// The arguments of the program, in an array of pointers.
    pub(super) fn arguments_model(&mut self, api: Api, model: Model, site: u32) -> Value {
        let size = if self.is_64() { 8u8 } else { 4 };
        let array = self.symbols.of(Kind::Out(site, ARGUMENTS));
        match model {
            Model::ArgumentsOut => {
                let out = self.model_argument(api, 0);
                self.state.store(out, size, array);
                self.symbols.of(Kind::Result(site))
            }
            Model::ArgumentsPointer => {
                let pointer = self.symbols.of(Kind::Result(site));
                self.state.store(pointer, size, array);
                pointer
            }
            _ => array,
        }
    }

    /// The array of the program's arguments, as a call at this place gives it.
    pub(in super::super) fn arguments_at(&mut self, kind: Kind) -> Value {
        match kind {
            Kind::Result(site) | Kind::Out(site, _) => self.symbols.of(Kind::Out(site, ARGUMENTS)),
            kind => self.symbols.of(kind),
        }
    }

    /// A value is the array of the program's arguments.
    pub(in super::super) fn is_arguments(&self, value: Value) -> bool {
        match self.symbols.kind_of(value) {
            Some(Kind::Out(_, ARGUMENTS)) => true,
            Some(Kind::Load(Value::Const(va))) => self.program.holds_arguments(va),
            // A copy that takes the place of the array.
            Some(Kind::Result(_)) if self.program.has_argument_arrays() => {
                let variables = self.state.cells().filter(|(_, cell)| cell.value == value);
                variables.filter_map(|(at, _)| at.number()).any(|va| self.program.holds_arguments(va))
            }
            _ => false,
        }
    }

    /// What an element of the array of the program's arguments points to.
    pub(in super::super) fn program_argument(&mut self, element: Value) -> Option<Value> {
        let Value::Sym(array, offset) = element else { return None };
        let size = if self.is_64() { 8 } else { 4 };
        if offset <= 0 || offset % size != 0 || !self.is_arguments(Value::Sym(array, 0)) {
            return None;
        }
        let text = argument_text(offset / size)?;
        Some(self.with_origin(Kind::Load(element), Origin::Text(Known::of(text))))
    }

    fn edit_path(&mut self, api: Api, model: Model, path: Value, extension: Value) {
        let known = self.text_or_unknown(path, api.wide);
        let known = match model {
            Model::RemoveFileName => known.map(|t| folder_of(t, false)),
            Model::AddSeparator => known.map(|t| match t.trailing_lit().ends_with('\\') {
                true => t.clone(),
                false => t.clone().concat(&"\\".into()),
            }),
            Model::RemoveExtension => known.map(without_extension),
            Model::AddExtension => {
                // Without one it is that of programs (MS documentation: "PathAddExtensionW").
                let more = match extension {
                    Value::Const(0) => Known::of(Text::lit(".exe")),
                    extension => self.text_or_unknown(extension, api.wide),
                };
                let added = known.with(&more, |text, more| match has_extension(text) {
                    Some(true) => text.clone(),
                    Some(false) => text.clone().concat(more),
                    // What a caller names is told with each of them, anything else with neither.
                    None if ends_with_parameter(text) => text.clone().concat(more),
                    None => text.clone().concat(&Text::unknown()),
                });
                match known.texts().iter().any(|text| has_extension(text).is_none() && ends_with_parameter(text)) {
                    true => added.or(&known).guessed(true),
                    false => added,
                }
            }
            _ => known.map(without_extension).then(&self.text_or_unknown(extension, api.wide)),
        };
        self.fill(path, known, api.wide);
    }

    fn csidl_path(&mut self, api: Api, csidl: Value, out: Value) {
        let folder = csidl.number().and_then(|n| Folder::by_csidl(n as u32));
        let mut known = Known::of(folder.map_or_else(Text::unknown, Text::folder));
        if api.row.args.len() > 2 {
            let below = self.model_argument(api, 2);
            known = known.with(&self.text_or_unknown(below, api.wide), join_paths);
        }
        self.fill(out, known, api.wide);
    }

    /// The id is given by reference; the path comes back through a pointer to a new string.
    fn known_folder(&mut self, id: Value, out: Value, site: u32) {
        let folder = self.guid_at(id).and_then(|b| Folder::by_guid_bytes(&b));
        let known = Known::of(folder.map_or_else(Text::unknown, Text::folder));
        let string = self.with_origin(Kind::Out(site, 3), Origin::Text(known));
        let size = if self.is_64() { 8 } else { 4 };
        self.state.store(out, size, string);
    }

    /// Of the program itself: its folder and its file name. Of another module: a file beside it, most likely.
    fn module_file_name(&self, module: Value) -> Text {
        let name = match module {
            Value::Const(0) if !self.program.image.is_dll => Text::lit(self.program.file_name.clone()),
            _ => Text::unknown(),
        };
        join_paths(&Text::folder(Folder::AppDir), &name)
    }

    fn environment(&mut self, api: Api, model: Model, site: u32) -> Value {
        let name = self.model_argument(api, 0);
        let name = self.text_or_unknown(name, api.wide);
        let text = match name.as_lit() {
            Some(name) if !name.is_empty() => Text::hole(env_hole(name)),
            _ => match name.texts() {
                // Callers say which one.
                [only] if only.as_hole().and_then(Slot::of_hole).is_some() => {
                    Text::from_source(Source::Env, within_hole(only))
                }
                _ => Text::unknown(),
            },
        };
        if api.row.args.len() < 2 {
            return self.with_origin(Kind::Result(site), Origin::Text(Known::of(text)));
        }
        let out = self.model_argument(api, 1);
        if model == Model::EnvDup {
            let string = self.with_origin(Kind::Out(site, 1), Origin::Text(Known::of(text)));
            let size = if self.is_64() { 8 } else { 4 };
            self.state.store(out, size, string);
        } else if out != Value::Const(0) {
            self.fill(out, Known::of(text), api.wide);
            return self.measured(out, api.wide, site);
        }
        self.symbols.of(Kind::Result(site))
    }
}
