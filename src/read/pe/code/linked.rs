//! What is recognised of libraries that are linked into the image without their names: functions that open files by a
//! mode string or by flags, and constructors of string classes.

use super::super::openers::is_mode;
use super::analysis::Engine;
use super::known::Known;
use super::models::format::has_conversion;
use super::slot::Slot;
use super::state::{Buffer, PARAM_ECX};
use super::strings::is_path_like;
use super::value::Value;
use crate::catalog::native::{self, Api};
use crate::facts::Text;

/// Furthest from the start of a string object that its own characters begin.
const MAX_LOCAL: i32 = 32;

impl Engine<'_, '_> {
    /// A helper tests the flags of `_open` for this function.
    pub(super) fn hand_on_flags(&mut self, target: u32) {
        let program = self.program;
        if self.report.flags.is_none()
            && target != self.start
            && program.decoders.contains(&target)
            && program.decoders.contains(&self.start)
            && let Some(slot) = program.report(target, self.depth + 1).and_then(|report| report.flags)
        {
            let flags = self.argument(slot.param);
            self.report.flags = self.slot(flags).filter(Slot::is_plain);
        }
    }

    /// A call of a function of a library whose name is known.
    pub(super) fn linked(&mut self, target: u32) -> Option<(Api, String)> {
        let program = self.program;
        let linked = program.names.linked.get(&target)?;
        let path = self.argument_of(linked.api, linked.api.row.args.first().copied().unwrap_or_default());
        let wide = linked.wide.filter(|_| self.is_wide(path));
        Some((wide.unwrap_or(linked.api), linked.via.clone()))
    }

    /// A call of a function that opens files by a mode string: which of the family it is shows in where the mode is.
    pub(super) fn static_open(&mut self, target: u32) -> Option<(Api, String)> {
        if !self.program.openers.contains(&target) {
            return None;
        }
        for (n, names) in [(1, ["fopen", "_wfopen"]), (2, ["fopen_s", "_wfopen_s"])] {
            let value = self.argument(n);
            // A wide mode read as bytes ends after its first character, which is a mode too; a narrow one of a letter
            // may be padded to a wide one.
            let longest = |wide: bool| {
                let (texts, _) = self.texts(value, wide);
                texts.iter().filter_map(Text::as_lit).filter(|t| is_mode(t)).map(str::len).max().unwrap_or(0)
            };
            let (narrow, wide) = (longest(false), longest(true));
            let path = self.argument(n - 1);
            let is_wide = wide > narrow || wide > 0 && wide == narrow && self.is_wide(path);
            let [plain, w] = names;
            if narrow > 0 || wide > 0 {
                let name = if is_wide { w } else { plain };
                return Some((native::find_by_name(name)?, format!("crt!{name}")));
            }
        }
        None
    }

    /// Text that is longer when it is read as UTF-16.
    fn is_wide(&self, value: Value) -> bool {
        let longest = |wide| self.texts(value, wide).0.iter().filter_map(Text::as_lit).map(str::len).max();
        longest(true) > longest(false)
    }

    /// The object that a method of x86 is called with is one of this function (thiscall).
    pub(super) fn has_this_in_register(&self) -> bool {
        !self.is_64() && matches!(self.state.registers[1], Value::Stack(_))
    }

    /// The pointer at the start of the object of a call.
    pub(super) fn held_by(&mut self, this: u8) -> Value {
        let size = if self.is_64() { 8 } else { 4 };
        let object = self.argument(this);
        self.load(object, size)
    }

    /// An object that was made to point to characters of its own, which were not filled in: what they were before is of
    /// another object.
    pub(super) fn clear_local(&mut self, this: u8, held: Value) -> bool {
        let (object, now) = (self.argument(this), self.held_by(this));
        let local = matches!((object, now), (Value::Stack(object), Value::Stack(now))
            if (1..=MAX_LOCAL).contains(&now.wrapping_sub(object)));
        if local && now != held {
            self.state.set_buffer(now, Buffer::of(Known::unknown().guessed(true)));
        }
        local && now != held
    }

    /// The text that the object of a call is known to point to.
    pub(super) fn held_text(&mut self, this: u8) -> Option<Known> {
        let held = self.held_by(this);
        let says = |known: &Known| known.texts().iter().any(|t| !t.is_unknown() && !t.is_empty());
        let (narrow, wide) = (self.text(held, false).filter(says), self.text(held, true).filter(says));
        match (narrow, wide) {
            (Some(narrow), Some(wide)) => Some(narrow.or(&wide)),
            (narrow, wide) => narrow.or(wide),
        }
    }

    /// A literal that is passed together with an object is probably what the object then holds: constructors and
    /// assignments of string classes. One that already holds a text is only given another by what begins at a root. `made`: the
    /// call is known to have made the object.
    pub(super) fn associate(&mut self, target: u32, held: Option<&Known>, made: bool) {
        // Literals of Rust have no end, and its strings are made of two arguments.
        if !self.program.encoders.is_empty() {
            return;
        }
        let (this_number, first) = if self.has_this_in_register() { (PARAM_ECX, 0) } else { (0, 1) };
        let this = self.argument(this_number);
        if !matches!(this, Value::Stack(_)) || self.state.buffer(this).is_some_and(|b| !b.known.weak) {
            return;
        }
        // A size may stand between.
        for n in first..first + 3 {
            let Value::Const(_) = self.argument(n) else { continue };
            let value = self.argument(n);
            let arg = self.close_any(value);
            let Some(text) = arg.texts.first().filter(|_| arg.literal.is_some()) else { continue };
            let Some(literal) = text.as_lit().filter(|literal| !literal.is_empty()) else { continue };
            // What allocates room for a text puts in what stands behind the format.
            if has_conversion(literal) {
                if held.is_none() && (made || self.may_write(target, this_number)) {
                    let wide = self.close(value, true).texts.first() == Some(text);
                    let behind = n + 1;
                    let known = self.formatted(literal, wide, |engine, position| {
                        engine.argument(behind.saturating_add(position as u8))
                    });
                    self.state.set_buffer(this, Buffer::of(known.guessed(true)));
                }
                return;
            }
            // Whatever else is given to what holds a path is probably put behind it.
            if let Some(known) = self.state.buffer(this).map(|buffer| buffer.known.clone())
                && !is_path_like(literal)
            {
                if held.is_some() || !self.may_write(target, this_number) {
                    return;
                }
                let open = known.texts().iter().any(|text| text.trailing_lit().is_empty());
                if !open {
                    let mut known = known.map(|text| text.clone().concat(&Text::unknown()));
                    known.weak = true;
                    self.state.set_buffer(this, Buffer::of(known));
                }
                return;
            }
            let rooted = is_rooted(literal);
            if is_path_like(literal) && !is_source(literal) && (rooted || held.is_none()) {
                let has_it = held.is_some_and(|held| held.texts().contains(text));
                // What only looks at the object changes nothing.
                if has_it || !made && !self.may_write(target, this_number) {
                    return;
                }
                // What begins with a separator was put behind a folder: `base + "/name"` makes an object of both.
                let behind = !rooted && self.state.buffer(this).is_some() || begins_with_one_separator(literal);
                let text = if behind { Text::unknown().concat(text) } else { text.clone() };
                self.state.set_buffer(this, Buffer::of(Known::weak(text)));
                return;
            }
        }
    }
}

/// The name of a file that a compiler reads: what asserts and logs say of where they stand.
fn is_source(literal: &str) -> bool {
    const EXTENSIONS: [&str; 8] = ["c", "cc", "cpp", "cxx", "h", "hpp", "hxx", "inl"];
    literal.rsplit_once('.').is_some_and(|(_, extension)| EXTENSIONS.contains(&extension))
}

/// It begins at a drive or a server.
fn is_rooted(literal: &str) -> bool {
    let drive = matches!(literal.as_bytes(), [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic());
    drive || literal.starts_with(r"\\")
}

/// A path below what is not said; two separators begin the name of a server, or of a device.
fn begins_with_one_separator(literal: &str) -> bool {
    let separator = |c: char| matches!(c, '\\' | '/');
    literal.strip_prefix(separator).is_some_and(|rest| !rest.starts_with(separator))
}
