//! Programs whose language brings its own runtime, and layouts of other tools than the rest of the fixtures: Go, Rust,
//! Microsoft's linker and C++ library.
//!
//! `UPDATE_GOLDEN=1 cargo test --test native_runtimes` writes the listings anew; read the difference line by line.
#![allow(clippy::expect_used, reason = "a test may fail loudly")]

#[allow(dead_code, reason = "parts of it are for images that write by themselves")]
mod native_image;
mod native_listing;

use native_image::{CODE, DATA, ENTRY, Image, Section};
use native_listing::{golden, guessed, numbers, shown, written};
use std::path::PathBuf;
use wipeproof::discover::{Application, Artifact, Kind};
use wipeproof::facts::{Certainty, Effect, Extent, Fact, Operation, Origin, Reading, Store, Trait};
use wipeproof::read::read_bytes;

const ALL: [&str; 4] = ["x64-O0", "x64-O2", "x86-O0", "x86-O2"];

#[test]
fn functions_that_are_loaded_when_they_are_called() {
    for reading in golden("fixtures/native/msvc", "delay", &ALL, "exe") {
        let expected = [
            "create C:\\Contoso\\late.dat",
            "delete C:\\Contoso\\at-once.tmp",
            "set-value HKCU\\Software\\Contoso\\Late",
        ];
        assert_eq!(written(&reading), expected, "{}", reading.artifact);
    }
}

#[test]
fn streams_of_microsofts_library() {
    for reading in golden("fixtures/native/msvc", "streams", &ALL, "exe") {
        let expected = [
            "append C:\\Contoso\\stream.log",
            "copy C:\\Contoso\\copy.dat",
            "create C:\\Contoso\\emptied.dat",
            "create C:\\Contoso\\fresh.dat",
            "create C:\\Contoso\\made",
            "delete C:\\Contoso\\old.dat",
            "rename C:\\Contoso\\named.dat",
        ];
        assert_eq!(written(&reading), expected, "{}", reading.artifact);
    }
}

/// What Microsoft's compiler puts aside of a function is chained to it in the exception directory.
#[test]
fn functions_in_parts() {
    for reading in golden("fixtures/native/msvc", "chained", &["x64"], "exe") {
        assert_eq!(written(&reading), ["create C:\\Contoso\\orders.dat", "delete C:\\Contoso\\other.dat"]);
    }
}

/// Databases by the names that Microsoft's compiler gives their functions.
#[test]
fn databases_with_names_of_microsofts_compiler() {
    for reading in golden("fixtures/native/msvc", "stores", &ALL, "exe") {
        assert_eq!(
            written(&reading),
            ["write C:\\Contoso\\orders of the year", "write D:\\prices"],
            "{}",
            reading.artifact
        );
    }
}

/// The same library without a name: the table of modes tells the function that opens.
#[test]
fn streams_of_microsofts_library_that_is_linked_in() {
    for reading in golden("fixtures/native/msvc", "linked", &ALL, "exe") {
        let expected =
            ["append C:\\Contoso\\stream.log", "create C:\\Contoso\\fresh.dat", "write C:\\Contoso\\both.dat"];
        assert_eq!(written(&reading), expected, "{}", reading.artifact);
    }
}

/// Its maps, functions as values and threads, which are compiled into each program.
#[test]
fn containers_and_functions_of_microsofts_library() {
    for reading in golden("fixtures/native/msvc", "handed", &ALL, "exe") {
        let expected = vec![
            "create C:\\Contoso\\first",
            "create C:\\Contoso\\journal.dat",
            "create C:\\Contoso\\prices.dat",
            "create C:\\Contoso\\second",
            "delete C:\\Contoso\\stale.tmp",
        ];
        assert_eq!(written(&reading), expected, "{}", reading.artifact);
    }
}

/// The universal runtime without a name: by its mode strings, and by the flags that it decodes.
#[test]
fn files_of_the_universal_runtime_that_is_linked_in() {
    for reading in golden("fixtures/native/msvc", "universal", &ALL, "exe") {
        let expected = [
            "append C:\\Contoso\\journal.dat",
            "append C:\\Contoso\\service.log",
            "create C:\\Contoso\\export.csv",
            "create C:\\Contoso\\lock",
            "create C:\\Contoso\\orders.dat",
            "write C:\\Contoso\\state.bin",
        ];
        assert_eq!(written(&reading), expected, "{}", reading.artifact);
        // One call is told of once, by its flags, of which it has none.
        let effects = reading.facts.iter().filter_map(|fact| fact.as_effect());
        let read: Vec<(Certainty, &str)> = effects
            .filter(|effect| effect.location.to_string() == "C:\\Contoso\\settings.ini")
            .map(|effect| (effect.certainty, effect.via.as_str()))
            .collect();
        assert_eq!(read, [(Certainty::Proven, "crt!_wopen")], "{}", reading.artifact);
    }
}

/// GCC's library linked in: without symbols the mode goes through a table of the program, with them its functions are known
/// by their names, and what is inside them is not told again.
#[test]
fn streams_of_gccs_library_that_is_linked_in() {
    for program in ["streams", "named"] {
        for reading in golden("fixtures/native/gnu", program, &ALL, "exe") {
            let expected =
                ["append C:\\Contoso\\service.log", "create C:\\Contoso\\one.txt", "write C:\\Contoso\\two.dat"];
            assert_eq!(written(&reading), expected, "{}", reading.artifact);
            let by_name = shown(&reading).all(|effect| effect.via.starts_with("libstdc++"));
            assert_eq!(by_name, program == "named", "{}", reading.artifact);
        }
    }
}

/// Where an image is larger than its base, the names of its imports lie where its code would, were they addresses.
#[test]
fn names_of_imports_are_no_pointers_to_code() {
    for reading in golden("fixtures/native/large", "desk", &ALL, "exe") {
        let expected = [
            "create C:\\Contoso\\desk.dat",
            "create HKLM\\SOFTWARE\\Contoso\\Desk",
            "delete-value HKLM\\SOFTWARE\\Contoso\\Desk\\Old",
            "set-value HKLM\\SOFTWARE\\Contoso\\Desk\\Folder",
            "set-value HKLM\\SOFTWARE\\Contoso\\Desk\\Kinds",
        ];
        assert_eq!(written(&reading), expected, "{}", reading.artifact);
    }
}

/// The standard library of Rust is compiled in without names: paths are followed to what turns them into UTF-16.
#[test]
fn paths_of_a_program_of_rust() {
    for reading in golden("fixtures/native/rust", "desk", &["x64", "x86"], "exe") {
        // On x86 the mode goes through the second bytes of registers.
        let mut expected = vec![
            "append C:\\Contoso\\journal.log",
            "create C:\\Contoso\\export.csv",
            "create C:\\Contoso\\queue",
            "delete C:\\Contoso\\lock",
            "rename C:\\Contoso\\state.dat",
        ];
        // `create_dir_all` makes the folder above, where that is missing.
        if reading.artifact.contains("x86") {
            expected.insert(1, "create C:\\Contoso");
        }
        assert_eq!(written(&reading), expected, "{}", reading.artifact);
        assert!(shown(&reading).all(|effect| effect.traits.contains(&Trait::Guessed)), "{}", reading.artifact);
    }
}

/// Arguments in eax, edx and ecx on x86, methods, strings of the language. The settings file is written by a virtual method
/// of an object that is made by its class.
#[test]
fn a_program_of_object_pascal() {
    for reading in golden("fixtures/native/pascal", "desk", &ALL, "exe") {
        let expected = [
            "create C:\\Contoso\\orders.dat",
            "create HKCU\\Software\\Contoso\\Desk",
            "delete C:\\Contoso\\old.dat",
            "delete HKCU\\Software\\Contoso\\Old",
            "set-value C:\\Contoso\\desk.ini\\Window\\Left",
            "set-value HKCU\\Software\\Contoso\\Desk\\Runs",
        ];
        assert_eq!(written(&reading), expected, "{}", reading.artifact);
    }
}

/// The classes for settings of the language's libraries, which are compiled in without names: registry, INI files that are
/// written at once or when they are told to, and those that are kept in the registry.
#[test]
fn settings_of_object_pascal() {
    for reading in golden("fixtures/native/pascal", "settings", &ALL, "exe") {
        let expected = [
            "create C:\\Contoso\\cached.ini",
            "create HKCU\\Software\\Contoso\\Desk",
            "create HKCU\\Software\\Contoso\\Ini",
            "create HKLM\\Software\\Contoso\\Machine",
            "delete HKLM\\Software\\Contoso\\Old",
            "set-value C:\\Contoso\\cached.ini\\Window\\Left",
            "set-value C:\\Contoso\\desk.ini\\Window\\Left",
            "set-value C:\\Contoso\\desk.ini\\Window\\Top",
            "set-value HKCU\\Software\\Contoso\\Desk\\Folder",
            "set-value HKCU\\Software\\Contoso\\Desk\\Runs",
            "set-value HKCU\\Software\\Contoso\\Desk\\Shown",
            "set-value HKCU\\Software\\Contoso\\Ini\\Window\\Left",
            "set-value HKLM\\Software\\Contoso\\Machine\\Path",
            "set-value {?}beside.ini\\Window\\Left",
        ];
        assert_eq!(written(&reading), expected, "{}", reading.artifact);
        assert_eq!(numbers(&reading), ["4", "1", "30"], "{}", reading.artifact);
    }
}

/// Files without a folder are where the program is run, as these libraries write them themselves; a function of the program
/// that is given an object is no method of it, and writes to the key that the object has open.
#[test]
fn helpers_of_object_pascal() {
    for reading in golden("fixtures/native/pascal", "helped", &["x64-O0", "x64-O2"], "exe") {
        let expected = [
            "create HKCU\\Software\\Contoso\\Helped",
            "create {Cwd}\\cached.ini",
            "set-value HKCU\\Software\\Contoso\\Helped\\Remembered",
            "set-value {Cwd}\\bare.ini\\Window\\Left",
            "set-value {Cwd}\\cached.ini\\Window\\Left",
        ];
        assert_eq!(written(&reading), expected, "{}", reading.artifact);
        // What is remembered, the caller says.
        let values = shown(&reading).filter(|e| e.operation == Operation::SetValue);
        let constant: Vec<bool> = values.map(|e| e.origin == Origin::Constant).collect();
        assert_eq!(constant, [true; 3], "{}", reading.artifact);
        let open = |e: &Effect| e.store == Store::Registry && e.location.extent() == Extent::None;
        assert!(!reading.facts.iter().filter_map(Fact::as_effect).any(open), "{}", reading.artifact);
    }
}

/// The same as Delphi lays its classes and texts out. A key that is opened but not made is no write.
#[test]
fn settings_of_delphi() {
    for reading in golden("fixtures/native/delphi", "settings", &["x86"], "exe") {
        let expected = [
            "create HKCU\\Software\\Contoso\\Desk",
            "delete-value C:\\Contoso\\desk.ini\\Stale",
            "delete-value HKCU\\Software\\Contoso\\Desk\\Old",
            "set-value C:\\Contoso\\desk.ini\\Window\\Left",
            "set-value C:\\Contoso\\desk.ini\\Window\\Top",
            "set-value HKCU\\Software\\Contoso\\Desk\\Folder",
            "set-value HKCU\\Software\\Contoso\\Desk\\Runs",
            "set-value HKLM\\Software\\Contoso\\Machine\\Folder",
        ];
        assert_eq!(written(&reading), expected);
        assert_eq!(numbers(&reading), ["4", "30"]);
    }
}

/// mingw-w64 links a `printf` of its own into programs, with lists of values too.
#[test]
fn formats_of_a_runtime_that_is_linked_in() {
    for reading in golden("fixtures/native", "formats", &ALL, "exe") {
        let expected = [
            "append C:\\Contoso\\service.log",
            "create C:\\Contoso\\orders7.dat",
            "create C:\\Contoso\\queue\\3",
            "delete C:\\Contoso\\cache\\prices.bin",
        ];
        assert_eq!(written(&reading), expected, "{}", reading.artifact);
        assert_eq!(guessed(&reading), [""; 0], "{}", reading.artifact);
    }
}

/// Behind a call backwards or a small number, `push eax` and a call look like one other instruction.
#[test]
fn a_program_as_delphi_makes_it() {
    for reading in golden("fixtures/native/delphi", "desk", &["x86"], "exe") {
        let expected = [
            "create C:\\Contoso\\orders.dat",
            "create C:\\Contoso\\queue",
            "create HKCU\\Software\\Contoso\\Desk",
            "set-value HKCU\\Software\\Contoso\\Desk\\Runs",
        ];
        assert_eq!(written(&reading), expected);
    }
}

#[test]
fn a_program_of_go() {
    for reading in golden("fixtures/native/go", "desk", &["x86"], "exe") {
        let expected = [
            "append C:\\Contoso\\journal.log",
            "create C:\\Contoso\\export.csv",
            "create C:\\Contoso\\orders\\{?}.order",
            "create C:\\Contoso\\queue",
            "delete C:\\Contoso\\lock",
            "rename C:\\Contoso\\state.dat",
        ];
        assert_eq!(written(&reading), expected);
    }
}

/// A program of Go made by hand: three functions, their names, and strings without an end.
struct GoImage {
    image: Image,
    code: Vec<u8>,
    strings: Vec<u8>,
    functions: Vec<(u32, &'static str)>,
    /// Since 1.26 it is the description of the module that says where the code begins.
    by_module: bool,
}

const TEXTS: u32 = 0x8000;
const TABLE: u32 = 0x9000;
const MODULE: u32 = 0xa000;
const BASE: u64 = 0x1_4000_0000;

impl GoImage {
    fn new() -> Self {
        let image = Image::bare();
        GoImage { image, code: Vec::new(), strings: Vec::new(), functions: Vec::new(), by_module: false }
    }

    fn function(&mut self, name: &'static str, code: &[u8]) -> u32 {
        let at = ENTRY + self.code.len() as u32;
        self.functions.push((at, name));
        self.code.extend(code);
        while !self.code.len().is_multiple_of(16) {
            self.code.push(0xcc);
        }
        at
    }

    /// `lea reg, [text]; mov len, n`: registers by the bytes of the instructions.
    fn string(&mut self, code: &mut Vec<u8>, start: u32, lea: [u8; 3], mov: u8, text: &str) {
        let at = TEXTS + self.strings.len() as u32;
        self.strings.extend(text.bytes());
        code.extend(lea);
        code.extend(at.wrapping_sub(start + code.len() as u32 + 4).to_le_bytes());
        code.push(mov);
        code.extend((text.len() as u32).to_le_bytes());
    }

    fn bytes(mut self) -> Vec<u8> {
        let names: Vec<u8> = self.functions.iter().flat_map(|(_, name)| name.bytes().chain([0])).collect();
        let count = self.functions.len() as u32;
        let mut table = vec![0xf0, 0xff, 0xff, 0xff, 0, 0, 1, 8];
        let functions_at = 0x200u64;
        let text = BASE + u64::from(ENTRY);
        for word in [u64::from(count), 0, if self.by_module { 0 } else { text }, 0x60, 0, 0, 0, functions_at] {
            table.extend(word.to_le_bytes());
        }
        table.resize(0x60, 0);
        table.extend(&names);
        table.resize(functions_at as usize, 0);
        let mut name_at = 0u32;
        let mut details = Vec::new();
        let first = count * 8 + 8;
        for (start, name) in &self.functions {
            table.extend((start - ENTRY).to_le_bytes());
            table.extend((first + details.len() as u32).to_le_bytes());
            details.extend((start - ENTRY).to_le_bytes());
            details.extend(name_at.to_le_bytes());
            name_at += name.len() as u32 + 1;
        }
        table.extend([0; 8]);
        table.extend(details);
        self.image.sections[0] = Section::new(".text", ENTRY, self.code, CODE);
        self.image.sections.push(Section::new(".rdata", TEXTS, self.strings, DATA));
        self.image.sections.push(Section::new(".gopc", TABLE, table, DATA));
        if self.by_module {
            let table = BASE + u64::from(TABLE);
            let mut module = vec![table, table + 0x60];
            module.resize(22, 0);
            module.push(text);
            let module = module.into_iter().flat_map(u64::to_le_bytes).collect();
            self.image.sections.push(Section::new(".data", MODULE, module, DATA));
        }
        // The runtime looks its functions up, and imports a few.
        self.image.imports(&["CreateFileW", "WriteFile", "LoadLibraryW", "GetProcAddress"]);
        self.image.bytes()
    }
}

fn read(name: &str, bytes: &[u8]) -> Reading {
    let artifact = Artifact {
        path: name.into(),
        name: name.into(),
        file: PathBuf::from(name),
        size: bytes.len() as u64,
        part: None,
    };
    let app = Application::new(vec![artifact.clone()], Vec::new());
    read_bytes(&app, &artifact, Kind::Pe, bytes)
}

const LEA_RAX: [u8; 3] = [0x48, 0x8d, 0x05];
const LEA_RCX: [u8; 3] = [0x48, 0x8d, 0x0d];
const MOV_EBX: u8 = 0xbb;
const MOV_EDI: u8 = 0xbf;
const MOV_ECX: u8 = 0xb9;

fn call(code: &mut Vec<u8>, start: u32, target: u32) {
    code.push(0xe8);
    code.extend(target.wrapping_sub(start + code.len() as u32 + 4).to_le_bytes());
}

#[test]
fn functions_of_go_are_known_by_the_table_of_names() {
    for by_module in [false, true] {
        let reading = read("desk.exe", &desk(by_module));
        let expected = [
            "append C:\\Contoso\\journal.log",
            "create C:\\Contoso\\orders.dat",
            // A field of an object, whose length is the next.
            "create C:\\Contoso\\queue",
            "rename C:\\Contoso\\state.dat",
        ];
        assert_eq!(written(&reading), expected, "{reading:?}");
        assert_eq!(reading.notes, []);
    }
}

fn desk(by_module: bool) -> Vec<u8> {
    let mut go = GoImage::new();
    go.by_module = by_module;
    let open = go.function("os.OpenFile", &[0xc3]);
    let create = go.function("os.Create", &[0xc3]);
    let rename = go.function("os.Rename", &[0xc3]);
    // A function of the language's own packages: what it does is its callers' doing.
    let helper = ENTRY + go.code.len() as u32;
    let mut code = Vec::new();
    go.string(&mut code, helper, LEA_RAX, MOV_EBX, "C:\\Go\\internal.log");
    call(&mut code, helper, create);
    code.push(0xc3);
    go.function("log.init", &code);
    // save(name): os.Create(name)
    let save = ENTRY + go.code.len() as u32;
    let mut code = Vec::new();
    call(&mut code, save, create);
    code.push(0xc3);
    go.function("main.save", &code);
    // makeFolder(settings): os.Mkdir(settings.folder)
    let mkdir = go.function("os.Mkdir", &[0xc3]);
    let make_folder = ENTRY + go.code.len() as u32;
    let mut code = vec![0x48, 0x8b, 0x58, 0x08, 0x48, 0x8b, 0x00]; // mov rbx, [rax+8]; mov rax, [rax]
    call(&mut code, make_folder, mkdir);
    code.push(0xc3);
    go.function("main.makeFolder", &code);
    let main = ENTRY + go.code.len() as u32;
    let mut code = vec![0x48, 0x83, 0xec, 0x20]; // sub rsp, 20h
    go.string(&mut code, main, LEA_RCX, MOV_EBX, "C:\\Contoso\\queue");
    code.extend([0x48, 0x89, 0x4c, 0x24, 0x10]); // mov [rsp+10h], rcx
    code.extend([0x48, 0x89, 0x5c, 0x24, 0x18]); // mov [rsp+18h], rbx
    code.extend([0x48, 0x8d, 0x44, 0x24, 0x10]); // lea rax, [rsp+10h]
    call(&mut code, main, make_folder);
    go.string(&mut code, main, LEA_RAX, MOV_EBX, "C:\\Contoso\\journal.log");
    code.push(MOV_ECX);
    code.extend(0x441u32.to_le_bytes()); // O_APPEND | O_CREATE | O_WRONLY
    call(&mut code, main, open);
    go.string(&mut code, main, LEA_RAX, MOV_EBX, "C:\\Contoso\\prices.csv");
    code.extend([0x31, 0xc9]); // xor ecx, ecx: O_RDONLY
    call(&mut code, main, open);
    go.string(&mut code, main, LEA_RAX, MOV_EBX, "C:\\Contoso\\orders.dat");
    call(&mut code, main, save);
    go.string(&mut code, main, LEA_RAX, MOV_EBX, "C:\\Contoso\\state.new");
    go.string(&mut code, main, LEA_RCX, MOV_EDI, "C:\\Contoso\\state.dat");
    call(&mut code, main, rename);
    code.extend([0x48, 0x83, 0xc4, 0x20, 0xc3]); // add rsp, 20h; ret
    go.function("main.main", &code);
    go.image.entry = main;
    go.bytes()
}

/// Where the table cannot be read it is said, whatever section it is in.
#[test]
fn a_program_of_go_whose_table_is_not_read_is_said_not_to_be_seen() {
    let mut go = GoImage::new();
    go.function("os.Create", &[0xc3]);
    go.function("main.main", &[0xc3]);
    let whole = go.bytes();
    let at = |bytes: &[u8], sought: &[u8]| bytes.windows(sought.len()).position(|w| w == sought).expect("the table");
    let table = at(&whole, &[0xf0, 0xff, 0xff, 0xff, 0, 0, 1, 8]);
    let flags = at(&whole, b".gopc") + 36;
    let said = |bytes: &[u8], text: &str| read("desk.exe", bytes).notes.iter().any(|n| n.text.contains(text));
    assert!(!said(&whole, "made by"));
    for version in [0xfa, 0xfb] {
        let mut old = whole.clone();
        old[table] = version;
        assert!(said(&old, "Go before 1.18"));
        old[flags..flags + 4].copy_from_slice(&CODE.to_le_bytes());
        assert!(said(&old, "Go before 1.18"));
    }
    // The start of the code is not said, and there is no description of the module.
    let mut textless = whole.clone();
    textless[table + 0x18..table + 0x20].fill(0);
    assert!(said(&textless, "its table of functions cannot be read"));
}

#[test]
fn a_table_of_names_that_lies_costs_only_the_names() {
    let whole = {
        let mut go = GoImage::new();
        go.function("os.Create", &[0xc3]);
        go.function("main.main", &[0xc3]);
        go.bytes()
    };
    let table = whole.windows(8).position(|w| w == [0xf0, 0xff, 0xff, 0xff, 0, 0, 1, 8]).expect("the table");
    for at in table..table + 0x48 {
        for value in [0x00, 0x7f, 0xff] {
            let mut broken = whole.clone();
            broken[at] = value;
            let reading = read("desk.exe", &broken);
            assert_eq!(written(&reading), Vec::<String>::new());
        }
    }
}
