//! Paths in parts, and what Windows and the runtime fill in ways of their own.

use super::super::analysis::Engine;
use super::super::cuts::{folder_of, without_extension};
use super::super::known::Known;
use super::super::value::{Kind, Value};
use crate::catalog::native::{Api, Model};
use crate::facts::{Text, join_paths};

/// Most variables that one call of `scanf` fills.
const MAX_SCANNED: u8 = 12;
/// Messages that only read what they are given (`winuser.h`): WM_SETTEXT, WM_SETTINGCHANGE, WM_COPYDATA, EM_REPLACESEL,
/// and those that add, find or select a string in a list.
const READING: [u64; 16] =
    [0x0c, 0x1a, 0x4a, 0xc2, 0x143, 0x14a, 0x14c, 0x14d, 0x158, 0x180, 0x181, 0x18c, 0x18f, 0x1a2, 0x145, 0x18d];

impl Engine<'_, '_> {
    pub(super) fn parts_model(&mut self, api: Api, model: Model, site: u32) -> Value {
        let at: Vec<Value> = (0..api.row.args.len()).map(|n| self.model_argument(api, n)).collect();
        match (model, at.as_slice()) {
            (Model::MakePath, [to, drive, folder, name, extension]) => {
                let text = |value: &Value| match value {
                    Value::Const(0) => Known::of(Text::new()),
                    value => self.text_or_unknown(*value, api.wide),
                };
                let (drive, folder) = (text(drive), text(folder));
                let (name, extension) = (text(name), text(extension));
                let dotted = |t: &Text| match t.as_lit() {
                    Some(known) if !known.is_empty() && !known.starts_with('.') => Text::lit(format!(".{known}")),
                    _ => t.clone(),
                };
                let colon = |t: &Text| match t.as_lit() {
                    Some(letter) if letter.len() == 1 => Text::lit(format!("{letter}:")),
                    _ => t.clone(),
                };
                let folder = drive.map(colon).then(&folder);
                let path = folder.with(&name, |folder, name| match folder.is_empty() {
                    true => name.clone(),
                    false => join_paths(folder, name),
                });
                self.fill(*to, path.then(&extension.map(dotted)), api.wide);
            }
            // The folder with the drive stands for both: put together again they are the same.
            (Model::SplitPath, [path, drive, folder, name, extension]) => {
                let whole = self.text_or_unknown(*path, api.wide);
                let both = *drive != Value::Const(0);
                let cut = if both { whole.map(|t| folder_of(t, true)) } else { Known::unknown() };
                let file = |t: &Text| match t.trailing_lit().rsplit(['\\', '/']).next() {
                    Some(name) if t.trailing_lit().contains(['\\', '/']) => Text::lit(name),
                    _ => Text::unknown(),
                };
                let file = whole.map(file);
                let dot = |t: &Text| match t.as_lit() {
                    Some(name) => Text::lit(name.rfind('.').and_then(|dot| name.get(dot..)).unwrap_or_default()),
                    None => Text::unknown(),
                };
                let parts = [
                    (drive, if *folder == Value::Const(0) { Known::unknown() } else { Known::of(Text::new()) }),
                    (folder, cut),
                    (name, file.map(without_extension)),
                    (extension, file.map(dot)),
                ];
                for (to, known) in parts {
                    if *to != Value::Const(0) {
                        self.fill(*to, known, api.wide);
                    }
                }
            }
            (Model::FileDialog, [structure]) => {
                let (offset, size) = if self.is_64() { (48, 8) } else { (28, 4) };
                let name = self.load(structure.plus(offset, self.is_64()), size);
                self.fill(name, Known::unknown(), api.wide);
            }
            (Model::Message, [message, about]) => {
                let reads = message.number().is_some_and(|message| READING.contains(&message));
                if !reads && (matches!(about, Value::Stack(_)) || self.state.buffer(*about).is_some()) {
                    self.fill(*about, Known::unknown(), api.wide);
                }
            }
            (Model::Scan, _) => {
                let first = api.row.args.first().copied().unwrap_or_default();
                let format = self.argument(first.saturating_sub(1));
                let known = self.text(format, api.wide);
                // Without its format it fills what follows as long as that may be filled.
                let values = known.as_ref().and_then(|format| Some(scanned(format.as_lit()?)));
                let mut filled = 0;
                for n in first..first + MAX_SCANNED {
                    let to = self.argument(n);
                    match (to, values) {
                        (_, Some(values)) if filled >= values => break,
                        (Value::Stack(_), _) => self.lose_variable(to, Kind::Out(site, n)),
                        (Value::Sym(..), Some(_)) => self.lose(to),
                        (Value::Const(va), Some(_)) if self.is_variable(va) => self.fill(to, Known::unknown(), None),
                        // The size of a text, for the functions that ask for it.
                        (Value::Const(_), Some(_)) => continue,
                        _ => break,
                    }
                    filled += 1;
                }
            }
            _ => {}
        }
        self.symbols.of(Kind::Result(site))
    }
}

/// How many variables a format of `scanf` fills.
fn scanned(format: &str) -> usize {
    let mut values = 0;
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        values += usize::from(c == '%' && !matches!(chars.next(), Some('%' | '*')));
    }
    values
}
