//! Objects of application frameworks, understood as strings: a file is its path, settings are the key or the file that
//! they are kept in.

use super::super::analysis::Engine;
use super::super::known::Known;
use super::super::spots::Spot;
use super::super::strings::decode;
use super::super::value::Value;
use crate::catalog::native::{Api, Model};
use crate::facts::{Text, join_paths};

/// Places by their number in `QStandardPaths::StandardLocation` (Qt documentation: "QStandardPaths", Windows). The names of
/// the organization and the application are set once for the program.
const PLACES: &[&str] = &[
    "{Desktop}",
    "{Documents}",
    "{?}",
    "{Programs}",
    "{Music}",
    "{Videos}",
    "{Pictures}",
    "{Temp}",
    "{UserProfile}",
    "{LocalAppData}\\{param:organization}\\{param:application}",
    "{LocalAppData}\\{param:organization}\\{param:application}\\cache",
    "{LocalAppData}",
    "{UserProfile}",
    "{LocalAppData}\\{?}",
    "{Downloads}",
    "{LocalAppData}\\cache",
    "{LocalAppData}",
    "{AppData}\\{param:organization}\\{param:application}",
    "{LocalAppData}\\{param:organization}\\{param:application}",
];
/// `QSettings::IniFormat`
const INI_FORMAT: u64 = 1;
/// `QSettings::SystemScope`
const SYSTEM_SCOPE: u64 = 1;
/// Longest literal with a header of its own, in characters.
const MAX_LITERAL: u32 = 1024;

impl Engine<'_, '_> {
    pub(super) fn framework_model(&mut self, api: Api, model: Model, site: u32) -> Value {
        let object = self.argument_of(api, api.row.args.first().copied().unwrap_or_default());
        let known = match model {
            Model::StringView => self.viewed(api),
            Model::StringFolder => Known::of(Text::parse(api.row.fixed.as_deref().unwrap_or("{?}"))),
            Model::StringPath => {
                let (folder, name) = (self.model_argument(api, 1), self.model_argument(api, 2));
                self.string_of(folder, api.wide).with(&named(self.string_of(name, api.wide)), join_paths)
            }
            Model::StringPathView => {
                let name = named(self.viewed(api));
                self.string_of(object, api.wide).with(&name, join_paths)
            }
            Model::StandardPath => {
                let number = self.model_argument(api, 1).number().and_then(|n| usize::try_from(n as u32).ok());
                Known::of(Text::parse(number.and_then(|n| PLACES.get(n)).unwrap_or(&"{?}")))
            }
            Model::SettingsObject => self.settings(api),
            Model::SettingsGroup => {
                let group = self.model_argument(api, 1);
                let group = self.string_of(group, api.wide);
                self.string_of(object, api.wide).with(&group, join_paths)
            }
            Model::SettingsGroupEnd => {
                self.string_of(object, api.wide).map(|text| super::super::cuts::folder_of(text, false))
            }
            _ => Known::unknown(),
        };
        self.set_string(object, known, api, site);
        object
    }

    fn viewed(&mut self, api: Api) -> Known {
        self.viewed_at(api, 1)
    }

    /// A string that is passed as a pointer together with its length: behind the length, on x86 as two arguments.
    pub(super) fn viewed_at(&mut self, api: Api, position: usize) -> Known {
        let view = self.model_argument(api, position);
        let (length, characters) = if self.is_64() {
            (self.load(view, 8), self.load(view.plus(8, true), 8))
        } else {
            let next = api.row.args.get(position).copied().unwrap_or_default();
            (view, self.argument_of(api, next.saturating_add(1)))
        };
        let end = self.spot(length, characters);
        match api.row.module.as_str() {
            "libstdc++-6" if end.is_known() => self.part_of(characters, Spot::At(0), end, api.wide),
            _ => self.text_or_unknown(characters, api.wide),
        }
    }

    /// Where a settings object keeps its values.
    fn settings(&mut self, api: Api) -> Known {
        let row = api.row;
        let number = |engine: &mut Self, n: Option<u8>| n.and_then(|n| engine.argument_of(api, n).number());
        let (format, scope) = (number(self, row.format), number(self, row.scope));
        let is_ini = row.format.is_some() && format == Some(INI_FORMAT);
        let is_system = row.scope.is_some() && scope == Some(SYSTEM_SCOPE);
        if let Some(file) = row.file {
            let file = self.argument_of(api, file);
            return self.string_of(file, api.wide);
        }
        let unsure = row.format.is_some() && format.is_none() || row.scope.is_some() && scope.is_none();
        let root = match (is_ini, is_system) {
            _ if unsure => "{?}",
            (true, true) => "{ProgramData}",
            (true, false) => "{AppData}",
            (false, true) => "HKLM\\Software",
            (false, false) => row.fixed.as_deref().unwrap_or("{?}"),
        };
        let mut known = Known::of(Text::parse(root));
        for name in &row.below {
            let name = self.argument_of(api, *name);
            known = known.with(&self.string_of(name, api.wide), join_paths);
        }
        if is_ini { known.then(&Known::of(Text::lit(".ini"))) } else { known }
    }

    /// The characters of a literal of Qt: in version 5 behind a header that counts no references, in version 6 behind the
    /// second pointer of the object, whose first one is null.
    pub(super) fn static_string(&mut self, object: Value, first: Value) -> Option<Known> {
        let word = if self.is_64() { 8 } else { 4 };
        if first == Value::Const(0) {
            let characters = self.load(object.plus(word, self.is_64()), word as u8);
            return matches!(characters, Value::Const(_)).then(|| self.text(characters, true)).flatten();
        }
        let image = &self.program.image;
        let rva = image.rva_of(first.number()?)?;
        let field = |offset| image.field(rva, offset);
        let size = field(4).filter(|size| field(0) == Some(u32::MAX) && *size <= MAX_LITERAL)?;
        let offset = field(if word == 8 { 16 } else { 12 }).filter(|offset| *offset <= 64)?;
        let bytes = image.at(rva.checked_add(offset)?)?.get(..size as usize * 2)?;
        decode(&[bytes, &[0, 0]].concat(), true).map(|text| Known::of(Text::lit(text)))
    }
}

/// The name of a file: one that seems to be empty was filled in unseen.
fn named(name: Known) -> Known {
    name.map(|text| if text.is_empty() { Text::unknown() } else { text.clone() })
}
