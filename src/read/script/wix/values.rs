//! Texts of WiX sources: preprocessor variables, properties, and the folders of Windows Installer.

use crate::facts::{Folder, Hole, Part, Source, Text, env_hole, join_paths};
use std::collections::HashMap;

/// Most variables that one text leads to: they may name others, and themselves.
const MAX_VARIABLES: usize = 64;

/// What names stand for.
#[derive(Default)]
pub(in crate::read::script) struct Values {
    /// `<?define X = "..." ?>`
    pub(in crate::read::script) defines: HashMap<String, String>,
    /// Folders by the identifier of their `Directory` element.
    pub(in crate::read::script) folders: HashMap<String, Text>,
    /// Paths of installed files by the key of their row.
    pub(in crate::read::script) files: HashMap<String, Text>,
    /// The package installs for everyone: folders of the desktop and the start menu are the common ones.
    pub(in crate::read::script) shared: bool,
    /// Properties that the source gives a value.
    pub(in crate::read::script) properties: HashMap<String, String>,
}

impl Values {
    /// `$(var.X)` and `$(X)` replaced; what is not known here is left as `{?}`.
    pub(in crate::read::script) fn preprocessed(&self, raw: &str) -> String {
        let mut raw = raw.to_owned();
        for _ in 0..MAX_VARIABLES {
            let Some(start) = raw.find("$(") else { return raw };
            let Some(length) = raw[start..].find(')') else { return raw };
            let name = raw[start + 2..start + length].trim();
            let value = match name.strip_prefix("env.") {
                Some(variable) => format!("{{env:{variable}}}"),
                None => {
                    let name = name.strip_prefix("var.").unwrap_or(name);
                    self.defines.get(name).cloned().unwrap_or_else(|| "{?}".to_owned())
                }
            };
            raw.replace_range(start..=start + length, &value);
        }
        "{?}".to_owned()
    }

    /// `X` or `$(var.X)` of `<?ifdef ?>`.
    pub(super) fn is_defined(&self, name: &str) -> bool {
        let name = name.trim_start_matches("$(").trim_end_matches(')').trim();
        let name = name.strip_prefix("var.").unwrap_or(name);
        self.defines.contains_key(name) || name.starts_with("env.") || name.starts_with("sys.")
    }

    /// A comparison of `<?if A = B ?>` whose sides are known.
    pub(super) fn holds(&self, condition: &str) -> Option<bool> {
        let (sides, equal) = match condition.split_once("!=") {
            Some(sides) => (sides, false),
            None => (condition.split_once('=')?, true),
        };
        let side = |raw: &str| self.preprocessed(raw.trim().trim_matches('"'));
        let (left, right) = (side(sides.0), side(sides.1));
        let known = ![&left, &right]
            .iter()
            .any(|s| s.contains(['{', '"', '<', '>']) || s.contains(" and ") || s.contains(" or "));
        known.then_some(left.eq_ignore_ascii_case(&right) == equal)
    }

    /// The folder of an identifier: one of Windows Installer, one of this source, or a property to be resolved.
    pub(in crate::read::script) fn directory(&self, id: &str) -> Text {
        // `FOLDER:\sub` is a folder below another (WiX 3 "inline directory syntax").
        if let Some((id, below)) = id.split_once(":\\") {
            return join_paths(&self.directory(id), &self.formatted(below));
        }
        let id = self.preprocessed(id);
        match self.folders.get(&id).cloned().or_else(|| standard(&id, self.shared)) {
            Some(folder) => folder,
            None if id.contains("{?}") => Text::unknown(),
            None => Text::from_source(Source::Property, id),
        }
    }

    /// `[PROPERTY]`, `[#file]`, `!(loc.name)` (MS documentation "Formatted").
    pub(in crate::read::script) fn formatted(&self, raw: &str) -> Text {
        let raw = self.preprocessed(raw);
        let mut out = Text::new();
        let mut rest = raw.as_str();
        while let Some(at) = rest.find(['[', '!']) {
            out.push_text(&Text::parse(&rest[..at]));
            let tail = &rest[at..];
            if let Some((name, after)) = tail.strip_prefix("!(").and_then(|t| t.split_once(')')) {
                // The rest is filled in by the linker from a library, a path or a language.
                let property = name.strip_prefix("bind.Property.").and_then(|p| self.properties.get(p));
                out.push_text(&property.map_or_else(Text::unknown, |value| Text::parse(value)));
                rest = after;
                continue;
            }
            let Some((name, after)) = tail.strip_prefix('[').and_then(|t| t.split_once(']')) else {
                out.push_lit(&tail[..1]);
                rest = &tail[1..];
                continue;
            };
            match name.chars().next() {
                Some('#' | '!') => out.push_text(&self.files.get(&name[1..]).cloned().unwrap_or_else(Text::unknown)),
                Some('$') => out.push_text(&Text::unknown()),
                Some('%') => out.push_text(&Text::hole(env_hole(&name[1..]))),
                Some('\\') => out.push_lit(&name[1..]),
                Some('~') => {}
                // The machine that it is installed on, by its name (Windows Installer, "ComputerName Property").
                _ if name == "ComputerName" => out.push_lit("localhost"),
                _ => {
                    if let Some(value) = self.properties.get(name).filter(|_| !self.folders.contains_key(name)) {
                        out.push_text(&Text::parse(value));
                        rest = after;
                        continue;
                    }
                    out.push_text(&self.directory(name));
                    // Directory properties end with a separator.
                    if matches!(out.parts().last(), Some(Part::Hole(Hole::Folder(_))))
                        || self.folders.contains_key(name)
                    {
                        out.push_lit("\\");
                    }
                }
            }
            rest = after;
        }
        out.push_text(&Text::parse(rest));
        out
    }
}

/// The directory properties of Windows Installer (MS documentation "System Folder Properties"); what they stand for
/// depends on the property `ALLUSERS`.
pub(in crate::read::script) fn standard(id: &str, shared: bool) -> Option<Text> {
    let folder = match id {
        "ProgramFilesFolder" | "ProgramFiles64Folder" | "ProgramFiles6432Folder" => Folder::ProgramFiles,
        "CommonFilesFolder" | "CommonFiles64Folder" | "CommonFiles6432Folder" => Folder::CommonFiles,
        "CommonAppDataFolder" => Folder::ProgramData,
        "AppDataFolder" => Folder::AppData,
        "LocalAppDataFolder" => Folder::LocalAppData,
        "PersonalFolder" => Folder::Documents,
        "WindowsFolder" => Folder::Windows,
        "SystemFolder" | "System64Folder" | "System6432Folder" => Folder::System,
        "FontsFolder" => Folder::Fonts,
        "TempFolder" => Folder::Temp,
        "DesktopFolder" if shared => Folder::CommonDesktop,
        "DesktopFolder" => Folder::Desktop,
        "ProgramMenuFolder" if shared => Folder::CommonPrograms,
        "ProgramMenuFolder" => Folder::Programs,
        "StartMenuFolder" if shared => Folder::CommonStartMenu,
        "StartMenuFolder" => Folder::StartMenu,
        "StartupFolder" if shared => Folder::CommonStartup,
        "StartupFolder" => Folder::Startup,
        "SendToFolder" => Folder::SendTo,
        "TemplateFolder" => Folder::Templates,
        "FavoritesFolder" => Folder::Favorites,
        "WindowsVolume" => Folder::SystemDrive,
        // The root of the installation: `TARGETDIR` is the drive unless somebody sets it (MS "TARGETDIR property").
        "TARGETDIR" | "SourceDir" => return Some(Text::from_source(Source::Property, "TARGETDIR")),
        _ => return None,
    };
    Some(Text::folder(folder))
}
