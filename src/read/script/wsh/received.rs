//! What a page does with the body of a request: it writes it into a stream or a file that it has opened, or leaves that to a
//! component for uploads.

use super::{Host, Script};
use crate::facts::{Body, Hole, Origin, Part, Site, Source, Store, Text};
use crate::read::script::calls::{self, Argument, Found};
use crate::read::script::sink::Sink;
use std::collections::{HashMap, HashSet};

/// What a page has received, and where it is.
#[derive(Default)]
pub(super) struct Received {
    /// Variables with streams that hold some of it.
    streams: HashSet<String>,
    /// Variables with files that are open, and where they were opened.
    files: HashMap<String, Site>,
    /// A component for uploads is at work.
    has_uploads: bool,
}

/// Methods that open a file (MS documentation, "FileSystemObject").
const OPENING: [&str; 3] = ["createtextfile", "opentextfile", "openastextstream"];
/// Methods that put something into a stream or a file (MS documentation, "TextStream", "Stream Object (ADO)").
const WRITING: [&str; 3] = ["write", "writeline", "writetext"];
/// Methods that leave on the disk what the object holds.
const SAVING: [&str; 3] = ["savetofile", "saveas", "save"];

impl Script<'_, '_> {
    /// `Set file = system.CreateTextFile(path)`: where the file was opened. A component for uploads says what it is there for.
    pub(super) fn opened(&mut self, name: &str, value: &Argument<'_>) {
        let call = match value.parts.as_slice() {
            [calls::Part::Call(call)] if OPENING.contains(&method(&call.name.to_lowercase())) => Some(call),
            _ => None,
        };
        let site = call.map(|call| self.site(call));
        let is_upload = self.language.objects.get(name).is_some_and(|class| is_for_uploads(class));
        let received = &mut self.language.received;
        received.streams.remove(name);
        received.has_uploads |= is_upload;
        match site {
            Some(site) => received.files.insert(name.to_owned(), site),
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
        if !WRITING.contains(&method) || !self.argument(found, 0).is_some_and(|value| is_received(&value)) {
            return;
        }
        let received = &mut self.language.received;
        if let Some(site) = received.files.get(object) {
            for fact in sink.reading.facts.iter_mut().filter(|fact| fact.site == *site) {
                from_request(&mut fact.body);
            }
        }
        received.streams.insert(object.to_owned());
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
            sink.reading.facts.iter_mut().skip(first).for_each(|fact| from_request(&mut fact.body));
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

fn from_request(body: &mut Body) {
    if let Body::Effect(effect) = body
        && effect.store == Store::File
        && effect.origin == Origin::Unknown
        && !effect.operation.removes()
    {
        effect.origin = Origin::Input;
    }
}
