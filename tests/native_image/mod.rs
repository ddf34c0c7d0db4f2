//! Makes x64 images byte by byte, so that tests can make ones that no linker would.

/// `IMAGE_SCN_CNT_CODE | MEM_EXECUTE | MEM_READ`
pub(crate) const CODE: u32 = 0x6000_0020;
/// `IMAGE_SCN_CNT_INITIALIZED_DATA | MEM_READ`
pub(crate) const DATA: u32 = 0x4000_0040;
/// Address of the code of [`Image::writing`].
pub(crate) const ENTRY: u32 = 0x1000;
/// Address of the import table.
const IMPORTS: u32 = 0x3000;
const BASE: u64 = 0x1_4000_0000;
const OPTIONAL: usize = 0x98;
const FIRST_SECTION: usize = OPTIONAL + 240;

/// Addresses inside the table that [`Image::imports`] makes.
pub(crate) mod import_table {
    /// The lookup table.
    pub(crate) const LOOKUP: u32 = super::IMPORTS + 0x40;
    /// The slots.
    pub(crate) const SLOTS: u32 = super::IMPORTS + 0x100;
    /// Names.
    pub(crate) const NAMES: u32 = super::IMPORTS + 0x200;
}

/// A section.
#[derive(Clone)]
pub(crate) struct Section {
    /// Name, at most eight bytes.
    pub(crate) name: &'static str,
    /// Address.
    pub(crate) rva: u32,
    /// Size in memory.
    pub(crate) size: u32,
    /// Bytes in the file.
    pub(crate) data: Vec<u8>,
    /// Flags.
    pub(crate) flags: u32,
}

impl Section {
    /// As large in memory as in the file.
    pub(crate) fn new(name: &'static str, rva: u32, data: Vec<u8>, flags: u32) -> Self {
        Section { name, rva, size: data.len() as u32, data, flags }
    }
}

/// An image.
pub(crate) struct Image {
    pub(crate) machine: u16,
    pub(crate) entry: u32,
    pub(crate) sections: Vec<Section>,
    pub(crate) directories: [(u32, u32); 16],
}

impl Image {
    /// Code that returns, and nothing else.
    pub(crate) fn bare() -> Self {
        Image {
            machine: 0x8664,
            entry: ENTRY,
            sections: vec![Section::new(".text", ENTRY, vec![0xc3; 16], CODE)],
            directories: [(0, 0); 16],
        }
    }

    /// The entry opens `path` for writing.
    pub(crate) fn writing(path: &str) -> Self {
        let mut image = Image::bare();
        let mut text = path.as_bytes().to_vec();
        text.push(0);
        image.sections.push(Section::new(".rdata", 0x2000, text, DATA));
        image.imports(&["CreateFileA"]);
        image.sections[0] = Section::new(".text", ENTRY, image.writer_at(ENTRY), CODE);
        image
    }

    /// Code for an address that opens the path of [`Image::writing`]: `CreateFileA(path, GENERIC_WRITE, 0, 0,
    /// CREATE_ALWAYS, 0, 0)`.
    pub(crate) fn writer_at(&self, rva: u32) -> Vec<u8> {
        let mut code = vec![0x48, 0x83, 0xec, 0x48]; // sub rsp, 48h
        code.extend([0x48, 0x8d, 0x0d]); // lea rcx, [path]
        code.extend(0x2000u32.wrapping_sub(rva + code.len() as u32 + 4).to_le_bytes());
        code.extend([0xba, 0, 0, 0, 0x40]); // mov edx, GENERIC_WRITE
        code.extend([0x45, 0x31, 0xc0, 0x45, 0x31, 0xc9]); // xor r8d, r8d; xor r9d, r9d
        code.extend([0xc7, 0x44, 0x24, 0x20, 2, 0, 0, 0]); // mov dword [rsp+20h], CREATE_ALWAYS
        code.extend([0xc7, 0x44, 0x24, 0x28, 0, 0, 0, 0]); // mov dword [rsp+28h], 0
        code.extend([0xff, 0x15]); // call [CreateFileA]
        code.extend(import_table::SLOTS.wrapping_sub(rva + code.len() as u32 + 4).to_le_bytes());
        code.extend([0x48, 0x83, 0xc4, 0x48, 0xc3]); // add rsp, 48h; ret
        code
    }

    /// A new entry that calls `target` and then the old one.
    pub(crate) fn call_first(&mut self, target: u32) {
        let rva = 0x5000;
        let mut code = vec![0x48, 0x83, 0xec, 0x28, 0xe8]; // sub rsp, 28h; call target
        code.extend(target.wrapping_sub(rva + code.len() as u32 + 4).to_le_bytes());
        code.push(0xe8); // call entry
        code.extend(self.entry.wrapping_sub(rva + code.len() as u32 + 4).to_le_bytes());
        code.extend([0x48, 0x83, 0xc4, 0x28, 0xc3]); // add rsp, 28h; ret
        self.sections.push(Section::new("first", rva, code, CODE));
        self.entry = rva;
    }

    /// Imports functions of kernel32.
    pub(crate) fn imports(&mut self, names: &[&str]) {
        let mut table = vec![0u8; 0x400];
        let mut put = |at: u32, bytes: &[u8]| {
            let at = (at - IMPORTS) as usize;
            table[at..at + bytes.len()].copy_from_slice(bytes);
        };
        let module = IMPORTS + 0x30;
        for (i, field) in [import_table::LOOKUP, 0, 0, module, import_table::SLOTS].into_iter().enumerate() {
            put(IMPORTS + i as u32 * 4, &field.to_le_bytes());
        }
        put(module, b"KERNEL32.dll\0");
        let mut at = import_table::NAMES;
        for (i, name) in names.iter().enumerate() {
            let entry = u64::from(at).to_le_bytes();
            put(import_table::LOOKUP + i as u32 * 8, &entry);
            put(import_table::SLOTS + i as u32 * 8, &entry);
            put(at + 2, name.as_bytes());
            at += 4 + name.len() as u32;
        }
        self.sections.retain(|s| s.name != ".idata");
        self.sections.push(Section::new(".idata", IMPORTS, table, DATA | 0x8000_0000));
        self.directories[1] = (IMPORTS, 40);
    }

    /// Where the bytes of an address are in the file.
    pub(crate) fn offset_of(&self, rva: u32) -> usize {
        let mut at = self.header_size();
        for section in &self.sections {
            if rva >= section.rva && rva - section.rva < section.data.len() as u32 {
                return at + (rva - section.rva) as usize;
            }
            at += section.data.len();
        }
        0
    }

    fn header_size(&self) -> usize {
        FIRST_SECTION + self.sections.len() * 40
    }

    /// The file.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0u8; self.header_size()];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        put(0, b"MZ");
        put(0x3c, &0x80u32.to_le_bytes());
        put(0x80, b"PE\0\0");
        put(0x84, &self.machine.to_le_bytes());
        put(0x86, &(self.sections.len() as u16).to_le_bytes());
        put(0x94, &240u16.to_le_bytes());
        put(0x96, &0x0022u16.to_le_bytes());
        put(OPTIONAL, &0x20bu16.to_le_bytes());
        put(OPTIONAL + 16, &self.entry.to_le_bytes());
        put(OPTIONAL + 24, &BASE.to_le_bytes());
        put(OPTIONAL + 108, &16u32.to_le_bytes());
        for (i, (rva, size)) in self.directories.iter().enumerate() {
            put(OPTIONAL + 112 + i * 8, &rva.to_le_bytes());
            put(OPTIONAL + 116 + i * 8, &size.to_le_bytes());
        }
        let mut raw = self.header_size();
        for (i, section) in self.sections.iter().enumerate() {
            let at = FIRST_SECTION + i * 40;
            put(at, section.name.as_bytes());
            let raw_size = section.data.len() as u32;
            let fields = [section.size, section.rva, raw_size, raw as u32];
            for (n, field) in fields.into_iter().enumerate() {
                put(at + 8 + n * 4, &field.to_le_bytes());
            }
            put(at + 36, &section.flags.to_le_bytes());
            raw += section.data.len();
        }
        for section in &self.sections {
            bytes.extend(&section.data);
        }
        bytes
    }
}
