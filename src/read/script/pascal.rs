//! Calls in the `[Code]` section of Inno Setup scripts, by a lexer.

use super::batch;
use super::call::{self, Caller};
use super::calls::{self, Argument};
use super::sink::Sink;
use crate::catalog::commands::{self, Shell};
use crate::facts::{Folder, Site, Source, Text};

/// Reads Pascal code that starts at a line of the script.
pub(super) fn read(code: &str, first_line: u32, constants: &dyn Fn(&str) -> Text, sink: &mut Sink<'_>) {
    let here = Text::folder(Folder::Cwd);
    for found in calls::scan(code, calls::Syntax::Pascal) {
        let name = found.name.to_lowercase();
        let Some(command) = commands::find(Shell::Pascal, &name) else { continue };
        let text = |argument: &Argument| {
            let mut out = Text::new();
            for part in &argument.parts {
                match part {
                    calls::Part::Text(s) => out.push_text(&constants(s)),
                    calls::Part::Other(name) if argument.parts.len() == 1 => match name.to_uppercase().as_str() {
                        root @ ("HKEY_LOCAL_MACHINE" | "HKEY_CURRENT_USER" | "HKEY_CLASSES_ROOT" | "HKEY_USERS"
                        | "HKLM" | "HKCU" | "HKCR" | "HKU" | "TRUE" | "FALSE") => out.push_lit(root),
                        "HKLM64" | "HKLM32" | "HKEY_AUTO" | "HKA" => out.push_lit("HKLM"),
                        _ => out.push_text(&Text::unknown()),
                    },
                    calls::Part::Call(call) if call.name.eq_ignore_ascii_case("ExpandConstant") => {
                        match call.arguments.first().map(|a| a.parts.as_slice()) {
                            Some([calls::Part::Text(s)]) => out.push_text(&constants(s)),
                            _ => out.push_text(&Text::unknown()),
                        }
                    }
                    calls::Part::Call(call) if call.name.to_lowercase().starts_with("getdatetime") => {
                        out.push_text(&Text::from_source(Source::Generated, "time"));
                    }
                    calls::Part::Other(_) | calls::Part::Call(_) => out.push_text(&Text::unknown()),
                }
            }
            out
        };
        let bound = calls::bound(&found, &text);
        let site = Site::text(first_line + found.line - 1, found.column);
        let caller = Caller { shell: Shell::Pascal, here: &here, site: &site, source: found.source, trail: &[] };
        for nested in call::apply(command, &Text::lit(found.name.as_str()), &bound, caller, sink) {
            batch::text(&nested.line, &here, &here, &site, sink);
        }
    }
}
