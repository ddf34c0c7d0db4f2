//! Classes of Object Pascal's libraries that keep settings: which classes they are, and what their methods do.
//!
//! The libraries are compiled in without names, but a class has its own (see [`pascal`]). What a method of a
//! registry class does shows in the functions of Windows that it leads to. Those of INI files are virtual, and their places
//! follow from the class that all of them derive from: methods that each of these has to have stand in its table as one
//! function that only fails, `ReadString` and `WriteString` the first two of them, `EraseSection`, `DeleteKey` and
//! `UpdateFile` the last three (`inifiles.pp`; Delphi: `System.IniFiles`).

use super::functions::Functions;
use super::image::Image;
use super::program::Program;
use super::scan::pointing;
use super::{Map, Set, surface};
use super::{operands, pascal};
use crate::catalog::native::{self, Api, Model};
use iced_x86::{FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess, OpKind, Register, UsedRegister};
use std::cell::RefCell;

/// The class that those of INI files derive from.
const BASE: &str = "TCustomIniFile";
/// How often the function that only fails stands in the table of the base class, at the least.
const MIN_ABSTRACT: usize = 5;
/// Methods from `WriteString` to `WriteInteger`, and to the next one that writes, whichever it is.
const WRITE_INTEGER: usize = 2;
const MORE_WRITES: [usize; 2] = [WRITE_INTEGER, 4];
/// Calls from a method to the function of Windows.
const MAX_LEVELS: u8 = 6;
/// Most functions that one leads to.
const MAX_REACHED: usize = 256;

/// Functions of Windows that a method leads to, by the beginnings of their names.
const LEADS: [(&str, u8); 6] = [
    ("RegSetValue", SETS),
    ("RegCreateKey", CREATES),
    ("RegOpenKey", OPENS),
    ("RegDeleteValue", DELETES_VALUE),
    ("RegDeleteKey", DELETES_KEY),
    ("RegCloseKey", CLOSES),
];
pub(crate) const SETS: u8 = 1;
pub(crate) const CREATES: u8 = 2;
pub(crate) const OPENS: u8 = 4;
pub(crate) const DELETES_VALUE: u8 = 8;
pub(crate) const DELETES_KEY: u8 = 16;
pub(crate) const CLOSES: u8 = 32;

/// What a method does with a name below the settings of its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    /// A text, a number, or something of which that is not known.
    WriteText,
    WriteNumber,
    Write,
    EraseSection,
    DeleteKey,
    UpdateFile,
}

/// A class that keeps settings: one of the libraries, or one that derives from it.
#[derive(Clone, Debug)]
pub(crate) struct Keeper {
    /// The name of that of the libraries.
    pub(crate) name: String,
    pub(crate) api: Api,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Keepers {
    /// By the address of the table.
    classes: Map<u32, Keeper>,
    /// Methods of INI files.
    methods: Map<u32, Does>,
    /// What functions that were asked for lead to.
    leads: RefCell<Map<u32, u8>>,
    /// Calls of methods that are told of as such.
    told: RefCell<Set<u32>>,
}

impl Keepers {
    /// The classes of an image, without what their methods do.
    pub(crate) fn classes(image: &Image<'_>, classes: &Set<u32>) -> Self {
        let keeper = |class: u32| pascal::ancestors(image, class, classes).find_map(keeper_of);
        let classes = classes.iter().filter_map(|class| Some((*class, keeper(*class)?)));
        Keepers { classes: classes.collect(), ..Keepers::default() }
    }

    /// What the methods do.
    pub(crate) fn add_methods(&mut self, program: &Program<'_>) {
        if self.classes.is_empty() {
            return;
        }
        let image = &program.image;
        let base = program.pascal.iter().find(|class| pascal::name(image, **class) == Some(BASE));
        let Some(places) = base.and_then(|base| Places::of(program, *base)) else { return };
        let mut asked: Set<(usize, u32)> = Set::default();
        for class in self.classes.keys() {
            let all = pascal::methods(&program.image, *class);
            for (place, method) in all.iter().enumerate() {
                if !asked.insert((place, *method)) || program.is_out_of_budget() {
                    continue;
                }
                if let Some(does) = places.does(program, place, *method) {
                    self.methods.insert(*method, does);
                }
            }
        }
    }

    /// Functions that refer to a class.
    pub(crate) fn users(&self, image: &Image<'_>, functions: &Functions) -> Set<u32> {
        let places: Set<u32> = self.classes.keys().flat_map(|class| pascal::references(image, *class)).collect();
        let (Some(first), Some(last)) = (places.iter().min(), places.iter().max()) else { return Set::default() };
        let mut users = Set::default();
        for section in image.sections.iter().filter(|section| section.is_code()) {
            let found = pointing(image, section, *first..last.saturating_add(1));
            let found = found.filter(|(_, to)| places.contains(to));
            users.extend(found.filter_map(|(at, _)| functions.function_of(section.rva.wrapping_add(at as u32))));
        }
        users
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// The class whose table this is.
    pub(crate) fn of(&self, class: u32) -> Option<&Keeper> {
        self.classes.get(&class)
    }

    /// What a method of an INI file does.
    pub(crate) fn does(&self, method: u32) -> Option<Does> {
        self.methods.get(&method).copied()
    }

    /// A call of a method is told of: what the method does is not told again.
    pub(crate) fn tell(&self, site: u32) {
        self.told.borrow_mut().insert(site);
    }

    pub(crate) fn is_told(&self, site: u32) -> bool {
        self.told.borrow().contains(&site)
    }

    /// A method reads the register with its third argument, before anything else may be there: a number in it was given.
    pub(crate) fn takes_third(&self, program: &Program<'_>, method: u32) -> bool {
        let third = if program.image.is_64() { Register::R8 } else { Register::RCX };
        let body = program.body(method);
        let mut factory = InstructionInfoFactory::new();
        let straight =
            body.instructions.iter().take_while(|instruction| instruction.flow_control() == FlowControl::Next);
        let mut uses = straight.flat_map(|instruction| {
            let used = factory.info(instruction).used_registers();
            used.iter()
                .filter(|used| used.register().full_register() == third)
                .map(UsedRegister::access)
                .collect::<Vec<_>>()
        });
        uses.next().is_some_and(|access| matches!(access, OpAccess::Read | OpAccess::CondRead))
    }

    /// The functions of Windows that a function leads to.
    pub(crate) fn leads_to(&self, program: &Program<'_>, function: u32) -> u8 {
        if let Some(known) = self.leads.borrow().get(&function) {
            return *known;
        }
        let leads = leads(program, function);
        self.leads.borrow_mut().insert(function, leads);
        leads
    }
}

fn keeper_of(name: &str) -> Option<Keeper> {
    let is_class = |api: &Api| api.row.module == "pascal" && api.row.model == Some(Model::SettingsObject);
    native::find_by_name(name).filter(is_class).map(|api| Keeper { name: name.to_owned(), api })
}

/// Where methods stand in the table of an INI file.
struct Places {
    write_string: usize,
    erase: usize,
    /// Bytes from the start of the table to `WriteString`.
    distance: u64,
}

impl Places {
    /// By the table of the base class.
    fn of(program: &Program<'_>, base: u32) -> Option<Self> {
        let all = pascal::methods(&program.image, base);
        let fails = all.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])?;
        let places: Vec<usize> = (0..all.len()).filter(|n| all.get(*n) == Some(&fails)).collect();
        let [_, write_string, .., erase, delete, update] = &*places else { return None };
        if places.len() < MIN_ABSTRACT || *delete != erase + 1 || *update != delete + 1 {
            return None;
        }
        let words = *write_string as u32 * program.image.pointer_size();
        let distance = u64::from(pascal::header(&program.image, base) + words);
        Some(Places { write_string: *write_string, erase: *erase, distance })
    }

    fn does(&self, program: &Program<'_>, place: usize, method: u32) -> Option<Does> {
        let behind = place.checked_sub(self.write_string)?;
        match place.checked_sub(self.erase) {
            Some(0) => Some(Does::EraseSection),
            Some(1) => Some(Does::DeleteKey),
            Some(2) => Some(Does::UpdateFile),
            Some(_) => None,
            None => {
                let writes = || MORE_WRITES.contains(&behind) || self.calls_write(program, method);
                match behind {
                    0 => Some(Does::WriteText),
                    WRITE_INTEGER => Some(Does::WriteNumber),
                    _ => writes().then_some(Does::Write),
                }
            }
        }
    }

    /// It calls `WriteString` through the table of its object.
    fn calls_write(&self, program: &Program<'_>, method: u32) -> bool {
        let calls = |call: &Instruction| {
            call.mnemonic() == Mnemonic::Call
                && call.op0_kind() == OpKind::Memory
                && call.memory_base() != Register::None
                && call.memory_displacement64() == self.distance
        };
        let body = program.body(method);
        program.spend(body.instructions.len() as u64);
        body.instructions.iter().any(calls)
    }
}

/// The functions of Windows that a function leads to, by what its instructions call and jump to: where functions begin is not
/// always known on x86.
fn leads(program: &Program<'_>, function: u32) -> u8 {
    let mut seen: Set<u32> = Set::from_iter([function]);
    let (mut level, mut leads) = (vec![function], 0);
    for _ in 0..MAX_LEVELS {
        let mut next = Vec::new();
        for function in std::mem::take(&mut level) {
            let body = program.body(function);
            program.spend(body.instructions.len() as u64);
            if program.is_out_of_budget() {
                return leads;
            }
            for instruction in &body.instructions {
                match called(program, instruction) {
                    Some(Called::Import(import)) => leads |= bits_of(program, import),
                    Some(Called::Inside(target)) if seen.len() < MAX_REACHED && seen.insert(target) => {
                        next.push(target)
                    }
                    _ => {}
                }
            }
        }
        level = next;
    }
    leads
}

/// What an instruction calls or jumps to.
enum Called {
    Import(usize),
    Inside(u32),
}

fn called(program: &Program<'_>, instruction: &Instruction) -> Option<Called> {
    let image = &program.image;
    match instruction.flow_control() {
        FlowControl::Call | FlowControl::UnconditionalBranch => {
            let target = image.rva_of(instruction.near_branch_target())?;
            match program.references.thunks.get(&target) {
                Some(import) => Some(Called::Import(*import)),
                None => Some(Called::Inside(target)),
            }
        }
        FlowControl::IndirectCall | FlowControl::IndirectBranch if instruction.op0_kind() == OpKind::Memory => {
            let slot = operands::fixed(instruction)?;
            program.linkage.slots.get(&image.rva_of(slot)?).map(|import| Called::Import(*import))
        }
        _ => None,
    }
}

fn bits_of(program: &Program<'_>, import: usize) -> u8 {
    let name = program.linkage.imports.get(import).and_then(surface::name_of).unwrap_or_default();
    LEADS.iter().filter(|(begin, _)| name.starts_with(begin)).fold(0, |bits, (_, bit)| bits | bit)
}
