//! Native PE images: what a program writes, and where, from its headers and its machine code.

mod addresses;
mod arguments;
mod beside;
mod classes;
mod code;
mod data;
mod decided;
mod effects;
mod folders;
mod functions;
mod gather;
mod globals;
mod go;
mod handed;
mod image;
mod imports;
mod initial;
mod keepers;
mod landing;
mod leaves;
mod lines;
mod locate;
mod methods;
mod modes;
mod names;
mod nearby;
mod openers;
mod operands;
mod packing;
mod pascal;
mod phases;
mod program;
mod reach;
mod references;
mod resolve;
mod resources;
mod run;
mod rust;
mod scan;
mod streams;
mod surface;
mod told;
mod unchanged;

pub use gather::{Analysed, Code, analysed};
pub(super) use lines::database;

use super::Input;
use crate::facts::{NoteKind, Reading};
use image::{Image, Machine};
use imports::Linkage;

/// Addresses are looked up all the time, with a hash that is quick for them.
type Map<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;
/// The same.
type Set<T> = std::collections::HashSet<T, foldhash::fast::RandomState>;

/// Reads a PE image.
pub fn read(input: &Input<'_>, reading: &mut Reading) {
    let Some(image) = Image::parse(input.bytes) else {
        reading.note(NoteKind::Malformed, "the PE headers cannot be read");
        return;
    };
    reading.format = match image.machine {
        Machine::X64 => "pe-x64".to_owned(),
        Machine::X86 => "pe-x86".to_owned(),
        Machine::Other(0xaa64) => "pe-arm64".to_owned(),
        Machine::Other(number) => format!("pe-machine-{number:x}"),
    };
    let linkage = Linkage::read(&image);
    for (capped, problem) in &linkage.problems {
        reading.note(if *capped { NoteKind::Capped } else { NoteKind::Malformed }, problem.clone());
    }
    surface::identify(&image, &linkage, reading);
    if let Machine::Other(_) = image.machine {
        reading.note(
            NoteKind::Unsupported,
            "machine code of this processor is not read; what is said rests on the import table alone",
        );
    }
    if matches!(image.machine, Machine::X64 | Machine::X86) {
        gather::read_code(input, image, linkage, reading);
    } else {
        surface::capabilities(&image, &linkage, &mut std::iter::empty(), reading);
    }
}
