//! Placeholders in configuration values: the little languages that loggers and runtimes put into paths.

use crate::catalog::config::Syntax;
use crate::facts::{Folder, Hole, Part, Source, Text, env_hole};
use std::collections::HashMap;

/// Deepest nesting of placeholders that is followed.
const MAX_NESTING: usize = 4;

/// A value as a text with holes. `lookup` gives the variables of the document.
pub(crate) fn expand(syntax: Syntax, value: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Text {
    match syntax {
        Syntax::Plain => Text::lit(value),
        Syntax::Holes => Text::parse(value),
        Syntax::Log4net => log4net(value),
        Syntax::Nlog => braces(value, &|inner, depth| nlog(inner, lookup, depth), 0),
        Syntax::Serilog => serilog(value),
        Syntax::Php => Text::lit(value.rsplit(';').next().unwrap_or(value).trim()),
        Syntax::FirstWord => piped(first_word(value), value),
        Syntax::Arguments => first_argument(value),
        Syntax::Java => percent_words(&braces(value, &|inner, depth| java(inner, lookup, depth), 0)),
    }
}

fn first_word(value: &str) -> &str {
    match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next().unwrap_or(quoted),
        None => value.split_whitespace().next().unwrap_or(value),
    }
}

/// Apache HTTP Server documentation, "Piped Logs": after `|`, `||` or `|$` stands a program that gets the log. Of them
/// rotatelogs writes a file, which its first argument names with the letters of `strftime`.
fn piped(word: &str, whole: &str) -> Text {
    let Some(command) = word.strip_prefix('|') else { return with_variables(word) };
    // `|program arguments` without quotes around it ends at the first blank.
    let command = whole.strip_prefix('|').unwrap_or(command);
    let mut words = command.trim_start_matches(['|', '$']).split_whitespace().map(|w| w.trim_matches('"'));
    let program = words.next().unwrap_or_default().rsplit(['/', '\\']).next().unwrap_or_default().to_lowercase();
    if program.trim_end_matches(".exe") != "rotatelogs" {
        return Text::unknown();
    }
    while let Some(word) = words.next() {
        match word {
            // These have a value of their own.
            "-L" | "-p" | "-n" | "-m" => drop(words.next()),
            switch if switch.starts_with('-') => {}
            file => return strftime(file),
        }
    }
    Text::unknown()
}

/// Variables in the paths of web servers: `${NAME}` of the environment (Apache), `$name` of a request (nginx).
fn with_variables(word: &str) -> Text {
    let mut out = Text::new();
    for part in braces(word, &|inner, _| Text::hole(env_hole(inner)), 0).parts() {
        let Part::Lit(lit) = part else {
            out.push(part.clone());
            continue;
        };
        let mut pieces = lit.split('$');
        out.push_lit(pieces.next().unwrap_or_default());
        for piece in pieces {
            let end = piece.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(piece.len());
            match end {
                // A share such as `C$`.
                0 => out.push_lit("$"),
                _ => out.push_hole(Hole::Unknown),
            }
            out.push_lit(&piece[end..]);
        }
    }
    out
}

/// A name with `%Y` and the like in it.
fn strftime(name: &str) -> Text {
    let mut pieces = name.split('%');
    let mut out = Text::lit(pieces.next().unwrap_or_default());
    for piece in pieces {
        let mut rest = piece.chars();
        rest.next();
        out.push_text(&generated("time"));
        out.push_lit(rest.as_str());
    }
    out
}

/// `('C:\\logs\\a.log', 'a')`: what stands in the first quotes, if the arguments begin with them.
fn first_argument(value: &str) -> Text {
    let inner = value.trim_start().trim_start_matches(['(', '[']).trim_start();
    let inner = inner.strip_prefix(['r', 'R', 'u', 'U']).filter(|rest| rest.starts_with(['"', '\''])).unwrap_or(inner);
    let Some(quote) = inner.chars().next().filter(|c| matches!(c, '"' | '\'')) else { return Text::unknown() };
    let text = inner[1..].split(quote).next().unwrap_or_default();
    Text::lit(text.replace("\\\\", "\\"))
}

/// Replaces each `${...}`, with nested braces.
fn braces(value: &str, one: &dyn Fn(&str, usize) -> Text, depth: usize) -> Text {
    let mut out = Text::new();
    let mut rest = value;
    while let Some(start) = rest.find("${") {
        out.push_lit(&rest[..start]);
        let inner = &rest[start + 2..];
        let Some(end) = closing_brace(inner) else {
            rest = &rest[start..];
            break;
        };
        if depth >= MAX_NESTING {
            out.push_hole(Hole::Unknown)
        } else {
            out.push_text(&one(&inner[..end], depth))
        }
        rest = &inner[end + 1..];
    }
    out.push_lit(rest);
    out
}

/// The variables of a Java program in a value that is no path.
pub(crate) fn java_variables(value: &str) -> Text {
    braces(value, &|inner, depth| java(inner, &|_| None, depth), 0)
}

/// References to variables of a document: `${NAME}`.
pub(crate) struct References {
    known: HashMap<String, String>,
    /// How much may still be filled in: values that are made of themselves would grow without end.
    left: usize,
}

/// Most text that references of one document stand for.
const MAX_FILLED_IN: usize = 1 << 20;

impl References {
    /// None are known yet.
    pub(crate) fn new() -> Self {
        References { known: HashMap::new(), left: MAX_FILLED_IN }
    }

    /// What follows sees the value under this name.
    pub(crate) fn define(&mut self, name: &str, value: &str) {
        self.known.insert(name.to_owned(), value.to_owned());
    }

    /// Replaces each `${NAME}`; what is not known is written as `unknown` says.
    pub(crate) fn fill_in(&mut self, value: &str, unknown: impl Fn(&str) -> String) -> String {
        let mut out = String::new();
        let mut rest = value;
        while let Some((before, tail)) = rest.split_once("${") {
            let Some((name, after)) = tail.split_once('}') else { break };
            out.push_str(before);
            match self.known.get(name).filter(|text| text.len() <= self.left) {
                Some(text) => {
                    self.left -= text.len();
                    out.push_str(text);
                }
                None => out.push_str(&unknown(name)),
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }
}

pub(crate) fn closing_brace(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (i, b) in text.bytes().enumerate() {
        match b {
            b'{' => depth += 1,
            b'}' if depth == 0 => return Some(i),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn generated(what: &str) -> Text {
    Text::from_source(Source::Generated, what)
}

/// One NLog layout renderer: `basedir:dir=logs:file=a.log`, or a variable.
fn nlog(inner: &str, lookup: &dyn Fn(&str) -> Option<String>, depth: usize) -> Text {
    let (name, rest) = inner.split_once(':').unwrap_or((inner, ""));
    let option = |key: &str| rest.split(':').find_map(|p| p.trim().strip_prefix(key)?.strip_prefix('='));
    let below = |base: Folder| {
        let mut text = Text::folder(base);
        for part in ["dir", "file"] {
            if let Some(part) = option(part) {
                text.push_lit("\\");
                text.push_text(&braces(part, &|inner, depth| nlog(inner, lookup, depth), depth + 1));
            }
        }
        text
    };
    match name.trim().to_ascii_lowercase().as_str() {
        "basedir" | "nlogdir" | "assembly-dir" | "processdir" => below(Folder::AppDir),
        "currentdir" => below(Folder::Cwd),
        "tempdir" => below(Folder::Temp),
        "aspnet-appbasepath" | "iis-site-dir" => below(Folder::WebRoot),
        "userlocalapplicationdatadir" => below(Folder::LocalAppData),
        "userapplicationdatadir" => below(Folder::AppData),
        "commonapplicationdatadir" => below(Folder::ProgramData),
        "specialfolder" => {
            let folder = option("folder").or_else(|| rest.split(':').next()).and_then(special_folder);
            folder.map_or_else(Text::unknown, below)
        }
        "environment" => Text::hole(env_hole(option("variable").unwrap_or(rest).trim())),
        "shortdate" | "longdate" | "date" | "time" | "ticks" | "cached" => generated("time"),
        "guid" => generated("guid"),
        "processid" => generated("pid"),
        "counter" | "sequenceid" => generated("counter"),
        "machinename" | "hostname" => Text::from_source(Source::Identity, "machine"),
        "windows-identity" | "identity" | "environment-user" => Text::from_source(Source::Identity, "user"),
        "appsetting" => Text::from_source(
            Source::Config,
            format!("appSettings/{}", option("item").or(option("name")).unwrap_or(rest)),
        ),
        "configsetting" => {
            Text::from_source(Source::Option, option("item").or(option("name")).unwrap_or(rest).replace('.', ":"))
        }
        "registry" => Text::unknown(),
        "var" => variable(option("name").unwrap_or(rest), lookup, depth),
        _ if rest.is_empty() => variable(name, lookup, depth),
        _ => Text::unknown(),
    }
}

fn variable(name: &str, lookup: &dyn Fn(&str) -> Option<String>, depth: usize) -> Text {
    match lookup(name.trim()) {
        Some(value) => braces(&value, &|inner, depth| nlog(inner, lookup, depth), depth + 1),
        None => Text::unknown(),
    }
}

/// `Environment.SpecialFolder` by name.
pub(crate) fn special_folder(name: &str) -> Option<Folder> {
    Some(match name.trim().to_ascii_lowercase().as_str() {
        "applicationdata" => Folder::AppData,
        "localapplicationdata" => Folder::LocalAppData,
        "commonapplicationdata" => Folder::ProgramData,
        "personal" | "mydocuments" => Folder::Documents,
        "commondocuments" => Folder::CommonDocuments,
        "userprofile" => Folder::UserProfile,
        "desktop" | "desktopdirectory" => Folder::Desktop,
        "programfiles" => Folder::ProgramFiles,
        "programfilesx86" => Folder::ProgramFilesX86,
        "commonprogramfiles" => Folder::CommonFiles,
        "windows" => Folder::Windows,
        "system" => Folder::System,
        _ => return None,
    })
}

/// log4net: `${NAME}` (environment, or application settings) anywhere; `%name{option}` in pattern strings.
fn log4net(value: &str) -> Text {
    let text = braces(value, &|inner, _| Text::hole(env_hole(inner.trim())), 0);
    percent_words(&text)
}

/// Replaces `%date{...}`, `%-5property{x}`, `%d{...}`, `%i`; a known variable between percent signs stays.
fn percent_words(text: &Text) -> Text {
    let mut out = Text::new();
    for part in text.parts() {
        let Part::Lit(lit) = part else {
            out.push(part.clone());
            continue;
        };
        let mut rest = lit.as_str();
        while let Some(at) = rest.find('%') {
            out.push_lit(&rest[..at]);
            let tail = &rest[at + 1..];
            let skip = tail.find(|c: char| !(c.is_ascii_digit() || matches!(c, '-' | '.'))).unwrap_or(tail.len());
            let word_end =
                tail[skip..].find(|c: char| !c.is_ascii_alphanumeric() && c != '_').map_or(tail.len(), |i| skip + i);
            let word = &tail[skip..word_end];
            if word.is_empty() || tail[word_end..].starts_with('%') {
                // `%TEMP%` is expanded with the rest of the path.
                let keep = tail[word_end..].strip_prefix('%').map_or(0, |_| word_end + 1);
                out.push_lit(&rest[at..at + 1 + keep]);
                rest = &tail[keep..];
                continue;
            }
            let (option, after) =
                match tail[word_end..].strip_prefix('{').and_then(|o| closing_brace(o).map(|e| (o, e))) {
                    Some((o, e)) => (&o[..e], &o[e + 1..]),
                    None => ("", &tail[word_end..]),
                };
            out.push_text(&percent_word(word, option));
            rest = after;
        }
        out.push_lit(rest);
    }
    out
}

fn percent_word(word: &str, option: &str) -> Text {
    match word.to_ascii_lowercase().as_str() {
        "date" | "utcdate" | "d" | "timestamp" => generated("time"),
        "processid" | "pid" => generated("pid"),
        "random" => generated("random"),
        "i" => generated("counter"),
        "env" => Text::hole(env_hole(option)),
        "envfolderpath" => special_folder(option).map_or_else(Text::unknown, Text::folder),
        "username" | "identity" => Text::from_source(Source::Identity, "user"),
        "appsetting" => Text::from_source(Source::Config, format!("appSettings/{option}")),
        _ => Text::unknown(),
    }
}

/// Serilog's rolling file sink puts `{Date}`, `{Hour}` or `{HalfHour}` into names; other braces are characters.
fn serilog(value: &str) -> Text {
    let mut out = Text::new();
    let mut rest = value;
    while let Some(at) = rest.find('{') {
        let tail = &rest[at..];
        let hole = ["{Date}", "{Hour}", "{HalfHour}"].into_iter().find(|h| tail.starts_with(h));
        out.push_lit(&rest[..at]);
        match hole {
            Some(hole) => {
                out.push_text(&generated("time"));
                rest = &tail[hole.len()..];
            }
            None => {
                out.push_lit("{");
                rest = &tail[1..];
            }
        }
    }
    out.push_lit(rest);
    out
}

/// Java system properties, logback variables with defaults, log4j 2 lookups.
fn java(inner: &str, lookup: &dyn Fn(&str) -> Option<String>, depth: usize) -> Text {
    let (name, default) = inner.split_once(":-").map_or((inner, None), |(n, d)| (n, Some(d)));
    let name = name.trim();
    if let Some(variable) = name.strip_prefix("env:") {
        return Text::hole(env_hole(variable));
    }
    let name = name.strip_prefix("sys:").unwrap_or(name);
    if name.starts_with("date:") {
        return generated("time");
    }
    match name {
        "user.home" => Text::folder(Folder::UserProfile),
        "java.io.tmpdir" => Text::folder(Folder::Temp),
        "catalina.base"
        | "catalina.home"
        | "karaf.base"
        | "karaf.home"
        | "activemq.base"
        | "activemq.home"
        | "jetty.base"
        | "jboss.server.base.dir"
        | "application.home"
        | "user.dir" => Text::folder(Folder::AppDir),
        // Properties of the virtual machine that the server runs in, which a file beside this one may set.
        "karaf.data" | "karaf.log" | "activemq.data" if lookup(name).is_none() => {
            Text::from_source(Source::Config, name)
        }
        _ => match lookup(name).or_else(|| default.map(str::to_owned)) {
            Some(value) => braces(&value, &|inner, depth| java(inner, lookup, depth), depth + 1),
            None => Text::from_source(Source::Env, name),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Location;

    fn shown(syntax: Syntax, value: &str) -> String {
        let lookup = |name: &str| match name {
            "logDirectory" => Some("${basedir}/logs".to_owned()),
            "loop" => Some("${loop}".to_owned()),
            _ => None,
        };
        Location::file(&expand(syntax, value, &lookup)).to_string()
    }

    #[test]
    fn nlog_layouts() {
        for (value, expected) in [
            ("${basedir}/a.log", "{AppDir}\\a.log"),
            ("${basedir:dir=logs:file=${shortdate}.log}", "{AppDir}\\logs\\{generated:time}.log"),
            ("${logDirectory}/${shortdate}.log", "{AppDir}\\logs\\{generated:time}.log"),
            ("${specialfolder:folder=CommonApplicationData:dir=Acme}/x", "{ProgramData}\\Acme\\x"),
            ("${environment:TEMP}\\${logger}.txt", "{Temp}\\{?}.txt"),
            ("c:/x/${when:when=a:inner=${b}}.log", "c:\\x\\{?}.log"),
            ("${loop}", "{?}"),
            ("${open", "${open"),
        ] {
            assert_eq!(shown(Syntax::Nlog, value), expected);
        }
    }

    #[test]
    fn other_languages() {
        assert_eq!(shown(Syntax::Log4net, "${LOCALAPPDATA}\\x.log"), "{LocalAppData}\\x.log");
        assert_eq!(shown(Syntax::Log4net, "%date{yyyy-MM-dd}\\%property{s}\\o.log"), "{generated:time}\\{?}\\o.log");
        assert_eq!(
            shown(Syntax::Log4net, "%envFolderPath{CommonApplicationData}\\o%processid.log"),
            "{ProgramData}\\o{generated:pid}.log"
        );
        assert_eq!(shown(Syntax::Log4net, "%TEMP%\\o.log"), "{Temp}\\o.log");
        assert_eq!(shown(Syntax::FirstWord, "${LOGS}/$host.log main"), "{env:LOGS}\\{?}.log");
        assert_eq!(shown(Syntax::FirstWord, "\"//files/C$/a b.log\" x"), "\\\\files\\C$\\a b.log");
        assert_eq!(shown(Syntax::Serilog, "logs/a-{Date}.txt"), "logs\\a-{generated:time}.txt");
        assert_eq!(
            shown(Syntax::Java, "${catalina.base}/logs/${x:-app}.%d{yyyy}.%i"),
            "{AppDir}\\logs\\app.{generated:time}.{generated:counter}"
        );
    }
}
