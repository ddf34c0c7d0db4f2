//! PowerShell expressions that call .NET or take values apart.

use super::arguments::MAX_VALUES;
use super::run::{Machine, child_of_kind, children, member_name, type_name, unwrapped};
use super::value::{Made, Scope, Value};
use crate::catalog::commands::{self, Command, Shell};
use crate::facts::{Hole, Location, Source, Text, join_paths};
use crate::read::script::batch;
use crate::read::script::bind::Bound;
use crate::read::script::call::{self, Caller};
use tree_sitter::Node;

impl<'s> Machine<'s, '_, '_> {
    /// `@{ Key = value }`
    pub(super) fn table(&mut self, node: Node<'s>, scope: &mut Scope) -> Value {
        let mut entries = Vec::new();
        let body = child_of_kind(node, "hash_literal_body").map(children).unwrap_or_default();
        for entry in body {
            let parts = children(entry);
            let (Some(key), Some(value)) = (parts.first(), parts.get(1)) else { continue };
            let key = self.slice(*key).trim_matches(['\'', '"']).to_lowercase();
            entries.push((key, self.eval(*value, scope)));
        }
        Value::Table(entries.into())
    }

    /// `$x.Name`, `[Type]::Name`
    pub(super) fn member(&mut self, node: Node<'s>, scope: &mut Scope) -> Value {
        let raw = self.slice(node);
        let behind = |lead: &str| raw.get(..lead.len()).filter(|head| head.eq_ignore_ascii_case(lead)).map(str::len);
        if let Some(lead) = behind("$myinvocation.").or_else(|| behind("$script:myinvocation.")) {
            let own = self.sink.own_path();
            // The name of a script is that of its file (documentation of about_Automatic_Variables).
            return match raw[lead..].to_lowercase().as_str() {
                "mycommand.name" => Value::text(Text::lit(own.trailing_lit().rsplit('\\').next().unwrap_or_default())),
                _ => Value::text(own),
            };
        }
        if let Some(lead) = behind("$profile.") {
            return Value::text(profile(&raw[lead..].to_lowercase()));
        }
        let parts = children(node);
        let (Some(object), Some(name)) = (parts.first(), parts.last()) else { return Value::unknown() };
        let name = self.slice(*name).trim_matches(['\'', '"']).to_lowercase();
        if let Some(value) = self.given_member(*object, &name, scope) {
            return value;
        }
        // `[Security.Principal.WindowsIdentity]::GetCurrent().Name`: whoever runs the script.
        if name == "name" && self.slice(*object).to_ascii_lowercase().ends_with("windowsidentity]::getcurrent()") {
            return Value::text(Text::from_source(Source::Identity, "USERNAME"));
        }
        let object = self.eval(*object, scope);
        match object {
            Value::Table(entries) => {
                entries.iter().find(|(k, _)| *k == name).map_or_else(Value::unknown, |(_, v)| v.clone())
            }
            Value::Object(of, Made::Type) if &*of == "console" && matches!(name.as_str(), "out" | "error" | "in") => {
                Value::Object("io.textwriter".into(), Made::Instance)
            }
            Value::Object(of, Made::Type) if of.ends_with("win32.registry") => hive(&name),
            // Members of enumerations are passed as their names.
            Value::Object(_, Made::Type) => match name.as_str() {
                "now" | "utcnow" | "today" => Value::text(Text::from_source(Source::Generated, "time")),
                "machinename" => Value::text(Text::from_source(Source::Identity, "COMPUTERNAME")),
                "currentdirectory" => Value::text(scope.here.clone()),
                _ => Value::lit(&name),
            },
            Value::Object(..) => Value::unknown(),
            Value::Null => Value::Null,
            value => match name.as_str() {
                "fullname" | "path" | "definition" | "providerpath" | "value" | "tostring" | "pspath" => value,
                "directoryname" | "directory" | "parent" | "psparentpath" => value.map(call::parent),
                "name" | "basename" | "pschildname" => {
                    let names = value.map(|t| match t.as_lit() {
                        Some(s) => Text::lit(s.rsplit(['\\', '/']).next().unwrap_or(s)),
                        None => Text::unknown(),
                    });
                    if matches!(value, Value::Paths(_)) { Value::Paths(names.texts()) } else { names }
                }
                _ => Value::unknown(),
            },
        }
    }

    /// What the script itself has given a property.
    fn given_member(&mut self, object: Node<'s>, name: &str, scope: &Scope) -> Option<Value> {
        let variable = Some(unwrapped(object)).filter(|object| object.kind() == "variable")?;
        let variable = self.slice(variable).trim_start_matches('$').trim_matches(['{', '}']).to_lowercase();
        let member = member_name(super::strings::strip_scope(&variable), name);
        let (value, at) = scope.get(&member)?;
        self.used.push((member, *at));
        Some(value.clone())
    }

    /// `$x[0]`, `$table['key']`
    pub(super) fn element(&mut self, node: Node<'s>, scope: &mut Scope) -> Value {
        let parts = children(node);
        let (Some(object), Some(index)) = (parts.first(), parts.get(1)) else { return Value::unknown() };
        let key = self.slice(*index).trim_matches(['\'', '"', '[', ']', ' ']).to_lowercase();
        if let Some(value) = self.given_member(*object, &key, scope) {
            return value;
        }
        match self.eval(*object, scope) {
            Value::Table(entries) => {
                entries.iter().find(|(k, _)| *k == key).map_or_else(Value::unknown, |(_, v)| v.clone())
            }
            Value::Texts(texts) if is_all_arguments(&texts) => {
                let number = key.parse::<u32>().ok().and_then(|n| n.checked_add(1));
                number.map_or_else(Value::unknown, |n| Value::text(Text::from_source(Source::Arg, n.to_string())))
            }
            Value::Texts(texts) => match key.parse::<usize>().ok().and_then(|i| texts.get(i)) {
                Some(text) => Value::text(text.clone()),
                None => Value::unknown(),
            },
            value => value,
        }
    }

    /// `"{0}\{1}" -f $a, $b`
    pub(super) fn format(&mut self, node: Node<'s>, scope: &mut Scope) -> Value {
        let parts = children(node);
        let (Some(pattern), Some(values)) = (parts.first(), parts.last()) else { return Value::unknown() };
        let pattern = self.eval(*pattern, scope);
        // Each argument by itself: a list literal would be one value with several texts.
        let mut list = *values;
        while list.named_child_count() == 1 && list.kind() != "array_literal_expression" {
            match list.named_child(0) {
                Some(child) if child.kind().ends_with("_expression") => list = child,
                _ => break,
            }
        }
        let arguments: Vec<Value> = if list.kind() == "array_literal_expression" {
            children(list).into_iter().map(|c| self.eval(c, scope)).collect()
        } else {
            vec![self.eval(*values, scope)]
        };
        pattern.map(|text| match text.as_lit() {
            Some(pattern) => fill(pattern, &arguments),
            None => Text::unknown(),
        })
    }

    /// `[Type]::Method(...)`, `$object.Method(...)`
    pub(super) fn invoke(&mut self, node: Node<'s>, scope: &mut Scope) -> Value {
        let parts = children(node);
        let (Some(object), Some(member)) = (parts.first(), parts.get(1)) else { return Value::unknown() };
        let method = self.slice(*member).trim_matches(['\'', '"']).to_lowercase();
        let is_type = object.kind() == "type_literal";
        if CHANGING.contains(&method.as_str()) {
            self.sink.queries.may_change();
        }
        let receiver = self.eval(*object, scope);
        let arguments: Vec<Value> = child_of_kind(node, "argument_list")
            .and_then(|list| child_of_kind(list, "argument_expression_list"))
            .map(children)
            .unwrap_or_default()
            .into_iter()
            .map(|argument| {
                let value = self.eval(argument, scope);
                let is_open = value.texts().iter().all(|text| text.as_hole().is_some());
                match is_open && is_stream(self.slice(argument)) {
                    true => Value::Object("io.stream".into(), Made::Instance),
                    false => value,
                }
            })
            .collect();
        match (&receiver, is_type) {
            (Value::Object(name, _), true) => {
                if let Some(value) = pure_static(name, &method, &arguments, scope) {
                    return value;
                }
                if method == "new" {
                    return self.construct(&name.clone(), &arguments, node, scope);
                }
                let name = name.clone();
                self.dotnet(&format!("[{name}]::{method}"), &arguments, node, scope);
                if OPENING.contains(&method.as_str()) {
                    return Value::Object(name, Made::Instance);
                }
                Value::text(Text::from_source(Source::Output, method))
            }
            // A key of the registry is the path to it.
            (Value::Texts(_) | Value::Paths(_), _) if KEYS.contains(&method.as_str()) && is_key(&receiver) => {
                let below = arguments.first().cloned().unwrap_or_else(Value::unknown);
                let key = receiver.with(&below, |key, below| key.clone().concat(&Text::lit("\\")).concat(below));
                if method == "createsubkey" {
                    self.dotnet(".createsubkey", std::slice::from_ref(&key), node, scope);
                }
                key
            }
            (Value::Texts(_) | Value::Paths(_), _) if method == "setvalue" && is_key(&receiver) => {
                let all: Vec<Value> = std::iter::once(receiver).chain(arguments).collect();
                self.dotnet(".setvalue", &all, node, scope);
                Value::Null
            }
            (Value::Texts(_) | Value::Paths(_), _) => match pure_text(&receiver, &method, &arguments) {
                Some(value) => value,
                None => {
                    self.dotnet(&format!(".{method}"), &arguments, node, scope);
                    Value::unknown()
                }
            },
            _ => {
                self.dotnet(&format!(".{method}"), &arguments, node, scope);
                match (&receiver, method.as_str()) {
                    // `.CreateShortcut(path)` gives an object whose later `.Save()` has no arguments.
                    (_, "getfolderpath" | "expandenvironmentvariables") => {
                        arguments.into_iter().next().unwrap_or(Value::Null)
                    }
                    _ => Value::unknown(),
                }
            }
        }
    }

    /// `New-Object Type args`, `[Type]::new(args)`
    pub(super) fn construct(&mut self, name: &str, arguments: &[Value], node: Node<'s>, scope: &mut Scope) -> Value {
        self.dotnet(&format!("new {name}"), arguments, node, scope);
        let class = name.rsplit('.').next().unwrap_or(name);
        if name.contains("data") && CLIENTS.iter().any(|end| class.ends_with(end)) && !arguments.is_empty() {
            // A query may read in several ways, and then each would be an argument of its own.
            let query = arguments.first().filter(|_| arguments.len() < 4);
            self.sink.queries.tell(query.map(Value::texts).as_deref().unwrap_or_default());
        }
        if name == "io.fileinfo" || name == "io.directoryinfo" || name == "uri" {
            return arguments.first().cloned().unwrap_or_else(Value::unknown);
        }
        Value::Object(name.into(), Made::Instance)
    }

    /// A call of a method that the catalogue may know.
    pub(super) fn dotnet(&mut self, name: &str, arguments: &[Value], node: Node<'s>, scope: &Scope) {
        let Some(command) = commands::find(Shell::Powershell, name) else { return };
        let places = arguments.first().map_or(1, |place| place.as_parts().len());
        let first = self.sink.reading.facts.len();
        for place in 0..places.clamp(1, MAX_VALUES) {
            self.dotnet_once(command, name, &Self::bound(arguments, place), node, scope);
        }
        self.sink.fold(first);
    }

    /// The arguments, with one of the values of the first, which is the place of most methods; of the others, which may
    /// be lists of data, what all of their values have in common.
    fn bound(arguments: &[Value], place: usize) -> Bound {
        let mut bound = Bound::default();
        for (i, argument) in arguments.iter().enumerate() {
            let texts = argument.as_parts();
            let text = match &*texts {
                [one] => one.clone(),
                several if i == 0 => several.get(place).cloned().unwrap_or_default(),
                [first, rest @ ..] => rest.iter().fold(first.clone(), |a, b| a.merge(b)),
                [] => Text::new(),
            };
            // An object that was made here is no path.
            if !matches!(argument, Value::Object(_, Made::Instance)) {
                bound.options.push((format!("a{}", i + 1), Some(text.clone())));
            }
            bound.positional.push(text);
        }
        bound
    }

    fn dotnet_once(&mut self, command: &'static Command, name: &str, bound: &Bound, node: Node<'s>, scope: &Scope) {
        let site = self.site(node);
        let source = self.quoted(node);
        let trail = self.trail();
        let caller =
            Caller { shell: Shell::Powershell, here: &scope.here, site: &site, source: &source, trail: &trail };
        for nested in call::apply(command, &Text::lit(name), bound, caller, self.sink) {
            let own = self.own_folder.clone().concat(&Text::lit("\\"));
            batch::nested(&nested, &scope.here, &own, &site, self.sink);
        }
    }
}

/// How classes of ADO.NET are called whose first argument is a query.
const CLIENTS: &[&str] = &["command", "dataadapter"];
/// Methods of clients of databases that change what is there (MS documentation: "SqlCommand", "SqlBulkCopy", "DataAdapter").
pub(super) const CHANGING: &[&str] =
    &["executenonquery", "executenonqueryasync", "writetoserver", "update", "savechanges"];
/// What tells of a query in a script: where it is given, and where it is sent.
pub(super) const QUERYING: &[&str] = &["commandtext", "executereader", "executescalar", "fill"];

/// Static methods that give an object on what they open or make.
const OPENING: &[&str] = &["create", "createtext", "open", "openread", "openwrite", "opentext", "appendtext", "load"];

/// Is the argument a stream or a writer, by the name of the variable that holds it?
fn is_stream(argument: &str) -> bool {
    let name = argument.trim().strip_prefix('$').unwrap_or_default().to_lowercase();
    name.ends_with("writer") || name.ends_with("stream")
}

/// Methods that give a key below a key of the registry.
const KEYS: &[&str] = &["createsubkey", "opensubkey"];

/// A root of the registry, by its name in .NET (MS documentation: "Registry Class", "RegistryHive Enum").
fn hive(name: &str) -> Value {
    match name.to_lowercase().as_str() {
        "localmachine" => Value::lit("HKLM:"),
        "currentuser" => Value::lit("HKCU:"),
        "classesroot" => Value::lit("HKCR:"),
        "users" => Value::lit("HKU:"),
        _ => Value::unknown(),
    }
}

fn is_key(value: &Value) -> bool {
    value.texts().iter().all(|text| text.leading_lit().get(..2).is_some_and(|lead| lead.eq_ignore_ascii_case("HK")))
}

/// Static methods that only compute.
fn pure_static(name: &str, method: &str, arguments: &[Value], scope: &Scope) -> Option<Value> {
    let first = || arguments.first().cloned().unwrap_or_else(Value::unknown);
    Some(match (name, method) {
        ("io.path", "combine") => {
            arguments.iter().cloned().reduce(|a, b| a.with(&b, join_paths)).unwrap_or_else(Value::unknown)
        }
        ("io.path", "gettemppath") => Value::text(Text::parse("{Temp}")),
        ("io.path", "gettempfilename") => Value::text(Text::parse("{Temp}\\{generated:random}.tmp")),
        ("io.path", "getrandomfilename") => Value::text(Text::from_source(Source::Generated, "random")),
        ("io.path", "getfullpath") => first(),
        ("io.path", "getdirectoryname") => first().map(call::parent),
        ("io.path", _) => Value::unknown(),
        ("microsoft.win32.registrykey" | "win32.registrykey", "openbasekey") => {
            hive(first().first().as_ref().and_then(Text::as_lit).unwrap_or_default())
        }
        ("guid", "newguid") => Value::text(Text::from_source(Source::Generated, "guid")),
        ("environment", "getfolderpath") => first().map(special_folder),
        ("environment", "getenvironmentvariable") => first().map(|t| match t.as_lit() {
            Some(name) => super::value::environment(name),
            None => Text::from_source(Source::Env, "*"),
        }),
        ("environment", "expandenvironmentvariables") => first().map(|t| Location::file(t).text().clone()),
        ("io.directory", "getcurrentdirectory") => Value::text(scope.here.clone()),
        ("string", "format") => match arguments.split_first() {
            Some((pattern, rest)) => pattern.map(|t| t.as_lit().map_or_else(Text::unknown, |p| fill(p, rest))),
            None => Value::unknown(),
        },
        ("convert", _) | ("string", _) | ("math", _) | ("regex", _) | ("text.encoding", _) => Value::unknown(),
        _ => return None,
    })
}

/// The members of `$PROFILE` (about_Profiles).
fn profile(which: &str) -> Text {
    let folder = if which.starts_with("allusers") {
        "{System}\\WindowsPowerShell\\v1.0"
    } else {
        "{Documents}\\WindowsPowerShell"
    };
    let file = if which.ends_with("allhosts") { "profile.ps1" } else { "Microsoft.PowerShell_profile.ps1" };
    Text::parse(&format!("{folder}\\{file}"))
}

/// `Environment.SpecialFolder` by name.
fn special_folder(name: &Text) -> Text {
    let name = name.as_lit().unwrap_or_default().to_lowercase();
    Text::parse(match name.as_str() {
        "applicationdata" => "{AppData}",
        "localapplicationdata" => "{LocalAppData}",
        "commonapplicationdata" => "{ProgramData}",
        "desktop" | "desktopdirectory" => "{Desktop}",
        "commondesktopdirectory" => "{CommonDesktop}",
        "mydocuments" | "personal" => "{Documents}",
        "commondocuments" => "{CommonDocuments}",
        "programfiles" => "{ProgramFiles}",
        "programfilesx86" => "{ProgramFilesX86}",
        "system" => "{System}",
        "windows" => "{Windows}",
        "startmenu" => "{StartMenu}",
        "commonstartmenu" => "{CommonStartMenu}",
        "startup" => "{Startup}",
        "commonstartup" => "{CommonStartup}",
        "userprofile" => "{UserProfile}",
        _ => "{?}",
    })
}

/// Methods of strings that only compute.
fn pure_text(value: &Value, method: &str, arguments: &[Value]) -> Option<Value> {
    let literal = |i: usize| {
        arguments.get(i).and_then(|a| a.texts().first().and_then(|t| t.as_lit().map(str::to_owned))).unwrap_or_default()
    };
    Some(match method {
        "tostring" | "trim" | "trimend" | "trimstart" | "normalize" => value.map(|t| {
            let trimmed = match method {
                "trimend" => t.trailing_lit().trim_end_matches(literal(0).chars().next().unwrap_or(' ')).len(),
                _ => return t.clone(),
            };
            let tail = &t.trailing_lit()[..trimmed];
            let count = t.parts().len();
            match t.parts().last() {
                Some(crate::facts::Part::Lit(_)) => Text::from_parts(
                    t.parts()[..count - 1].iter().cloned().chain([crate::facts::Part::Lit(tail.to_owned())]),
                ),
                _ => t.clone(),
            }
        }),
        "tolower" | "toupper" | "tolowerinvariant" | "toupperinvariant" => value.clone(),
        "replace" => {
            let (from, to) = (literal(0), literal(1));
            value.map(|t| match t.as_lit() {
                Some(s) if !from.is_empty() => Text::lit(s.replace(&from, &to)),
                _ => t.clone(),
            })
        }
        "substring" | "split" | "remove" | "insert" | "padleft" | "padright" | "indexof" | "contains"
        | "startswith" | "endswith" | "equals" | "gettype" | "compareto" | "gethashcode" => Value::unknown(),
        _ => return None,
    })
}

/// Fills `{0}` and `{1:x}`.
fn fill(pattern: &str, arguments: &[Value]) -> Text {
    let mut out = Text::new();
    let mut rest = pattern;
    while let Some((before, tail)) = rest.split_once('{') {
        out.push_lit(before);
        let Some((inner, after)) = tail.split_once('}') else {
            out.push_lit("{");
            rest = tail;
            break;
        };
        let number = inner.split([':', ',']).next().unwrap_or_default().parse::<usize>().ok();
        match number.and_then(|n| arguments.get(n)).map(Value::texts) {
            Some(texts) if texts.len() == 1 => out.push_text(&texts[0]),
            _ => out.push_text(&Text::unknown()),
        }
        rest = after;
    }
    out.push_lit(rest);
    out
}

/// The type a `New-Object` names.
pub(super) fn object_type(name: &Text) -> String {
    type_name(name.as_lit().unwrap_or_default())
}

/// `$args`
fn is_all_arguments(texts: &[Text]) -> bool {
    matches!(texts, [text] if matches!(text.as_hole(), Some(Hole::From(Source::Arg, name)) if name == "*"))
}
