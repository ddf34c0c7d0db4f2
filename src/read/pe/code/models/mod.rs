//! What catalogued functions do to the state: strings they build, handles they open, buffers they fill.

mod com;
mod format;
mod frameworks;
pub(super) mod go;
mod handles;
mod objects;
mod parts;
pub(super) mod paths;
mod strings;

use super::analysis::{Engine, Origin};
use super::given_away::Writing;
use super::known::Known;
use super::state::{Buffer, ENDED, GAP};
use super::value::{Kind, Value};
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
            | M::UnknownText => self.string_model(api, model, site),
            M::StringSet
            | M::StringAppend
            | M::StringCopy
            | M::StringAdd
            | M::StringJoin
            | M::StringClear
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
            M::Format | M::FormatList | M::FormatCommon => self.format_model(api, model, site),
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
            | M::TempName
            | M::TempFileName
            | M::GeneratedGuid
            | M::GuidText => self.path_model(api, model, site),
            M::RegOpen | M::RegCreate | M::RegConnect | M::RegCurrentUser | M::CertStore | M::ProcAddress => {
                self.handle_model(api, site)
            }
            M::MakePath | M::SplitPath | M::Scan | M::FileDialog | M::Message => self.parts_model(api, model, site),
            M::CreateFile | M::Fopen | M::Oflag | M::OpenStyle => self.open_file(api, site),
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
                    Some((buffer, self.text_or_unknown(buffer, wide).map(|t| paths::folder_of(t, offset > 0))))
                }
                Kind::Extension(buffer, wide) => {
                    Some((buffer, self.text_or_unknown(buffer, wide).map(paths::without_extension)))
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
        self.state.set_buffer(pointer, Buffer::of(known).so_wide(wide));
    }

    /// Stores a number or a pointer. A store into the middle of a known string edits that string.
    pub(crate) fn store(&mut self, address: Value, size: u8, value: Value) {
        let how = match value {
            _ if size > 2 => Writing::Field,
            Value::Const(_) => Writing::Text,
            _ => Writing::Something,
        };
        self.note_written(address, how);
        if let Value::Sym(symbol, offset) = address {
            match (self.symbols.kind(symbol), value) {
                (Kind::LastSeparator(buffer, wide), Value::Const(0)) if offset <= unit(wide) => {
                    let known = self.text_or_unknown(buffer, wide).map(|t| paths::folder_of(t, offset > 0));
                    return self.state.set_buffer(buffer, Buffer::of(known).so_wide(wide));
                }
                (Kind::Extension(buffer, wide), Value::Const(c)) if offset >= 0 => {
                    if offset == 0 {
                        let known = self.text_or_unknown(buffer, wide).map(paths::without_extension);
                        self.state.set_buffer(buffer, Buffer::of(known).so_wide(wide));
                    }
                    return self.edit_tail((buffer, wide), offset as usize, size, c, Behind::Dot);
                }
                (Kind::LastSeparator(buffer, wide), Value::Const(c)) if offset >= unit(wide) => {
                    return self.edit_tail((buffer, wide), (offset - unit(wide)) as usize, size, c, Behind::Separator);
                }
                (Kind::End(buffer, wide, site), Value::Const(c)) => {
                    if !self.store_end((buffer, wide, site), offset, size, c) {
                        self.blur(address);
                    }
                    return;
                }
                (Kind::End(..) | Kind::LastSeparator(..) | Kind::Extension(..), _) => self.blur(address),
                (Kind::Inside(_), _) => return self.blur(address),
                (Kind::Choice(_), _) if offset != 0 => self.blur(address),
                (Kind::Choice(_), _) if offset == 0 => {
                    for alternative in self.symbols.alternatives(address) {
                        if self.symbols.root(alternative).is_some() {
                            self.blur(alternative);
                        }
                    }
                }
                _ => {}
            }
        }
        self.edit_inside(address, size, value);
        self.state.store(address, size, value);
    }

    /// Something is written at an unknown place of the string that an address points into: its folder is most likely
    /// what it was.
    pub(super) fn blur(&mut self, address: Value) {
        /// Shortest string of the frame that is worth remembering.
        const MIN_TEXT: usize = 3;
        let Some(root) = self.symbols.root(address) else { return };
        let root = match (self.state.containing(root), root) {
            (Some(at), _) => at,
            // Written as numbers.
            (None, Value::Stack(_)) if self.texts_of_numbers(root) >= MIN_TEXT => root,
            // It was cleared.
            (None, Value::Stack(_)) if self.state.cell(root).is_some_and(|c| c.value == Value::Const(0)) => {
                return self.state.store(root, 1, Value::Unknown);
            }
            _ => return,
        };
        let known = self.text_or_unknown(root, false);
        let wide = self.text_or_unknown(root, true);
        let short = known.as_lit().is_some_and(|text| text.len() <= 1) && wide.as_lit().is_some();
        let changed = |text: &Text| match paths::folder_of(text, true) {
            folder if folder.is_unknown() => folder,
            folder => folder.concat(&Text::unknown()),
        };
        let known = if short { wide } else { known }.map(changed);
        self.state.set_buffer(root, Buffer::of(known.guessed(true)));
    }

    /// Length of the string whose characters were stored as numbers.
    pub(in super::super) fn texts_of_numbers(&self, at: Value) -> usize {
        let length = |wide| self.text(at, wide).and_then(|known| known.as_lit().map(str::len)).unwrap_or_default();
        length(false).max(length(true))
    }

    /// Bytes stored behind the end of a buffer's string (or behind its last separator).
    pub(super) fn edit_tail(
        &mut self,
        (at, wide): (Value, bool),
        offset: usize,
        size: u8,
        number: u64,
        behind: Behind,
    ) {
        /// Longest tail that is followed.
        const MAX_TAIL: usize = 512;
        let bytes = number.to_le_bytes();
        let Some(bytes) = bytes.get(..usize::from(size.min(8))) else { return };
        if self.state.buffer(at).is_none() {
            let known = self.text_or_unknown(at, wide);
            self.state.set_buffer(at, Buffer::of(known));
        }
        let Some(buffer) = self.state.buffer_mut(at) else { return };
        buffer.wide = Some(wide);
        if behind == Behind::Separator && (buffer.tail.is_empty() || offset == 0 && !buffer.tail.contains(&GAP)) {
            buffer.known = buffer.known.map(|t| paths::folder_of(t, true));
            buffer.tail.clear();
            buffer.measured = None;
        }
        if offset + bytes.len() > MAX_TAIL {
            return;
        }
        if buffer.tail.len() < offset + bytes.len() {
            let is_first = buffer.tail.is_empty();
            buffer.tail.resize(offset.max(buffer.tail.len()), GAP);
            if let Some(end) = buffer.tail.first_mut().filter(|_| is_first && behind == Behind::End) {
                *end = ENDED;
            }
            buffer.tail.resize(offset + bytes.len(), 0);
        }
        if let Some(place) = buffer.tail.get_mut(offset..offset + bytes.len()) {
            place.copy_from_slice(bytes);
        }
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
            // SERVICE_TABLE_ENTRY: name and main function, up to an entry without a name.
            Some(Model::ServiceDispatcher) => {
                /// Most services of one program.
                const MAX_SERVICES: i64 = 16;
                let (table, word) = (self.argument(0), i64::from(size));
                let mut mains = Vec::new();
                for entry in (0..MAX_SERVICES).map(|n| table.plus(n * 2 * word, is_64)) {
                    if self.table_word(entry, size) == Value::Const(0) {
                        break;
                    }
                    match self.table_word(entry.plus(word, is_64), size) {
                        main @ Value::Const(_) => mains.push(main),
                        _ => break,
                    }
                }
                mains
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

/// What bytes are stored behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behind {
    /// The end of a text.
    End,
    /// The place of the dot of an extension.
    Dot,
    /// The last separator of a path.
    Separator,
}

/// Bytes of a character.
fn unit(wide: bool) -> i32 {
    if wide { 2 } else { 1 }
}
