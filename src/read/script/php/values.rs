//! What expressions of PHP are worth, as far as texts and paths go (PHP manual, "Function Reference").

use super::Script;
use super::hosted::Place;
use crate::facts::{Source, Text, env_hole, join_paths};
use crate::read::script::call;
use crate::read::script::calls::Found;

/// Most folders that `dirname` goes up.
const MAX_LEVELS: usize = 16;

/// Constants, and what the request and the server bring.
pub(super) fn named(name: &str, place: &Place) -> Text {
    let lower = name.to_lowercase();
    match lower.as_str() {
        "__dir__" => place.folder(),
        "__file__" => place.file(),
        "$_server.document_root" | "abspath" => place.root(),
        "directory_separator" => Text::lit("\\"),
        "php_eol" => Text::lit("\n"),
        "file_append" => Text::lit("FILE_APPEND"),
        // PHP manual, "Converting to string": null is the empty one.
        "null" => Text::new(),
        "true" | "false" | "lock_ex" => Text::lit(lower),
        _ if lower.starts_with("$_env.") => Text::hole(env_hole(&name[6..])),
        _ if ["$_files", "$_post", "$_get", "$_request", "$_cookie"].iter().any(|global| lower.starts_with(global)) => {
            Text::from_source(Source::Input, "request")
        }
        _ => Text::unknown(),
    }
}

impl Script<'_, '_> {
    /// Functions that only compute.
    pub(super) fn function(&self, call: &Found<'_>) -> Text {
        let argument = |n: usize| self.argument(call, n).unwrap_or_default();
        let name = call.name.to_lowercase();
        let place = self.language.place;
        let below = |folder: &str| {
            let root = join_paths(&place.root(), &Text::lit(folder));
            join_paths(&root, &argument(0))
        };
        match name.as_str() {
            "dirname" => {
                let levels = argument(1).as_lit().and_then(|n| n.parse::<usize>().ok()).unwrap_or(1);
                (0..levels.min(MAX_LEVELS)).fold(argument(0), |path, _| call::parent(&path))
            }
            "realpath" | "ltrim" | "trim" | "strtolower" | "strtoupper" | "strval" | "str_replace_first"
            | "urldecode" | "rawurldecode" | "stripslashes" | "escapeshellarg" => argument(0),
            "rtrim" => trimmed(argument(0)),
            "constant" => argument(0).as_lit().map_or_else(Text::unknown, |name| self.name(name)),
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
            "getcwd" => place.folder(),
            // Laravel, "Helpers".
            "storage_path" => below("storage"),
            "public_path" => below("public"),
            "base_path" => below(""),
            _ => Text::unknown(),
        }
    }

    /// `sprintf('%s/%s', $a, $b)`
    fn printed(&self, call: &Found<'_>) -> Text {
        let format = self.argument(call, 0).unwrap_or_default();
        let Some(format) = format.as_lit() else { return Text::unknown() };
        let mut out = Text::new();
        for (number, piece) in format.split("%s").enumerate() {
            if number > 0 {
                out.push_text(&self.argument(call, number).unwrap_or_else(Text::unknown));
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
