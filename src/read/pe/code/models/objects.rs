//! String objects of the C++ library: a pointer to the characters at their start, as in libstdc++, and in the Microsoft
//! library for what is longer than fits into the object.

use super::super::analysis::{Engine, Origin};
use super::super::given_away::Writing;
use super::super::known::Known;
use super::super::state::Buffer;
use super::super::value::{Kind, Value};
use crate::catalog::native::{Api, Model};
use crate::facts::Text;

/// Number of the pointer to the characters among what a call writes, behind all arguments.
const CHARACTERS: u8 = 63;
/// Offset of the characters of a short string in the object (libstdc++: behind pointer and length).
const LOCAL_WORDS: i64 = 2;

impl Engine<'_, '_> {
    pub(super) fn object_model(&mut self, api: Api, model: Model, site: u32) -> Value {
        let object = self.model_argument(api, 0);
        let second = self.model_argument(api, 1);
        match model {
            Model::StringSet => {
                let known = self.text_or_unknown(second, api.wide);
                self.set_string(object, known, site);
            }
            Model::StringAppend => {
                let head = self.string_of(object, api.wide);
                let tail = self.text_or_unknown(second, api.wide);
                let tail = match (self.model_argument(api, 2).number(), tail.as_lit()) {
                    (Some(n), Some(text)) => Known::of(Text::lit(text.chars().take(n as usize).collect::<String>())),
                    _ => tail,
                };
                self.set_string(object, head.then(&tail), site);
            }
            Model::StringCopy => {
                let known = self.string_of(second, api.wide);
                self.set_string(object, known, site);
            }
            Model::StringAdd => {
                let known = self.string_of(object, api.wide).then(&self.string_of(second, api.wide));
                self.set_string(object, known, site);
            }
            Model::StringJoin => {
                let mut part = |position: usize| {
                    let value = self.model_argument(api, position);
                    match api.row.args.get(position).is_some_and(|n| api.row.objects.contains(n)) {
                        true => self.string_of(value, api.wide),
                        false => self.text_or_unknown(value, api.wide),
                    }
                };
                let known = part(1).then(&part(2));
                self.set_string(object, known, site);
            }
            Model::StringClear => self.set_string(object, Known::of(Text::new()), site),
            Model::StringEnd => {
                let size = if self.is_64() { 8 } else { 4 };
                self.state.store(object, size, Value::Unknown);
            }
            Model::StringText => {
                let known = self.string_of(object, api.wide);
                return self.with_origin(Kind::Result(site), Origin::Text(known));
            }
            Model::StringPointer => {
                let size = if self.is_64() { 8 } else { 4 };
                self.state.store(object, size, second);
            }
            Model::StringLocal => {
                let word = if self.is_64() { 8 } else { 4 };
                return object.plus(LOCAL_WORDS * word, self.is_64());
            }
            _ => return self.symbols.of(Kind::Result(site)),
        }
        object
    }

    /// The characters of a string object, or `{?}`.
    pub(crate) fn string_of(&mut self, object: Value, wide: bool) -> Known {
        if let Some(buffer) = self.state.buffer(object) {
            return buffer.known.clone();
        }
        let size = if self.is_64() { 8 } else { 4 };
        let characters = self.load(object, size);
        self.static_string(object, characters).unwrap_or_else(|| self.text_or_unknown(characters, wide))
    }

    pub(super) fn set_string(&mut self, object: Value, known: Known, site: u32) {
        self.note_written(object, Writing::Text);
        let characters = self.with_origin(Kind::Out(site, CHARACTERS), Origin::Text(known.clone()));
        self.state.set_buffer(object, Buffer { object: true, ..Buffer::of(known) });
        let size = if self.is_64() { 8 } else { 4 };
        self.state.keep_and_store(object, size, characters);
    }
}
