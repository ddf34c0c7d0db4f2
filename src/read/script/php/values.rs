//! What expressions of PHP are worth, as far as texts and paths go (PHP manual, "Function Reference").

use super::Php;
use crate::facts::{Source, Text, env_hole, join_paths};
use crate::read::script::call;
use crate::read::script::calls::{Argument, Found, Part};

/// Most runs of a text: values that are made of themselves would grow without end.
const MAX_PARTS: usize = 48;
/// Most folders that `dirname` goes up.
const MAX_LEVELS: usize = 16;

/// The variable that stands for what a call of a function gave.
pub(super) fn result(call: &Found<'_>) -> String {
    format!("{}@{}:{}", call.name.to_lowercase(), call.line, call.column)
}

impl Php<'_, '_> {
    /// What an expression is worth.
    pub(super) fn value(&self, argument: &Argument<'_>) -> Text {
        let mut out = Text::new();
        for part in &argument.parts {
            if out.parts().len() > MAX_PARTS {
                return Text::unknown();
            }
            match part {
                Part::Text(text) => out.push_lit(text),
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
            "__dir__" => self.place.folder(),
            "__file__" => self.place.file(),
            "$_server.document_root" | "abspath" => self.place.root(),
            "directory_separator" => Text::lit("\\"),
            "php_eol" => Text::lit("\n"),
            "file_append" => Text::lit("FILE_APPEND"),
            "null" | "true" | "false" | "lock_ex" => Text::lit(lower),
            _ if lower.starts_with("$_env.") => Text::hole(env_hole(&name[6..])),
            _ if ["$_files", "$_post", "$_get", "$_request", "$_cookie"]
                .iter()
                .any(|global| lower.starts_with(global)) =>
            {
                Text::from_source(Source::Input, "request")
            }
            _ => Text::unknown(),
        }
    }

    /// Functions that only compute.
    fn computed(&self, call: &Found<'_>) -> Text {
        let argument = |n: usize| call.arguments.get(n).map(|a| self.value(a)).unwrap_or_default();
        let name = call.name.to_lowercase();
        if let Some(value) = self.variables.get(&result(call)) {
            return value;
        }
        let below = |folder: &str| {
            let root = join_paths(&self.place.root(), &Text::lit(folder));
            join_paths(&root, &argument(0))
        };
        match name.as_str() {
            "dirname" => {
                let levels = argument(1).as_lit().and_then(|n| n.parse::<usize>().ok()).unwrap_or(1);
                (0..levels.min(MAX_LEVELS)).fold(argument(0), |path, _| call::parent(&path))
            }
            "realpath" | "rtrim" | "ltrim" | "trim" | "strtolower" | "strtoupper" | "strval" | "str_replace_first"
            | "urldecode" | "rawurldecode" | "stripslashes" | "escapeshellarg" | "constant" => match name.as_str() {
                "rtrim" => trimmed(argument(0)),
                "constant" => argument(0).as_lit().map_or_else(Text::unknown, |name| self.name(name)),
                _ => argument(0),
            },
            "basename" | "htmlspecialchars" | "preg_replace" | "filter_var" | "pathinfo" => {
                let given = argument(if name == "preg_replace" { 2 } else { 0 });
                match given.as_hole() {
                    Some(_) => given,
                    None => Text::unknown(),
                }
            }
            "str_replace" => match (argument(0).as_lit(), argument(1).as_lit(), argument(2).as_lit()) {
                (Some(from), Some(to), Some(text)) if !from.is_empty() => Text::lit(text.replace(from, to)),
                _ => Text::unknown(),
            },
            "sprintf" => self.printed(call),
            "getenv" | "env" => match argument(0).as_lit() {
                Some(name) => Text::hole(env_hole(name)),
                None => Text::unknown(),
            },
            "sys_get_temp_dir" => Text::folder(crate::facts::Folder::Temp),
            "tempnam" => join_paths(&argument(0), &Text::from_source(Source::Generated, "random")),
            "date" | "time" | "microtime" | "gmdate" | "strftime" => Text::from_source(Source::Generated, "time"),
            "uniqid" | "rand" | "mt_rand" | "random_int" | "bin2hex" | "random_bytes" => {
                Text::from_source(Source::Generated, "random")
            }
            "getcwd" => self.place.folder(),
            // Laravel, "Helpers".
            "storage_path" => below("storage"),
            "public_path" => below("public"),
            "base_path" => below(""),
            _ => Text::unknown(),
        }
    }

    /// `sprintf('%s/%s', $a, $b)`
    fn printed(&self, call: &Found<'_>) -> Text {
        let format = call.arguments.first().map(|a| self.value(a)).unwrap_or_default();
        let Some(format) = format.as_lit() else { return Text::unknown() };
        let mut out = Text::new();
        for (number, piece) in format.split("%s").enumerate() {
            if number > 0 {
                out.push_text(&call.arguments.get(number).map_or_else(Text::unknown, |a| self.value(a)));
            }
            // Another directive leaves the rest open.
            match piece.split_once('%') {
                Some((plain, _)) => {
                    out.push_lit(plain);
                    out.push_text(&Text::unknown());
                }
                None => out.push_lit(piece),
            }
        }
        out
    }
}

/// Without the separators at the end.
fn trimmed(text: Text) -> Text {
    use crate::facts::Part as P;
    let mut parts = text.parts().to_vec();
    if let Some(P::Lit(last)) = parts.last_mut() {
        last.truncate(last.trim_end_matches(['/', '\\']).len());
    }
    Text::from_parts(parts.into_iter().filter(|part| !matches!(part, P::Lit(lit) if lit.is_empty())))
}
