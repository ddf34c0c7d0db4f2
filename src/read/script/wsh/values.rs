//! What expressions of the script host are worth, as far as texts and paths go.

use super::Script;
use crate::facts::{Source, Text, expand_env, join_paths};
use crate::read::script::call;
use crate::read::script::calls::Found;

/// Root keys as `StdRegProv` numbers them (MS documentation: "StdRegProv class"), as the languages write numbers.
pub(super) fn root_key(number: &str) -> Option<&'static str> {
    Some(match number {
        "h80000000" | "0x80000000" | "2147483648" => "HKCR",
        "h80000001" | "0x80000001" | "2147483649" => "HKCU",
        "h80000002" | "0x80000002" | "2147483650" => "HKLM",
        "h80000003" | "0x80000003" | "2147483651" => "HKU",
        _ => return None,
    })
}

impl Script<'_, '_> {
    /// What a name of the languages or of the script host stands for.
    pub(super) fn constant(&self, name: &str) -> Text {
        let lower = name.to_lowercase();
        match lower.as_str() {
            "wscript.scriptfullname" => self.language.own_path.clone(),
            "wscript.scriptname" => {
                let path = self.language.own_path.trailing_lit();
                Text::lit(path.rsplit('\\').next().unwrap_or_default())
            }
            "now" | "date" | "time" | "timer" => Text::from_source(Source::Generated, "time"),
            "rnd" => Text::from_source(Source::Generated, "random"),
            "vbcrlf" | "vbnewline" | "vblf" => Text::lit("\n"),
            // Modes of OpenTextFile.
            "forreading" => Text::lit("1"),
            "forwriting" => Text::lit("2"),
            "forappending" => Text::lit("8"),
            "true" | "false" => Text::lit(lower),
            "empty" | "nothing" | "null" | "vbnullstring" => Text::new(),
            _ if root_key(&lower).is_some() => Text::lit(root_key(&lower).unwrap_or_default()),
            _ if lower.ends_with(".currentdirectory") => self.here.clone(),
            _ => Text::unknown(),
        }
    }

    /// Functions that only compute.
    pub(super) fn function(&self, call: &Found<'_>) -> Text {
        let argument = |n: usize| self.argument(call, n).unwrap_or_default();
        let name = call.name.to_lowercase();
        if let Some(value) = self.kept(call).and_then(|name| self.variables.get(&name)) {
            return value;
        }
        match name.rsplit('.').next().unwrap_or(&name) {
            "mappath" => self.map_path(&argument(0)),
            "servervariables" => self.server_variable(&argument(0)),
            "buildpath" => join_paths(&argument(0), &argument(1)),
            "expandenvironmentstrings" => expand_env(&argument(0)),
            "getparentfoldername" => call::parent(&argument(0)),
            "getabsolutepathname" | "cstr" | "trim" | "lcase" | "ucase" | "getfile" | "getfolder" => argument(0),
            "getspecialfolder" => Text::parse(match argument(0).as_lit() {
                Some("0") => "{Windows}",
                Some("1") => "{System}",
                Some("2") => "{Temp}",
                _ => "{?}",
            }),
            "gettempname" => Text::from_source(Source::Generated, "random"),
            "specialfolders" => Text::parse(match argument(0).as_lit().unwrap_or_default().to_lowercase().as_str() {
                "desktop" => "{Desktop}",
                "allusersdesktop" => "{CommonDesktop}",
                "startmenu" => "{StartMenu}",
                "allusersstartmenu" => "{CommonStartMenu}",
                "programs" => "{Programs}",
                "allusersprograms" => "{CommonPrograms}",
                "startup" => "{Startup}",
                "allusersstartup" => "{CommonStartup}",
                "mydocuments" => "{Documents}",
                "appdata" => "{AppData}",
                _ => "{?}",
            }),
            "replace" if call.arguments.len() == 3 => {
                match (argument(0).as_lit(), argument(1).as_lit(), argument(2).as_lit()) {
                    (Some(text), Some(from), Some(to)) if !from.is_empty() => Text::lit(text.replace(from, to)),
                    (Some(_), ..) => Text::unknown(),
                    // Of a path below a known folder, the part that is written out.
                    (None, Some(from), Some(to)) if !from.is_empty() => replaced(&argument(0), from, to),
                    _ => argument(0),
                }
            }
            "form" | "querystring" | "request" | "cookies" | "inputbox" | "binaryread" => {
                Text::from_source(Source::Input, "request")
            }
            "date" | "now" | "time" => Text::from_source(Source::Generated, "time"),
            "getobject" => argument(0),
            "chr" if argument(0).as_lit() == Some("34") => Text::lit("\""),
            // Collections of all kinds have items.
            "item" if name.starts_with("request.") => Text::from_source(Source::Input, "request"),
            "item" if !["arguments", "args", "named"].iter().any(|of| name.contains(of)) => Text::unknown(),
            // Counted from one here, as in the other languages.
            "arguments" | "item" | "named" | "unnamed" if argument(0).as_lit().is_none() => Text::unknown(),
            "arguments" | "item" | "named" | "unnamed" => {
                let which = argument(0).to_string();
                let number = which.parse::<u32>().ok().and_then(|n| n.checked_add(1));
                Text::from_source(Source::Arg, number.map_or(which, |n| n.to_string()))
            }
            _ => Text::unknown(),
        }
    }
}

/// `Replace(text, from, to)` of what is known of a text.
fn replaced(text: &Text, from: &str, to: &str) -> Text {
    let mut out = Text::new();
    for part in text.parts() {
        match part {
            crate::facts::Part::Lit(lit) => out.push_lit(&lit.replace(from, to)),
            hole => out.push(hole.clone()),
        }
    }
    out
}
