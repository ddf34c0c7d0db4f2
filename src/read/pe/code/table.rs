//! A sorted table that states share until one of them changes it.
//!
//! A large function has thousands of blocks, and most leave most cells alone: copying a state is counting a reference,
//! and joining two is one walk over both.

use super::value::Value;
use std::rc::Rc;

/// What is known at addresses.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Table<T>(Rc<Vec<(Value, T)>>);

impl<T> Default for Table<T> {
    fn default() -> Self {
        Table(Rc::default())
    }
}

impl<T: Clone + PartialEq> Table<T> {
    fn place(&self, at: Value) -> Result<usize, usize> {
        self.0.binary_search_by(|(a, _)| a.cmp(&at))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// They are the same, because nothing changed since one was made from the other.
    pub(super) fn is_shared(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    pub(super) fn get(&self, at: Value) -> Option<&T> {
        self.place(at).ok().and_then(|i| self.0.get(i)).map(|(_, entry)| entry)
    }

    pub(super) fn get_mut(&mut self, at: Value) -> Option<&mut T> {
        let place = self.place(at).ok()?;
        Rc::make_mut(&mut self.0).get_mut(place).map(|(_, entry)| entry)
    }

    /// Sets an entry; a new one only while there are fewer than `most`.
    pub(super) fn set(&mut self, at: Value, entry: T, most: usize) {
        match self.place(at) {
            Ok(i) => {
                if let Some((_, own)) = Rc::make_mut(&mut self.0).get_mut(i) {
                    *own = entry;
                }
            }
            Err(i) if self.len() < most => Rc::make_mut(&mut self.0).insert(i, (at, entry)),
            Err(_) => {}
        }
    }

    pub(super) fn remove(&mut self, at: Value) {
        if let Ok(i) = self.place(at) {
            Rc::make_mut(&mut self.0).remove(i);
        }
    }

    /// Removes the entries from an address up to another.
    pub(super) fn remove_range(&mut self, from: Value, to: Value) {
        let start = self.0.partition_point(|(at, _)| *at < from);
        let end = self.0.partition_point(|(at, _)| *at < to);
        if start < end {
            Rc::make_mut(&mut self.0).drain(start..end);
        }
    }

    /// All entries.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Value, &T)> {
        self.0.iter().map(|(at, entry)| (at, entry))
    }

    /// The entries from an address up to another.
    pub(super) fn range(&self, from: Value, to: Value) -> impl Iterator<Item = (&Value, &T)> {
        let start = self.0.partition_point(|(at, _)| *at < from);
        self.0
            .get(start..)
            .unwrap_or_default()
            .iter()
            .take_while(move |(at, _)| *at < to)
            .map(|(at, entry)| (at, entry))
    }

    /// Takes the entries of another table in: `merge` says what becomes of one that differs, and `lone` of one that only one
    /// of them has, where that is not the same. Answers whether an own one changed, or one that came in, and whether
    /// one came in.
    pub(super) fn join(
        &mut self,
        other: &Self,
        most: usize,
        mut merge: impl FnMut(Value, &T, &T) -> Option<T>,
        mut lone: impl FnMut(Value, &T) -> Option<T>,
    ) -> Joined {
        let mut joined = Joined::default();
        if Rc::ptr_eq(&self.0, &other.0) {
            return joined;
        }
        let mut changes = Vec::new();
        let mut new = Vec::new();
        let mut own = 0;
        // Most entries are the same in both, so that is asked first.
        for (at, entry) in other.0.iter() {
            loop {
                match self.0.get(own) {
                    Some((a, mine)) if a == at && mine == entry => {
                        own += 1;
                        break;
                    }
                    Some((a, mine)) if a == at => {
                        changes.extend(merge(*at, mine, entry).map(|entry| (own, entry)));
                        own += 1;
                        break;
                    }
                    Some((a, mine)) if a < at => {
                        changes.extend(lone(*a, mine).map(|entry| (own, entry)));
                        own += 1;
                    }
                    _ => {
                        let changed = lone(*at, entry);
                        joined.changed |= changed.is_some();
                        new.push((*at, changed.unwrap_or_else(|| entry.clone())));
                        break;
                    }
                }
            }
        }
        for (i, (at, mine)) in self.0.iter().enumerate().skip(own) {
            changes.extend(lone(*at, mine).map(|entry| (i, entry)));
        }
        new.truncate(most.saturating_sub(self.len()));
        joined.changed |= !changes.is_empty();
        joined.came = !new.is_empty();
        if !changes.is_empty() || joined.came {
            let table = Rc::make_mut(&mut self.0);
            for (i, entry) in changes {
                if let Some((_, own)) = table.get_mut(i) {
                    *own = entry;
                }
            }
            if joined.came {
                let mut merged = Vec::with_capacity(table.len() + new.len());
                let mut own = std::mem::take(table).into_iter().peekable();
                for entry in new {
                    while let Some(before) = own.next_if(|(at, _)| *at < entry.0) {
                        merged.push(before);
                    }
                    merged.push(entry);
                }
                merged.extend(own);
                *table = merged;
            }
        }
        joined
    }
}

/// What joining two tables did to the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Joined {
    pub(super) changed: bool,
    pub(super) came: bool,
}
