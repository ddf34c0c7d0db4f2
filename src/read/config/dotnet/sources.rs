//! Sources of a web application that lie beside its configuration: whether they use the session.

use crate::discover::{Application, Artifact};
use crate::read::Input;
use memchr::memmem;

/// Extensions of pages of ASP.NET and of the code behind them. Those of classic ASP have a session of their own.
const SOURCES: &[&str] =
    &["cs", "vb", "fs", "aspx", "ascx", "ashx", "asmx", "asax", "master", "cshtml", "vbhtml", "svc"];
/// Most sources that are looked through, and the largest: beyond, nothing is said.
const MAX_SOURCES: usize = 2_000;
const MAX_SOURCE: u64 = 1 << 20;

/// How many sources there are, here and in the projects beside that this application may be built with, when none of them
/// uses the session; nothing when there are none here, or one does.
pub(super) fn without_session(input: &Input<'_>) -> Option<usize> {
    let own = folder_of(&input.artifact.path)?;
    let solution = folder_of(own.trim_end_matches('/')).unwrap_or("");
    let others = other_sites(input.app, solution, own);
    let of_other = |path: &str| others.iter().any(|folder| path.starts_with(folder));
    let sources: Vec<&Artifact> = below(input.app, solution)
        .filter(|a| SOURCES.contains(&a.extension().as_str()) && !of_other(&a.path))
        .take(MAX_SOURCES + 1)
        .collect();
    // The events of an application alone are no code of it.
    let is_own = |path: &str| path.starts_with(own) && !path.ends_with(".asax");
    if sources.len() > MAX_SOURCES || !sources.iter().any(|a| is_own(&a.path)) {
        return None;
    }
    for source in &sources {
        let bytes = source.read(MAX_SOURCE).ok().filter(|_| source.size <= MAX_SOURCE)?;
        if uses_session(&bytes) {
            return None;
        }
    }
    Some(sources.len())
}

/// The folder of a path, with the separator at its end.
fn folder_of(path: &str) -> Option<&str> {
    path.rfind('/').map(|at| &path[..=at])
}

fn below<'a>(app: &'a Application, folder: &'a str) -> impl Iterator<Item = &'a Artifact> {
    let at = app.artifacts.partition_point(|a| a.path.as_str() < folder);
    app.artifacts[at..].iter().take_while(move |a| a.path.starts_with(folder))
}

/// Folders beside that are web applications themselves: what they keep is in their own session.
fn other_sites<'a>(app: &'a Application, solution: &'a str, own: &str) -> Vec<&'a str> {
    let configurations = below(app, solution).filter(|a| a.file_name().eq_ignore_ascii_case("web.config"));
    let folders = configurations.filter_map(|a| folder_of(&a.path));
    folders.filter(|folder| !own.starts_with(folder) && !folder.starts_with(own)).take(MAX_SOURCES).collect()
}

/// Members of `HttpSessionState` that put something into it, or lead to what does (MS documentation, .NET API).
const STORING: &[&str] = &["Add", "Contents", "Item", "StaticObjects"];
/// Members that only tell, take something out, or set how long the session lasts: with nothing in it, it is none.
const OTHERS: &[&str] = &[
    "Abandon",
    "Clear",
    "CodePage",
    "Count",
    "IsCookieless",
    "IsNewSession",
    "IsReadOnly",
    "Keys",
    "LCID",
    "Mode",
    "Remove",
    "RemoveAll",
    "RemoveAt",
    "SessionID",
    "Timeout",
];
/// Members of what MVC keeps for the next request that put nothing into it.
const TEMPORARY: &[&str] =
    &["Clear", "ContainsKey", "Count", "Keep", "Keys", "Load", "Peek", "Remove", "Save", "TryGetValue", "Values"];
/// What has a property `Session` that is the one of ASP.NET.
const OWNERS: &[&str] = &["Context", "HttpContext", "Current", "Page", "this", "Me", "base"];
/// Its types, and the interface by which a handler asks to write to it.
const TYPES: &[&str] = &["HttpSessionState", "IRequiresSessionState"];

/// Does a source put something into the session, or into what MVC keeps in it for the next request? What only reads finds
/// nothing where nobody does.
fn uses_session(source: &[u8]) -> bool {
    TYPES.iter().any(|name| memmem::find(source, name.as_bytes()).is_some())
        || accesses(source, "Session").any(|(before, after)| is_of_asp_net(before, after))
        || accesses(source, "TempData").any(|(_, after)| match member_of(after) {
            Some(member) => !TEMPORARY.contains(&member),
            None => is_stored(after),
        })
}

/// The text before and behind each place where a word stands alone.
fn accesses<'a>(source: &'a [u8], word: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    const NEAR: usize = 32;
    /// As far as the key of an item may reach.
    const KEY: usize = 160;
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
    memmem::find_iter(source, word.as_bytes()).filter_map(move |at| {
        let (before, after) = (&source[at.saturating_sub(NEAR)..at], &source[at + word.len()..]);
        let after = &after[..after.len().min(KEY)];
        let alone = !before.last().is_some_and(is_part) && !after.first().is_some_and(is_part);
        (alone && !is_remark(source, at)).then(|| (ascii_end(before), ascii_start(after).trim_start()))
    })
}

/// The line is a remark of C# or of Visual Basic.
fn is_remark(source: &[u8], at: usize) -> bool {
    let start = memchr::memrchr(b'\n', &source[..at]).map_or(0, |end| end + 1);
    let line = source[start..at].trim_ascii_start();
    line.starts_with(b"//") || line.starts_with(b"'")
}

/// The part behind the last character that is not ASCII, and the part before the first one.
fn ascii_end(bytes: &[u8]) -> &str {
    let from = bytes.iter().rposition(|b| !b.is_ascii()).map_or(0, |at| at + 1);
    std::str::from_utf8(&bytes[from..]).unwrap_or_default()
}

fn ascii_start(bytes: &[u8]) -> &str {
    let to = bytes.iter().position(|b| !b.is_ascii()).unwrap_or(bytes.len());
    std::str::from_utf8(&bytes[..to]).unwrap_or_default()
}

fn is_of_asp_net(before: &str, after: &str) -> bool {
    let owner = before.strip_suffix('.').map(|chain| {
        let name = chain.trim_end_matches(|c: char| c.is_alphanumeric() || c == '_');
        &chain[name.len()..]
    });
    match member_of(after) {
        Some(member) if OTHERS.contains(&member) => false,
        Some(member) => STORING.contains(&member) || owner.is_some_and(|o| OWNERS.contains(&o)),
        // The whole may be handed on.
        None if !after.starts_with(['[', '(']) => owner.is_some_and(|o| OWNERS.contains(&o)),
        None => (after.starts_with('[') || after[1..].trim_start().starts_with('"')) && is_stored(after),
    }
}

fn member_of(after: &str) -> Option<&str> {
    let rest = after.strip_prefix('.')?;
    Some(&rest[..rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len())])
}

/// Is something stored under the key in these brackets? Also where that cannot be told.
fn is_stored(after: &str) -> bool {
    let Some(open) = after.chars().next().filter(|c| matches!(c, '[' | '(')) else { return false };
    let close = if open == '[' { ']' } else { ')' };
    let mut depth = 0usize;
    let end = after.char_indices().find(|(_, c)| {
        depth = if *c == open { depth + 1 } else { depth.saturating_sub(usize::from(*c == close)) };
        depth == 0
    });
    let Some((end, _)) = end else { return true };
    let rest = after[end + 1..].trim_start();
    let is_compared = rest.starts_with("==") || rest.starts_with("=>");
    let signs = ["=", "+=", "-=", "&=", "??=", "++", "--"];
    // What is kept may be changed where it lies, but somebody has put it there.
    !is_compared && signs.iter().any(|sign| rest.starts_with(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_of_asp_net_is_told_from_others() {
        for source in [
            "Session[\"Cart\"] = x;",
            "Session (\"Cart\") = x",
            "Session[Key(\"a\")] += 1;",
            "Session[\"a\"] ??= new Cart();",
            "var s = HttpContext.Current.Session; s[\"a\"] = 1;",
            "Session[\"a",
            "HttpContext.Current.Session.Store(x);",
            "Session.Add(\"Cart\", x);",
            "TempData[\"Message\"] = x;",
            "TempData.Put(\"Message\", x);",
            "class H : IHttpHandler, IRequiresSessionState",
            "\u{e9}Session[0] = 1",
        ] {
            assert!(uses_session(source.as_bytes()), "{source}");
        }
        for source in [
            "Session.Save(order);",
            "x = Session [\"Cart\"] as Cart;",
            "if (Session[\"Cart\"] == null) Session.Abandon();",
            "log(Session.SessionID, HttpContext.Current.Session.SessionID);",
            "@TempData[\"Message\"]",
            "TempData.Keep(\"Message\");",
            "class H : IHttpHandler, IReadOnlySessionState",
            "var session = OpenSession(); session.Query();",
            "this.DebugSession[0]",
            "protected void Session_Start(object sender, EventArgs e) { }",
            "// a Session of the user",
            "x = 1;\n    // ip = HttpContext.Session.Keys",
            "' Session(\"Cart\") = x",
            "enum Kind { Session }",
        ] {
            assert!(!uses_session(source.as_bytes()), "{source}");
        }
    }
}
