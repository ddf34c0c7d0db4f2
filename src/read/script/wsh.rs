//! VBScript, JScript, Windows script files and classic ASP.
//!
//! Assignments of texts are followed in the order of the source; what methods of the script host's objects do is
//! data, found by the name of the method.

use super::batch;
use super::call::{self, Caller};
use super::calls::{self, Argument, Found, Part, Syntax};
use super::sink::Sink;
use super::ways::Variables;
use crate::catalog::commands::{self, Shell};
use crate::facts::{
    Effect, Folder, Location, NoteKind, Operation, Origin, Phase, Reading, Site, Source, Store, Text, expand_env,
    join_paths,
};
use std::collections::HashMap;

/// Most runs of a text: values that are made of themselves would grow without end.
const MAX_PARTS: usize = 48;

/// Where the script runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// The script host, an installer.
    Machine,
    /// A web server.
    Web,
}

/// Reads a script.
pub(super) fn read(text: &str, syntax: Syntax, host: Host, reading: &mut Reading) {
    read_all(&[(text, syntax)], host, reading);
}

/// Reads texts that share their variables.
fn read_all(texts: &[(&str, Syntax)], host: Host, reading: &mut Reading) {
    let mut sink = Sink::new(reading);
    if host == Host::Web {
        sink.in_phase(Some((Phase::Run, "a page of a web application")));
    }
    let (here, own_path) = (Text::folder(Folder::Cwd), sink.own_path());
    let mut script = Script { variables: Variables::default(), environments: HashMap::new(), host, here, own_path };
    for (text, syntax) in texts {
        calls::note_cut(text, &mut sink);
        for event in calls::scan(text, *syntax) {
            if let Some(found) = script.variables.follow(&event) {
                script.step(found, &mut sink);
            }
        }
    }
    script.variables.note_capped(&mut sink);
}

/// Reads the script parts of a page or script file, each in its language; everything else is blanked out, so that
/// places stay.
pub(super) fn read_embedded(text: &str, host: Host, reading: &mut Reading) {
    let lower = text.to_ascii_lowercase();
    let page = page_language(&lower);
    let mut basic = String::with_capacity(text.len());
    let mut script = String::new();
    let mut at = 0;
    let mut parts = 0;
    let mut scripted = false;
    while let Some(part) = next_part(&lower, at, host) {
        let syntax = part.language.unwrap_or(page);
        blank(&mut basic, &text[at..part.start]);
        if syntax == Syntax::Script && !scripted {
            scripted = true;
            blank(&mut script, &text[..at]);
        }
        let code = &text[part.start..part.end];
        if scripted {
            blank(&mut script, &text[at..part.start]);
        }
        match syntax {
            Syntax::Script => {
                script.push_str(code);
                blank(&mut basic, code);
            }
            _ => {
                basic.push_str(code);
                if scripted {
                    blank(&mut script, code);
                }
            }
        }
        at = part.end;
        parts += 1;
    }
    if parts == 0 && host == Host::Machine && !text.trim().is_empty() {
        reading.note(NoteKind::Info, "no script element in it");
    }
    read_all(&[(&basic, Syntax::Basic), (&script, Syntax::Script)], host, reading);
}

/// A run of code in a page or script file.
struct Code {
    start: usize,
    end: usize,
    /// The language that its element names.
    language: Option<Syntax>,
}

/// The language of a page, by its directive `<%@ Language=... %>`.
fn page_language(lower: &str) -> Syntax {
    let directives = lower.split("<%@").skip(1).filter_map(|d| d.split("%>").next());
    directives.into_iter().find_map(named_language).unwrap_or(Syntax::Basic)
}

/// What a tag or directive names as its language.
fn named_language(tag: &str) -> Option<Syntax> {
    let value = &tag[tag.find("language").map(|i| i + 8).or_else(|| tag.find("type=").map(|i| i + 4))?..];
    let value = value.trim_start().strip_prefix('=')?.trim_start().trim_start_matches(['"', '\'']);
    let is_script = ["jscript", "javascript", "text/javascript", "text/jscript"].iter().any(|l| value.starts_with(l));
    Some(if is_script { Syntax::Script } else { Syntax::Basic })
}

/// The next `<% ... %>` or server-side `<script> ... </script>` at or behind an offset.
fn next_part(lower: &str, from: usize, host: Host) -> Option<Code> {
    let rest = lower.get(from..)?;
    let code = rest.find("<%").filter(|_| host == Host::Web);
    let element = rest.find("<script");
    let code_first = match (code, element) {
        (Some(c), Some(e)) => c < e,
        (c, _) => c.is_some(),
    };
    if code_first {
        let start = from + code? + 2;
        let end = lower[start..].find("%>").map_or(lower.len(), |i| start + i);
        // `<%@ ... %>` are directives and `<%= x %>` prints.
        let skip = usize::from(lower[start..].starts_with(['@', '=']));
        let start = if lower[start..].starts_with('@') { end } else { start + skip };
        return Some(Code { start: start.min(end), end, language: None });
    }
    let open = from + element?;
    let start = open + lower[open..].find('>')? + 1;
    let end = lower[start..].find("</script").map_or(lower.len(), |i| start + i);
    let client = host == Host::Web && !lower[open..start].contains("runat");
    let language = named_language(&lower[open..start]);
    Some(Code { start: if client { end } else { start }, end, language })
}

/// Blanks with the same lines and columns; a blanked part ends a statement.
fn blank(out: &mut String, text: &str) {
    out.extend(text.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
    if text.ends_with("<%") {
        out.pop();
        out.push(':');
    }
}

/// Root keys as `StdRegProv` numbers them (MS documentation: "StdRegProv class"), as the languages write numbers.
fn root_key(number: &str) -> Option<&'static str> {
    Some(match number {
        "h80000000" | "0x80000000" | "2147483648" => "HKCR",
        "h80000001" | "0x80000001" | "2147483649" => "HKCU",
        "h80000002" | "0x80000002" | "2147483650" => "HKLM",
        "h80000003" | "0x80000003" | "2147483651" => "HKU",
        _ => return None,
    })
}

struct Script {
    variables: Variables,
    /// Variables that hold the environment of the machine, the user or the process.
    environments: HashMap<String, Text>,
    host: Host,
    here: Text,
    own_path: Text,
}

impl Script {
    fn step(&mut self, found: &Found<'_>, sink: &mut Sink<'_>) {
        let name = found.name.to_lowercase();
        match &found.assigned {
            Some(value) if found.arguments.is_empty() && !name.contains('.') => {
                match self.opened_environment(value) {
                    Some(which) => self.environments.insert(name.clone(), which),
                    None => self.environments.remove(&name),
                };
                let values = self.variables.each(|| self.value(value));
                self.variables.set(name, values);
            }
            _ => {
                self.variables.each(|| self.act(&name, found, sink));
            }
        }
    }

    /// Carries out what is no assignment to a variable.
    fn act(&self, name: &str, found: &Found<'_>, sink: &mut Sink<'_>) {
        let site = Site::text(found.line, found.column);
        if let Some(value) = &found.assigned {
            return self.stored(name, found, &self.value(value), &site, sink);
        }
        self.connection(found, &site, sink);
        let method = name.rsplit('.').next().unwrap_or(name);
        if !name.contains('.') {
            return;
        }
        if self.directory_object(name, found, &site, sink) {
            return;
        }
        if let ("moveto" | "copy", true) = (method, found.arguments.len() > 2) {
            return;
        }
        let Some(command) = commands::find(Shell::Wsh, method) else { return };
        let bound = calls::bound(found, &|argument| self.value(argument));
        let caller = Caller { shell: Shell::Wsh, here: &self.here, site: &site, source: found.source, trail: &[] };
        let program = Text::lit(found.name.as_str());
        for nested in call::apply(command, &program, &bound, caller, sink) {
            batch::nested(&nested, &self.here, &Text::folder(Folder::AppDir), &site, sink);
        }
    }

    /// `Session("x") = y` and `Environment("SYSTEM")("x") = y`.
    fn stored(&self, name: &str, found: &Found<'_>, text: &Text, site: &Site, sink: &mut Sink<'_>) {
        let key = found.arguments.first().map(|a| self.value(a)).unwrap_or_default();
        if let Some(which) = &found.receiver
            && name.ends_with(".environment")
        {
            return self.environment(&self.value(which), &key, found, text, site, sink);
        }
        if let Some(which) = self.environments.get(name.strip_suffix(".item").unwrap_or(name)) {
            return self.environment(which, &key, found, text, site, sink);
        }
        let (store, label) = match name {
            "session" | "session.contents" | "session.value" => (Store::Session, "Session"),
            "application" | "application.contents" | "application.value" => (Store::Memory, "Application"),
            _ => return,
        };
        if self.host != Host::Web {
            return;
        }
        let location = Location::named(Text::lit(format!("{label}:")).concat(&key));
        let effect = Effect::new(Operation::KeepInMemory, store, location, crate::facts::Certainty::Proven, label)
            .because(crate::facts::Step::new(super::sink::quote(found.source)))
            .of_origin(super::sink::origin_of(text));
        sink.effect(site, effect);
    }

    /// `Set variables = shell.Environment("SYSTEM")`
    fn opened_environment(&self, value: &Argument<'_>) -> Option<Text> {
        let [Part::Call(call)] = value.parts.as_slice() else { return None };
        let which = call.arguments.first().map(|a| self.value(a));
        call.name.to_lowercase().ends_with(".environment").then(|| which.unwrap_or_else(|| Text::lit("system")))
    }

    /// `shell.Environment("SYSTEM")("x") = y`: only that of the machine and of the user are kept.
    fn environment(
        &self,
        which: &Text,
        name: &Text,
        found: &Found<'_>,
        value: &Text,
        site: &Site,
        sink: &mut Sink<'_>,
    ) {
        let key = match which.as_lit().map(str::to_lowercase).as_deref() {
            Some("system") => "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Environment",
            Some("user") => "HKCU\\Environment",
            _ => return,
        };
        let location = Location::registry_value(&Location::registry(&Text::lit(key)), name);
        let caller = Caller { shell: Shell::Wsh, here: &self.here, site, source: found.source, trail: &[] };
        let effect = caller.effect(Operation::SetValue, Store::Environment, location, "Environment");
        sink.effect(site, effect.of_origin(super::sink::origin_of(value)));
    }

    /// `GetObject("IIS://...").SetInfo` and `GetObject("WinNT://...").Create`: what is bound decides what a method
    /// does.
    fn directory_object(&self, name: &str, found: &Found<'_>, site: &Site, sink: &mut Sink<'_>) -> bool {
        let Some((object, method)) = name.rsplit_once('.') else { return false };
        let Some(bound) = self.variables.get(object) else { return false };
        let moniker = bound.leading_lit().to_lowercase();
        let argument = |n: usize| found.arguments.get(n).map(|a| self.value(a)).unwrap_or_else(Text::unknown);
        let (operation, store, location) = match method {
            "setinfo" if moniker.starts_with("iis://") => (Operation::Configure, Store::IisConfig, bound.clone()),
            "create" if moniker.starts_with("winnt://") => (Operation::Create, Store::Account, argument(1)),
            _ => return false,
        };
        let caller = Caller { shell: Shell::Wsh, here: &self.here, site, source: found.source, trail: &[] };
        sink.effect(site, caller.effect(operation, store, Location::named(location), &found.name));
        true
    }

    /// `connection.Open "Provider=...;Data Source=..."`: a database in a file.
    fn connection(&self, found: &Found<'_>, site: &Site, sink: &mut Sink<'_>) {
        let Some(text) = found.arguments.first().map(|a| self.value(a)) else { return };
        let shown = text.to_string();
        let lower = shown.to_ascii_lowercase();
        if !(lower.contains("provider=") || lower.contains("driver=") || lower.contains("dsn=")) {
            return;
        }
        let file = lower.contains("microsoft.jet")
            || lower.contains("microsoft.ace")
            || lower.contains("sqlite")
            || lower.contains("access driver");
        let start = ["data source=", "dbq=", "database="].iter().find_map(|k| lower.find(k).map(|i| i + k.len()));
        let (Some(start), true) = (start, file) else { return };
        let value = shown[start..].split(';').next().unwrap_or_default();
        let location = call::file(&Text::parse(value), &self.here);
        let caller = Caller { shell: Shell::Wsh, here: &self.here, site, source: found.source, trail: &[] };
        sink.effect(
            site,
            caller.effect(Operation::Write, Store::Database, location, "ADODB").of_origin(Origin::Unknown),
        );
    }

    /// What an expression is worth.
    fn value(&self, argument: &Argument<'_>) -> Text {
        let mut out = Text::new();
        for part in &argument.parts {
            if out.parts().len() > MAX_PARTS {
                return Text::unknown();
            }
            match part {
                Part::Text(s) => out.push_lit(root_key(s).unwrap_or(s)),
                Part::Other(name) => out.push_text(&self.name(name)),
                Part::Call(call) => out.push_text(&self.computed(call)),
                Part::Either(alternatives) => {
                    let which = self.variables.pick(alternatives.len());
                    out.push_text(&alternatives.get(which).map(|a| self.value(a)).unwrap_or_default());
                }
            }
        }
        out
    }

    fn name(&self, name: &str) -> Text {
        let lower = name.to_lowercase();
        if let Some(value) = self.variables.get(&lower) {
            return value;
        }
        match lower.as_str() {
            "wscript.scriptfullname" => self.own_path.clone(),
            "now" | "date" | "time" | "timer" => Text::from_source(Source::Generated, "time"),
            "rnd" => Text::from_source(Source::Generated, "random"),
            "vbcrlf" | "vbnewline" | "vblf" => Text::lit("\n"),
            // Modes of OpenTextFile.
            "forreading" => Text::lit("1"),
            "forwriting" => Text::lit("2"),
            "forappending" => Text::lit("8"),
            "true" | "false" => Text::lit(lower),
            _ if root_key(&lower).is_some() => Text::lit(root_key(&lower).unwrap_or_default()),
            _ if lower.ends_with(".currentdirectory") => self.here.clone(),
            _ => Text::unknown(),
        }
    }

    /// Functions that only compute.
    fn computed(&self, call: &Found<'_>) -> Text {
        let argument = |n: usize| call.arguments.get(n).map(|a| self.value(a)).unwrap_or_default();
        let name = call.name.to_lowercase();
        match name.rsplit('.').next().unwrap_or(&name) {
            "mappath" => {
                let path = argument(0);
                if path.leading_lit().starts_with('~') {
                    return Location::file(&path).text().clone();
                }
                let relative = path.leading_lit().trim_start_matches(['/', '\\']).to_owned();
                let count = path.leading_lit().len();
                let tail = Text::from_parts(path.parts().iter().enumerate().map(|(i, p)| match p {
                    crate::facts::Part::Lit(_) if i == 0 && count > 0 => crate::facts::Part::Lit(relative.clone()),
                    other => other.clone(),
                }));
                Location::file(&join_paths(&Text::folder(Folder::WebRoot), &tail)).text().clone()
            }
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
                    _ => argument(0),
                }
            }
            "form" | "querystring" | "request" | "cookies" | "inputbox" => Text::from_source(Source::Input, "request"),
            "date" | "now" | "time" => Text::from_source(Source::Generated, "time"),
            "getobject" => argument(0),
            "chr" if argument(0).as_lit() == Some("34") => Text::lit("\""),
            // Counted from one here, as in the other languages.
            "arguments" | "item" | "named" | "unnamed" => {
                let which = argument(0).to_string();
                let number = which.parse::<u32>().ok().and_then(|n| n.checked_add(1));
                Text::from_source(Source::Arg, number.map_or(which, |n| n.to_string()))
            }
            _ => Text::unknown(),
        }
    }
}
