//! What catalogued functions do to the state: strings they build, handles they open, buffers they fill.

mod com;
mod format;
mod frameworks;
pub(super) mod go;
mod handles;
mod objects;
mod paths;
mod strings;

use super::analysis::{Engine, Origin};
use super::known::Known;
use super::state::Buffer;
use super::strings::decode;
use super::value::{Kind, Value};
use crate::catalog::native::{Api, Model};
use crate::facts::Text;

impl Engine<'_, '_> {
    /// Applies a catalogued function and gives its result.
    pub(crate) fn model(&mut self, api: Api, site: u32) -> Value {
        let row = api.row;
        if let Some(folder) = row.known_folder {
            let given = self.deliver_to(row.fills, Text::folder(folder), site);
            // Functions of Windows give the length, those of the runtime the buffer.
            let length = row.fills.filter(|_| row.module != "crt").map(|_| Kind::Length(given, api.wide));
            return length.map_or(given, |length| self.symbols.of(length));
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
            | M::FindFileName
            | M::FindExtension
            | M::Widen
            | M::Narrow
            | M::UnknownText => self.string_model(api, model, site),
            M::StringSet
            | M::StringAppend
            | M::StringCopy
            | M::StringAdd
            | M::StringClear
            | M::StringText
            | M::StringPointer
            | M::StringLocal => self.object_model(api, model, site),
            M::GoJoin | M::GoConcat | M::GoGetenv => self.go_model(api, model, site),
            M::ComCreate => self.create_object(api, site),
            M::StringView
            | M::StringFolder
            | M::StringPath
            | M::StandardPath
            | M::SettingsObject
            | M::SettingsGroup
            | M::SettingsGroupEnd => self.framework_model(api, model, site),
            M::ArgumentsOut | M::ArgumentsPointer | M::ArgumentsList => self.arguments_model(api, model, site),
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
    fn deliver_to(&mut self, argument: Option<u8>, text: Text, site: u32) -> Value {
        let pointer = argument.map_or(Value::Const(0), |n| self.argument(n));
        self.deliver(pointer, Known::of(text), site)
    }

    /// The same, for a pointer. The result is the buffer, or a new string.
    fn deliver(&mut self, pointer: Value, known: Known, site: u32) -> Value {
        if pointer == Value::Const(0) {
            return self.with_origin(Kind::Result(site), Origin::Text(known));
        }
        self.fill(pointer, known);
        pointer
    }

    /// Sets the string at a pointer: a buffer, or a place inside one.
    fn fill(&mut self, pointer: Value, known: Known) {
        // A pointer that is one of a few: the program reads the text through the same pointer.
        if let Some(Kind::Choice(_)) = self.symbols.kind_of(pointer) {
            for alternative in self.symbols.alternatives(pointer) {
                self.fill(alternative, known.clone());
            }
            return;
        }
        if let Value::Sym(symbol, offset) = pointer {
            let inside = match self.symbols.kind(symbol) {
                Kind::LastSeparator(buffer) => {
                    Some((buffer, self.text_or_unknown(buffer, false).map(|t| paths::folder_of(t, offset > 0))))
                }
                Kind::Extension(buffer) => {
                    Some((buffer, self.text_or_unknown(buffer, false).map(paths::without_extension)))
                }
                Kind::End(buffer, wide) => Some((buffer, self.head(buffer, wide, offset))),
                Kind::Inside(_) => return self.blur(pointer),
                _ => None,
            };
            if let Some((buffer, head)) = inside {
                return self.state.set_buffer(buffer, Buffer::of(head.then(&known)));
            }
        }
        self.state.set_buffer(pointer, Buffer::of(known));
    }

    /// Stores a number or a pointer. A store into the middle of a known string edits that string.
    pub(crate) fn store(&mut self, address: Value, size: u8, value: Value) {
        if let Value::Sym(symbol, offset) = address {
            match (self.symbols.kind(symbol), value) {
                (Kind::LastSeparator(buffer), Value::Const(0)) => {
                    let known = self.text_or_unknown(buffer, false).map(|t| paths::folder_of(t, offset > 0));
                    return self.state.set_buffer(buffer, Buffer::of(known));
                }
                (Kind::Extension(buffer), Value::Const(c)) if offset >= 0 => {
                    if offset == 0 {
                        let known = self.text_or_unknown(buffer, false).map(paths::without_extension);
                        self.state.set_buffer(buffer, Buffer::of(known));
                    }
                    return self.edit_tail(buffer, offset as usize, size, c, false);
                }
                (Kind::LastSeparator(buffer), Value::Const(c)) if offset > 0 && size > 1 => {
                    return self.edit_tail(buffer, symbol_start(offset), size, c, true);
                }
                (Kind::End(buffer, _), Value::Const(c)) if offset >= 0 => {
                    return self.edit_tail(buffer, offset as usize, size, c, false);
                }
                // What ends the string before its end.
                (Kind::End(buffer, wide), Value::Const(c)) => {
                    let bytes = c.to_le_bytes();
                    let text = bytes.get(..usize::from(size.min(8))).and_then(|bytes| decode(bytes, wide));
                    return match text {
                        Some(text) => {
                            let known = self.head(buffer, wide, offset).then(&Known::of(Text::lit(text)));
                            self.state.set_buffer(buffer, Buffer::of(known));
                        }
                        None => self.blur(address),
                    };
                }
                (Kind::End(..) | Kind::LastSeparator(_) | Kind::Extension(_), _) => self.blur(address),
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
        self.state.store(address, size, value);
    }

    /// The text of a buffer up to a place that is given from its end.
    fn head(&mut self, buffer: Value, wide: bool, offset: i32) -> Known {
        let known = self.text_or_unknown(buffer, wide);
        let unit = if wide { 2 } else { 1 };
        match usize::try_from(offset) {
            Ok(0) => known,
            // Behind what was stored there, character by character.
            Ok(behind) => {
                let tail = self.state.buffer(buffer).map(|b| (b.known.clone(), b.tail.clone()));
                let Some((known, mut tail)) = tail.filter(|(_, tail)| tail.len() >= behind) else {
                    return known.then(&Known::unknown());
                };
                tail.truncate(behind);
                tail.extend([0; 2]);
                known.then(&decode(&tail, wide).map_or_else(Known::unknown, |tail| Known::of(Text::lit(tail))))
            }
            Err(_) => known.map(|text| paths::without_last(text, offset.unsigned_abs() as usize / unit)),
        }
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
    fn texts_of_numbers(&self, at: Value) -> usize {
        let length = |wide| self.text(at, wide).and_then(|known| known.as_lit().map(str::len)).unwrap_or_default();
        length(false).max(length(true))
    }

    /// Bytes stored behind the end of a buffer's string (or behind its last separator).
    fn edit_tail(&mut self, at: Value, offset: usize, size: u8, number: u64, name: bool) {
        /// Longest tail that is followed.
        const MAX_TAIL: usize = 512;
        let bytes = number.to_le_bytes();
        let Some(bytes) = bytes.get(..usize::from(size.min(8))) else { return };
        if self.state.buffer(at).is_none() {
            let known = self.text_or_unknown(at, false);
            self.state.set_buffer(at, Buffer::of(known));
        }
        let Some(buffer) = self.state.buffer_mut(at) else { return };
        if name && offset == 0 {
            buffer.known = buffer.known.map(|t| paths::folder_of(t, true));
            buffer.tail.clear();
        }
        if offset + bytes.len() > MAX_TAIL {
            return;
        }
        if buffer.tail.len() < offset + bytes.len() {
            buffer.tail.resize(offset + bytes.len(), 0);
        }
        if let Some(place) = buffer.tail.get_mut(offset..offset + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    }

    /// Copies memory of a known size.
    pub(crate) fn copy_bytes(&mut self, to: Value, from: Value, size: usize) {
        if let Some(buffer) = self.state.buffer(from).cloned() {
            return self.fill(to, buffer.known);
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

    /// Fields of structures that say where: `SHFILEOPSTRUCT` (function, from, to), the name in `OBJECT_ATTRIBUTES`, the
    /// main function in the table of services.
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
            // SERVICE_TABLE_ENTRY: name and main function.
            Some(Model::ServiceDispatcher) => {
                let table = self.argument(0);
                vec![self.load(table.plus(i64::from(size), is_64), size)]
            }
            _ => Vec::new(),
        }
    }
}

fn symbol_start(offset: i32) -> usize {
    // Behind a separator of one byte; a wide one has two, and then the offset is even.
    let behind = if offset % 2 == 0 { offset - 2 } else { offset - 1 };
    behind.max(0) as usize
}
