//! What a page does with the body of a request: it writes it into a stream or a file that it has opened, or leaves that to a
//! component for uploads.

use super::{Host, Script};
use crate::facts::{Body, Hole, Origin, Part, Site, Source, Store, Text, Trait};
use crate::read::script::calls::{self, Argument, Found};
use crate::read::script::sink::Sink;
use std::collections::{HashMap, HashSet};

/// What a page has received, and where it is.
#[derive(Default)]
pub(super) struct Received {
    /// Variables with streams that hold some of it.
    streams: HashSet<String>,
    /// Variables with files that are open.
    files: HashMap<String, Opened>,
    /// Variables with rows of a database.
    rows: HashSet<String>,
    /// A component for uploads is at work.
    has_uploads: bool,
}

/// A file that is open.
struct Opened {
    /// Where it was opened.
    site: Site,
    /// How often something that a request brought is put into it, and how often something of a database. A report of
    /// what the database holds repeats what was asked for.
    received: usize,
    recorded: usize,
    /// It was said to hold what requests bring.
    is_told: bool,
}

/// Methods that open a file (MS documentation, "FileSystemObject").
const OPENING: [&str; 3] = ["createtextfile", "opentextfile", "openastextstream"];
/// Methods that put something into a stream or a file (MS documentation, "TextStream", "Stream Object (ADO)").
const WRITING: [&str; 3] = ["write", "writeline", "writetext"];
/// Methods that give rows of a database (MS documentation, "ADO API reference").
const QUERYING: [&str; 2] = ["execute", "getrows"];
/// How the class of an object that holds them ends.
const ROWS: &str = ".recordset";
/// Fields of a database that are written to a report for one of a request, at least.
const ROWS_OF_REPORT: usize = 3;
/// Classes whose `Execute` asks no database.
const NO_DATABASE: [&str; 2] = ["regexp", "wscript.shell"];
/// Deepest expression in which rows are looked for.
const MAX_DEPTH: usize = 8;
/// Methods that leave on the disk what the object holds.
const SAVING: [&str; 3] = ["savetofile", "saveas", "save"];

impl Script<'_, '_> {
    /// `Set file = system.CreateTextFile(path)`: where the file was opened. A component for uploads says what it is there for.
    pub(super) fn opened(&mut self, name: &str, value: &Argument<'_>) {
        let call = |of: &[&str]| match value.parts.as_slice() {
            [calls::Part::Call(call)] if of.contains(&method(&call.name.to_lowercase())) => Some(call),
            _ => None,
        };
        let site = call(&OPENING).map(|call| self.site(call));
        let class = self.language.objects.get(name);
        let asks = call(&QUERYING).is_some_and(|call| {
            let object = call.name.to_lowercase();
            let class = object.split('.').next().and_then(|object| self.language.objects.get(object));
            // What is asked of a database begins with a word of its language, what a pattern looks through may be anything.
            let begins = |n| self.argument(call, n).is_none_or(|asked: Text| !asked.leading_lit().is_empty());
            begins(0) && class.is_none_or(|class| !NO_DATABASE.contains(&class.as_str()))
        });
        let has_rows = asks || class.is_some_and(|class| class.ends_with(ROWS));
        let is_upload = class.is_some_and(|class| is_for_uploads(class));
        let received = &mut self.language.received;
        received.streams.remove(name);
        received.has_uploads |= is_upload;
        match has_rows {
            true => received.rows.insert(name.to_owned()),
            false => received.rows.remove(name),
        };
        match site {
            Some(site) => {
                received.files.insert(name.to_owned(), Opened { site, received: 0, recorded: 0, is_told: false })
            }
            None => received.files.remove(name),
        };
    }

    /// A call of a method, which may put what was received into a stream or an open file; that has said before what it does.
    pub(super) fn receives(&mut self, name: &str, found: &Found<'_>, sink: &mut Sink<'_>) {
        let Some((object, method)) = name.rsplit_once('.').filter(|_| self.language.host == Host::Web) else { return };
        let is_first = !object.contains('.');
        self.language.received.has_uploads |= method == "upload" && is_first;
        if method == "copyto"
            && self.language.received.streams.contains(object)
            && let Some([calls::Part::Other(to)]) = found.arguments.first().map(|to| to.parts.as_slice())
        {
            self.language.received.streams.insert(to.to_lowercase());
        }
        if !WRITING.contains(&method) {
            return;
        }
        let is_received = self.argument(found, 0).is_some_and(|value| is_received(&value));
        let is_recorded = found.arguments.first().is_some_and(|value| self.has_rows(value, MAX_DEPTH));
        let received = &mut self.language.received;
        if let Some(file) = received.files.get_mut(object) {
            file.received += usize::from(is_received);
            file.recorded += usize::from(is_recorded);
            // A report repeats, once, what was asked for; an order has the prices of some goods with it.
            let is_told = file.received > 1 || file.received * ROWS_OF_REPORT > file.recorded;
            if is_told != file.is_told {
                file.is_told = is_told;
                let (from, to) = match is_told {
                    true => (Origin::Unknown, Origin::Input),
                    false => (Origin::Input, Origin::Unknown),
                };
                for fact in sink.reading.facts.iter_mut().filter(|fact| fact.site == file.site) {
                    change_origin(&mut fact.body, from, to);
                }
            }
        }
        if is_received {
            received.streams.insert(object.to_owned());
        }
    }

    /// What the application keeps of rows of a database, as they are, is asked for again, and so is where a folder is and what
    /// is configured.
    pub(super) fn mirrors(&self, name: &str, found: &Found<'_>, first: usize, sink: &mut Sink<'_>) {
        let Some(value) = found.assigned.as_ref().filter(|_| name.starts_with("application")) else { return };
        let is_row = matches!(value.parts.as_slice(), [calls::Part::Call(_)]) && self.has_rows(value, 1);
        let is_known = |part: &Part| match part {
            Part::Hole(hole) => matches!(hole, Hole::Folder(_) | Hole::From(Source::Config | Source::Connection, _)),
            Part::Lit(_) => true,
        };
        let text = self.value(value);
        let is_configured = text.as_lit().is_none() && !text.is_empty() && text.parts().iter().all(is_known);
        if !is_row && !is_configured {
            return;
        }
        for fact in sink.reading.facts.iter_mut().skip(first) {
            if let Body::Effect(effect) = &mut fact.body
                && effect.store == Store::Memory
            {
                effect.store = Store::Cache;
                effect.mark(Trait::Recomputable);
            }
        }
    }

    /// Is some of an expression what a database holds?
    fn has_rows(&self, value: &Argument<'_>, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        value.parts.iter().any(|part| match part {
            calls::Part::Call(call) => {
                let name = call.name.to_lowercase();
                let object = name.split('.').next().unwrap_or_default();
                self.language.received.rows.contains(object)
                    || call.arguments.iter().any(|argument| self.has_rows(argument, depth))
            }
            calls::Part::Either(values) => values.iter().any(|value| self.has_rows(value, depth)),
            calls::Part::Text(_) | calls::Part::Other(_) => false,
        })
    }

    /// What a call has saved is what a request brought, if its object holds that. Any object of no known class may be a part of
    /// the upload, such as each of its files.
    pub(super) fn saves(&self, name: &str, first: usize, sink: &mut Sink<'_>) {
        let Some((object, method)) = name.rsplit_once('.').filter(|_| self.language.host == Host::Web) else { return };
        let variable = object.split('.').next().unwrap_or(object);
        let received = &self.language.received;
        let is_of_upload = || {
            let class = self.language.objects.get(variable);
            received.has_uploads && class.is_none_or(|class| is_for_uploads(class))
        };
        if SAVING.contains(&method) && (received.streams.contains(object) || is_of_upload()) {
            sink.reading
                .facts
                .iter_mut()
                .skip(first)
                .for_each(|fact| change_origin(&mut fact.body, Origin::Unknown, Origin::Input));
        }
    }
}

/// A component for uploads, by the name of its class (manuals: Persits AspUpload, SoftArtisans FileUp).
pub(super) fn is_for_uploads(class: &str) -> bool {
    class.contains("upload") || class.contains("fileup")
}

fn method(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// Is some of a text what a request brought?
fn is_received(text: &Text) -> bool {
    text.parts().iter().any(|part| matches!(part, Part::Hole(Hole::From(Source::Input, _))))
}

fn change_origin(body: &mut Body, from: Origin, to: Origin) {
    if let Body::Effect(effect) = body
        && effect.store == Store::File
        && effect.origin == from
        && !effect.operation.removes()
    {
        effect.origin = to;
    }
}
