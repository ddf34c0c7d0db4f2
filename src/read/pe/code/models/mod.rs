//! What catalogued functions do to the state: strings they build, handles they open, buffers they fill.

mod com;
pub(crate) mod format;
mod frameworks;
pub(super) mod go;
mod handles;
pub(super) mod keepers;
pub(crate) mod listed;
pub(crate) mod objects;
mod parts;
mod pascal;
pub(super) mod paths;
pub(in super::super) mod room;
mod rust;
mod strings;

pub(crate) use format::has_conversion;

use super::analysis::{Engine, Origin};
use super::cuts;
use super::known::Known;
use super::state::Buffer;
use super::value::{Kind, Value};
use super::writes::Writing;
use crate::catalog::native::{Api, Model};
use crate::facts::Text;

impl Engine<'_, '_> {
    /// Applies a catalogued function and gives its result.
    pub(crate) fn model(&mut self, api: Api, site: u32) -> Value {
        let row = api.row;
        if let Some(folder) = row.known_folder {
            let given = self.deliver_to(row.fills, Text::folder(folder), api.wide, site);
            // Functions of Windows give the length, those of the runtime the buffer.
            return match row.fills {
                Some(_) if row.module != "crt" => self.measured(given, api.wide, site),
                _ => given,
            };
        }
        if row.fills.is_some() || row.opens.is_some() {
            return self.handle_model(api, site);
        }
        match row.model {
            Some(model) => self.special(api, model, site),
            None => self.symbols.of(Kind::Result(site)),
        }
    }

    fn special(&mut self, api: Api, model: Model, site: u32) -> Value {
        use Model as M;
        match model {
            M::Copy
            | M::CopyBytes
            | M::Append
            | M::Duplicate
            | M::Length
            | M::FindLast
            | M::FindInside
            | M::Compare
            | M::FindFileName
            | M::FindExtension
            | M::Widen
            | M::Narrow
            | M::UnknownText
            | M::SetBytes => self.string_model(api, model, site),
            M::StringSet
            | M::StringAppend
            | M::StringCopy
            | M::StringAdd
            | M::StringJoin
            | M::StringClear
            | M::StringEdit
            | M::StringFind
            | M::StringRoom
            | M::StringCreate
            | M::StringRange
            | M::StringConvert
            | M::StringLength
            | M::StringSize
            | M::StringAt
            | M::StringEnd
            | M::StringText
            | M::StringPointer
            | M::StringLocal => self.object_model(api, model, site),
            M::GoJoin | M::GoConcat | M::GoGetenv => self.go_model(api, model, site),
            M::ComCreate => self.create_object(api, site),
            M::StringView
            | M::StringFolder
            | M::StringPath
            | M::StringPathView
            | M::StandardPath
            | M::SettingsObject
            | M::SettingsGroup
            | M::SettingsGroupEnd => self.framework_model(api, model, site),
            M::ArgumentsOut | M::ArgumentsPointer | M::ArgumentsList => self.arguments_model(api, model, site),
            M::FormatTime => self.time_model(api, site),
            M::FillsWithin => self.fill_within(api, site),
            M::Format | M::FormatList | M::FormatCommon => self.format_model(api, site),
            M::CsidlPath
            | M::KnownFolder
            | M::ModuleFileName
            | M::Expand
            | M::EnvGet
            | M::EnvDup
            | M::Identity
            | M::FullPath
            | M::Input
            | M::PathAppend
            | M::PathCombine
            | M::RemoveFileName
            | M::AddSeparator
            | M::RemoveExtension
            | M::RenameExtension
            | M::AddExtension
            | M::TempName
            | M::TempFileName
            | M::GeneratedGuid
            | M::GuidText => self.path_model(api, model, site),
            M::RegOpen | M::RegCreate | M::RegConnect | M::RegCurrentUser | M::CertStore | M::ProcAddress => {
                self.handle_model(api, site)
            }
            M::MakePath | M::SplitPath | M::Scan | M::FileDialog | M::Message => self.parts_model(api, model, site),
            M::CreateFile | M::Fopen | M::Oflag | M::OpenStyle => self.open_file(api, site),
            M::NtCreateFile | M::NtOpenFile => self.open_native(api, site),
            _ => self.symbols.of(Kind::Result(site)),
        }
    }

    /// Argument at a position of the row's list.
    fn model_argument(&mut self, api: Api, position: usize) -> Value {
        match api.row.args.get(position) {
            Some(n) => self.argument_of(api, *n),
            None => Value::Unknown,
        }
    }

    /// Puts a text into the buffer of an argument, or gives it as the result when there is no buffer.
    fn deliver_to(&mut self, argument: Option<u8>, text: Text, wide: bool, site: u32) -> Value {
        let pointer = argument.map_or(Value::Const(0), |n| self.argument(n));
        self.deliver(pointer, Known::of(text), wide, site)
    }

    /// The same, for a pointer. The result is the buffer, or a new string.
    fn deliver(&mut self, pointer: Value, known: Known, wide: bool, site: u32) -> Value {
        if pointer == Value::Const(0) {
            return self.with_origin(Kind::Result(site), Origin::Text(known));
        }
        self.fill(pointer, known, wide);
        pointer
    }

    /// Sets the string at a pointer: a buffer, or a place inside one.
    fn fill(&mut self, pointer: Value, known: Known, wide: impl Into<Option<bool>>) {
        let wide = wide.into();
        self.note_written(pointer, Writing::Text);
        // A pointer that is one of a few: the program reads the text through the same pointer.
        if let Some(Kind::Choice(_)) = self.symbols.kind_of(pointer) {
            for alternative in self.symbols.alternatives(pointer) {
                self.fill(alternative, known.clone(), wide);
            }
            return;
        }
        if let Value::Sym(symbol, offset) = pointer {
            let inside = match self.symbols.kind(symbol) {
                Kind::LastSeparator(buffer, wide) => {
                    Some((buffer, self.text_or_unknown(buffer, wide).map(|t| cuts::folder_of(t, offset > 0))))
                }
                Kind::Extension(buffer, wide) => {
                    Some((buffer, self.text_or_unknown(buffer, wide).map(cuts::without_extension)))
                }
                Kind::End(buffer, wide, site) => {
                    if !self.fill_end((buffer, wide, site), offset, &known) {
                        self.blur(pointer);
                    }
                    return;
                }
                Kind::Inside(_) => return self.blur(pointer),
                _ => None,
            };
            if let Some((buffer, head)) = inside {
                return self.state.set_buffer(buffer, Buffer::of(head.then(&known)).so_wide(wide));
            }
        }
        // Into the middle of a text: it goes on with this one.
        if let Some((at, head)) = self.state.enclosing(pointer) {
            let (all, weak) = (Known::of(Text::lit(head)).then(&known), known.weak);
            self.state.set_buffer(at, Buffer::of(all.guessed(weak)).so_wide(wide));
        }
        self.state.set_buffer(pointer, Buffer::of(known).so_wide(wide));
    }

    /// What a word of a structure points to is filled with something.
    fn fill_within(&mut self, api: Api, site: u32) -> Value {
        let word = if self.is_64() { 8u8 } else { 4 };
        let structure = self.model_argument(api, 0);
        let number = api.row.args.get(1).copied().unwrap_or_default();
        let pointer = self.load(structure.plus(i64::from(number) * i64::from(word), self.is_64()), word);
        self.fill(pointer, Known::unknown(), None);
        self.symbols.of(Kind::Result(site))
    }

    /// Copies memory of a known size.
    pub(crate) fn copy_bytes(&mut self, to: Value, from: Value, size: usize) {
        if let Some(buffer) = self.state.buffer(from).cloned() {
            return self.fill(to, buffer.known, buffer.wide);
        }
        let bytes: Option<Vec<u8>> = match from {
            Value::Const(va) => self
                .program
                .image
                .rva_of(va)
                .and_then(|rva| self.program.image.at(rva).and_then(|b| b.get(..size)).map(<[u8]>::to_vec)),
            _ => Some(self.state.constant_bytes(from, size)).filter(|b| b.len() >= size),
        };
        self.store_bytes(to, bytes.as_deref().and_then(|b| b.get(..size)), size);
    }

    /// The pointer to a name that stands in the structure which an argument points to.
    pub(crate) fn named_within(&mut self, api: Api, argument: u8, [wide, narrow]: [u8; 2]) -> Value {
        let structure = self.argument_of(api, argument);
        let (before, word) = if self.is_64() { (wide, 8) } else { (narrow, 4) };
        self.table_word(structure.plus(i64::from(before), self.is_64()), word)
    }

    /// A word of a table that may be a variable of the image which nothing changes.
    fn table_word(&mut self, at: Value, size: u8) -> Value {
        let image = &self.program.image;
        let known = match at {
            Value::Const(va) if self.state.cell(at).is_none() => image.rva_of(va).and_then(|rva| image.at(rva)),
            _ => None,
        };
        let word = known.and_then(|bytes| bytes.get(..usize::from(size)));
        match word {
            Some(bytes) => Value::Const(bytes.iter().rev().fold(0u64, |sum, b| sum << 8 | u64::from(*b))),
            None => self.load(at, size),
        }
    }

    /// Fields of structures that say where: `SHFILEOPSTRUCT` (function, from, to), the name in `OBJECT_ATTRIBUTES`, the
    /// main functions in the table of services, the procedure of a class of windows.
    pub(crate) fn structure_fields(&mut self, api: Api) -> Vec<Value> {
        let is_64 = self.is_64();
        let size = if is_64 { 8 } else { 4 };
        match api.row.model {
            Some(Model::ShellOperation) => {
                let base = self.argument(0);
                let offsets: [(i64, u8); 3] =
                    if is_64 { [(8, 4), (16, 8), (24, 8)] } else { [(4, 4), (8, 4), (12, 4)] };
                offsets.into_iter().map(|(o, s)| self.load(base.plus(o, is_64), s)).collect()
            }
            Some(Model::NtCreateFile | Model::NtOpenFile) => {
                let base = self.model_argument(api, 0);
                let name = self.load(base.plus(if is_64 { 16 } else { 8 }, is_64), size);
                vec![self.load(name.plus(if is_64 { 8 } else { 4 }, is_64), size)]
            }
            // FILE_DISPOSITION_INFO is a truth value, or flags of which the lowest bit is that. FILE_RENAME_INFO: what it is
            // to be called stands in it, behind a handle and a length.
            Some(Model::FileInformation | Model::NtFileInformation) => {
                let structure = self.model_argument(api, 2);
                vec![self.load(structure, 1), structure.plus(if is_64 { 20 } else { 12 }, is_64)]
            }
            // SERVICE_TABLE_ENTRY: name and main function, up to an entry without a name. They are given the other way round.
            Some(Model::ServiceDispatcher) => {
                /// Most services of one program.
                const MAX_SERVICES: i64 = 16;
                let (table, word) = (self.argument(0), i64::from(size));
                let mut services = Vec::new();
                for entry in (0..MAX_SERVICES).map(|n| table.plus(n * 2 * word, is_64)) {
                    let name = self.table_word(entry, size);
                    match self.table_word(entry.plus(word, is_64), size) {
                        main @ Value::Const(_) if name != Value::Const(0) => services.extend([main, name]),
                        _ => break,
                    }
                }
                services
            }
            // The procedure stands behind the style, with its size before that in the newer structure.
            Some(Model::WindowClass | Model::WindowClassEx) => {
                let behind = if is_64 || api.row.model == Some(Model::WindowClassEx) { 8 } else { 4 };
                let class = self.argument(0);
                vec![self.table_word(class.plus(behind, is_64), size)]
            }
            _ => Vec::new(),
        }
    }
}
