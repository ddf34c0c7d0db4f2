//! Handles with what opened them, and what is read through them.

use super::super::super::locate;
use super::super::analysis::{Engine, Origin};
use super::super::filled::within_hole;
use super::super::handle::{Asked, access_mask};
use super::super::known::{Known, merged};
use super::super::report::{Arg, Handle};
use super::super::value::{Kind, Value};
use crate::catalog::native::{self, Api, Model};
use crate::facts::{Source, Store, Text};

impl Engine<'_, '_> {
    pub(super) fn handle_model(&mut self, api: Api, site: u32) -> Value {
        let result = self.symbols.of(Kind::Result(site));
        match api.row.model {
            Some(Model::RegOpen | Model::RegCreate) => self.open_key(api, site),
            Some(Model::RegConnect) => {
                let (key, machine) = (self.closed(api, 0), self.closed(api, 1));
                let texts = locate::key_texts(&key);
                let remote = !machine.is_null();
                self.give(api, 2, Handle { texts, remote, opened_at: site, ..Handle::default() }, site);
            }
            Some(Model::RegCurrentUser) => {
                let texts = vec![Text::lit("HKCU")];
                self.give(api, 0, Handle { texts, opened_at: site, ..Handle::default() }, site);
            }
            Some(Model::CertStore) => {
                let name = self.model_argument(api, 2);
                let texts = self.text_or_unknown(name, true).texts().to_vec();
                let handle = Handle { texts, opened_at: site, ..Handle::default() };
                return self.with_origin(Kind::Result(site), Origin::Handle(handle));
            }
            Some(Model::ProcAddress) => {
                let name = self.closed(api, 1);
                let name = name.texts.first().and_then(Text::as_lit).unwrap_or_default().to_owned();
                if let Some(found) = native::find_by_name(&name) {
                    let via = format!("{}!{name}", found.row.module);
                    return self.with_origin(Kind::Looked(site), Origin::Function(found, via));
                }
            }
            _ => {
                if let Some(fills) = api.row.fills {
                    self.read_into(api, fills);
                }
                if api.row.opens.is_some() {
                    return self.open_named(api, site);
                }
            }
        }
        result
    }

    fn closed(&mut self, api: Api, position: usize) -> Arg {
        let value = self.model_argument(api, position);
        self.close(value, api.wide)
    }

    fn plain(&mut self, argument: Option<u8>, wide: bool) -> Option<Arg> {
        let value = self.argument(argument?);
        Some(self.close(value, wide))
    }

    /// Stores a handle through an out-parameter.
    fn give(&mut self, api: Api, position: usize, handle: Handle, site: u32) {
        let pointer = self.model_argument(api, position);
        let number = api.row.args.get(position).copied().unwrap_or_default();
        let value = self.with_origin(Kind::Out(site, number), Origin::Handle(handle));
        let size = if self.is_64() { 8 } else { 4 };
        self.state.store(pointer, size, value);
    }

    fn open_key(&mut self, api: Api, site: u32) {
        let (key, below) = (self.closed(api, 0), self.closed(api, 1));
        let gap = match (&key.handle, locate::key_texts(&key).iter().any(Text::is_full)) {
            (_, true) => {
                let below = self.model_argument(api, 1);
                self.gap(below)
            }
            (Some(parent), _) => parent.gap,
            (None, _) => {
                let key = self.model_argument(api, 0);
                self.gap(key)
            }
        };
        let (access, options) = (self.closed(api, 3), self.closed(api, 4));
        let mut parent = key.handle.clone().unwrap_or_default();
        parent.asked = parent.asked.into_iter().map(Asked::below).collect();
        let keys = locate::key_texts(&key);
        let mut handle = Handle {
            texts: locate::opened_below(&keys, &below),
            crossed: parent.crossed || below.weak || locate::is_crossed(&keys, &below),
            opened_at: site,
            access: access.number.only().map(access_mask),
            gap,
            ..parent
        };
        handle.ask(Asked::Options(options.number));
        handle.ask(Asked::Access(access.number));
        self.give(api, 2, handle, site);
    }

    /// A buffer receives a value of the registry or of an INI file: the text says which.
    fn read_into(&mut self, api: Api, fills: u8) {
        let row = api.row;
        let pointer = self.argument(fills);
        if pointer == Value::Const(0) {
            return;
        }
        let text = if let Some(ini) = &row.ini {
            let parts: Vec<Arg> = ini.iter().filter_map(|n| self.plain(Some(*n), api.wide)).collect();
            let read = Text::from_source(Source::Ini, locate::ini_name(&parts));
            // What stands for a value that is not there is as possible. Of an empty one programs ask whether it is that before
            // they name anything by it: what becomes of it is known only on ways of its own.
            let default = self.plain(row.default, api.wide).unwrap_or_default();
            let texts = default.texts.into_iter().filter(|text| text.is_full() && (self.follows || !text.is_empty()));
            let known = Known::any(std::iter::once(read).chain(texts), default.weak);
            return self.fill(pointer, known, api.wide);
        } else if row.effect.is_some_and(|(_, store)| store == Store::Registry) {
            let key = self.plain(row.key, api.wide).unwrap_or_default();
            let below = self.plain(row.sub, api.wide);
            let name = self.plain(row.value, api.wide);
            let keys = locate::key_texts(&key);
            let key = merged(&below.map_or(keys.clone(), |b| locate::keys_below(&keys, &b)));
            let name = name.map_or_else(Text::unknown, |n| locate::first_text(&n));
            Text::from_source(Source::Registry, within_hole(&key.concat(&"\\".into()).concat(&name)))
        } else {
            Text::unknown()
        };
        self.fill(pointer, Known::of(text), api.wide);
    }

    /// The result is a handle to what is named.
    fn open_named(&mut self, api: Api, site: u32) -> Value {
        let row = api.row;
        let named = self.plain(row.name.or(row.file), api.wide).unwrap_or_default();
        let host = self.plain(row.host, api.wide);
        let parent = self.plain(row.parent, api.wide).and_then(|p| p.handle);
        let remote = host.is_some_and(|h| !h.is_null()) || parent.is_some_and(|p| p.remote);
        let handle = Handle { texts: possible(&named), remote, opened_at: site, ..Handle::default() };
        self.with_origin(Kind::Result(site), Origin::Handle(handle))
    }

    /// The result is an open file.
    pub(super) fn open_file(&mut self, api: Api, site: u32) -> Value {
        let path = self.closed(api, 0);
        let handle = Handle { texts: possible(&path), opened_at: site, ..Handle::default() };
        self.with_origin(Kind::Result(site), Origin::Handle(handle))
    }

    /// An open file of the native API: its name stands in a structure, and its handle is given through the first argument.
    pub(super) fn open_native(&mut self, api: Api, site: u32) -> Value {
        let name = self.structure_fields(api).first().map(|name| self.close(*name, true)).unwrap_or_default();
        let handle = Handle { texts: possible(&name), opened_at: site, ..Handle::default() };
        let (pointer, size) = (self.argument(0), if self.is_64() { 8 } else { 4 });
        let value = self.with_origin(Kind::Out(site, 0), Origin::Handle(handle));
        self.state.store(pointer, size, value);
        self.symbols.of(Kind::Result(site))
    }
}

/// What an argument names, or `{?}`.
fn possible(named: &Arg) -> Vec<Text> {
    if named.texts.is_empty() { vec![Text::unknown()] } else { named.texts.clone() }
}
