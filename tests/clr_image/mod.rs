//! Makes small assemblies, well-formed or not, byte by byte (ECMA-335 II.24, II.25).

/// Tables by number, each with its rows.
#[derive(Default)]
pub(crate) struct Assembly {
    strings: Vec<u8>,
    user_strings: Vec<u8>,
    blobs: Vec<u8>,
    tables: Vec<(u8, Vec<Vec<u8>>)>,
    code: Vec<u8>,
    /// Row counts to be written in place of the true ones.
    pub(crate) counts: Vec<(u8, u32)>,
    /// What else tells what kind of assembly it is.
    pub(crate) kind: Kind,
}

/// What the headers say of the code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// IL of .NET Framework 4.
    #[default]
    Plain,
    /// IL of .NET Framework 1.1: an older version of the tables.
    Old,
    /// IL and machine code, as C++/CLI compiles it.
    Mixed,
    /// IL beside what was compiled of it ahead of time.
    ReadyToRun,
}

const TEXT_RVA: u32 = 0x2000;
const HEADER: u32 = 72;
/// Where the code starts in the section.
const CODE: u32 = HEADER;

pub(crate) const MODULE: u8 = 0x00;
pub(crate) const TYPE_REF: u8 = 0x01;
pub(crate) const TYPE_DEF: u8 = 0x02;
pub(crate) const METHOD: u8 = 0x06;
pub(crate) const MEMBER_REF: u8 = 0x0a;
pub(crate) const ASSEMBLY: u8 = 0x20;
pub(crate) const ASSEMBLY_REF: u8 = 0x23;

fn compressed(n: u32) -> Vec<u8> {
    match n {
        0..=0x7f => vec![n as u8],
        0x80..=0x3fff => ((n | 0x8000) as u16).to_be_bytes().to_vec(),
        _ => (n | 0xc000_0000).to_be_bytes().to_vec(),
    }
}

fn padded(mut bytes: Vec<u8>) -> Vec<u8> {
    while !bytes.len().is_multiple_of(4) {
        bytes.push(0);
    }
    bytes
}

impl Assembly {
    /// An assembly with a module, `System.IO.File` and a first type that holds all methods.
    pub(crate) fn new() -> Self {
        let mut made = Assembly { strings: vec![0], user_strings: vec![0], blobs: vec![0], ..Assembly::default() };
        let (name, corlib) = (made.string("hostile"), made.string("mscorlib"));
        made.row(MODULE, &[&[0, 0], &name, &[0, 0], &[0, 0], &[0, 0]]);
        made.row(ASSEMBLY, &[&[0; 4], &[1, 0, 0, 0, 0, 0, 0, 0], &[0; 4], &[0, 0], &name, &[0, 0]]);
        made.row(ASSEMBLY_REF, &[&[4, 0, 0, 0, 0, 0, 0, 0], &[0; 4], &[0, 0], &corlib, &[0, 0], &[0, 0]]);
        // ResolutionScope: AssemblyRef has tag 2.
        let (object, system, file, io) =
            (made.string("Object"), made.string("System"), made.string("File"), made.string("System.IO"));
        made.row(TYPE_REF, &[&[1 << 2 | 2, 0], &object, &system]);
        made.row(TYPE_REF, &[&[1 << 2 | 2, 0], &file, &io]);
        let (module, program) = (made.string("<Module>"), made.string("Program"));
        made.row(TYPE_DEF, &[&[0; 4], &module, &[0, 0], &[0, 0], &[1, 0], &[1, 0]]);
        // TypeDefOrRef: TypeRef has tag 1.
        made.row(TYPE_DEF, &[&[1, 0, 0, 0], &program, &[0, 0], &[1 << 2 | 1, 0], &[1, 0], &[1, 0]]);
        made
    }

    pub(crate) fn string(&mut self, text: &str) -> [u8; 2] {
        let at = self.strings.len() as u16;
        self.strings.extend_from_slice(text.as_bytes());
        self.strings.push(0);
        at.to_le_bytes()
    }

    pub(crate) fn blob(&mut self, bytes: &[u8]) -> [u8; 2] {
        let at = self.blobs.len() as u16;
        self.blobs.extend(compressed(bytes.len() as u32));
        self.blobs.extend_from_slice(bytes);
        at.to_le_bytes()
    }

    /// A token of a string literal.
    pub(crate) fn literal(&mut self, text: &str) -> u32 {
        let at = self.user_strings.len() as u32;
        let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        self.user_strings.extend(compressed(units.len() as u32 + 1));
        self.user_strings.extend(units);
        self.user_strings.push(0);
        0x7000_0000 | at
    }

    pub(crate) fn row(&mut self, table: u8, cells: &[&[u8]]) -> u32 {
        let row = cells.concat();
        match self.tables.iter_mut().find(|(number, _)| *number == table) {
            Some((_, rows)) => rows.push(row),
            None => self.tables.push((table, vec![row])),
        }
        let rows = self.tables.iter().find(|(number, _)| *number == table).map_or(0, |(_, rows)| rows.len());
        u32::from(table) << 24 | rows as u32
    }

    /// A reference to a method of `System.IO.File`: `WriteAllText(String, String)`.
    pub(crate) fn write_all_text(&mut self) -> u32 {
        let name = self.string("WriteAllText");
        let signature = self.blob(&[0x00, 2, 0x01, 0x0e, 0x0e]);
        // MemberRefParent: TypeRef has tag 1.
        self.row(MEMBER_REF, &[&[2 << 3 | 1, 0], &name, &signature])
    }

    /// `ldstr`, `ldstr`, `call`: the method writes this file.
    pub(crate) fn write(&mut self, call: u32, path: &str) -> Vec<u8> {
        let path = self.literal(path);
        let mut il = Vec::new();
        for _ in 0..2 {
            il.push(0x72);
            il.extend(path.to_le_bytes());
        }
        il.push(0x28);
        il.extend(call.to_le_bytes());
        il
    }

    /// A static method without parameters or result.
    pub(crate) fn method(&mut self, name: &str, il: &[u8]) -> u32 {
        while !self.code.len().is_multiple_of(4) {
            self.code.push(0);
        }
        let rva = TEXT_RVA + CODE + self.code.len() as u32;
        // Fat header (II.25.4.3): flags and size, stack, length of the code, no locals.
        self.code.extend([0x03, 0x30, 8, 0]);
        self.code.extend((il.len() as u32).to_le_bytes());
        self.code.extend([0; 4]);
        self.code.extend_from_slice(il);
        let (name, signature) = (self.string(name), self.blob(&[0x00, 0, 0x01]));
        self.row(METHOD, &[&rva.to_le_bytes(), &[0, 0], &[0x16, 0], &name, &signature, &[1, 0]])
    }

    fn tables_stream(&self) -> Vec<u8> {
        let mut tables: Vec<&(u8, Vec<Vec<u8>>)> = self.tables.iter().collect();
        tables.sort_by_key(|(number, _)| *number);
        let valid: u64 = tables.iter().map(|(number, _)| 1_u64 << number).sum();
        let mut out = vec![0, 0, 0, 0, if self.kind == Kind::Old { 1 } else { 2 }, 0, 0, 1];
        out.extend(valid.to_le_bytes());
        out.extend(0_u64.to_le_bytes());
        for (number, rows) in &tables {
            let count = self.counts.iter().find(|(of, _)| of == number).map_or(rows.len() as u32, |(_, count)| *count);
            out.extend(count.to_le_bytes());
        }
        out.extend(tables.iter().flat_map(|(_, rows)| rows.concat()));
        padded(out)
    }

    /// The whole image.
    pub(crate) fn image(&self) -> Vec<u8> {
        let streams = [
            ("#~\0\0", self.tables_stream()),
            ("#Strings\0\0\0\0", padded(self.strings.clone())),
            ("#US\0", padded(self.user_strings.clone())),
            ("#Blob\0\0\0", padded(self.blobs.clone())),
        ];
        let mut root = b"BSJB\x01\0\x01\0\0\0\0\0\x0c\0\0\0".to_vec();
        root.extend(if self.kind == Kind::Old { b"v1.1.4322\0\0\0" } else { b"v4.0.30319\0\0" });
        root.extend([0, 0]);
        root.extend((streams.len() as u16).to_le_bytes());
        let mut at = root.len() + streams.iter().map(|(name, _)| 8 + name.len()).sum::<usize>();
        let mut bodies = Vec::new();
        for (name, body) in &streams {
            root.extend((at as u32).to_le_bytes());
            root.extend((body.len() as u32).to_le_bytes());
            root.extend(name.as_bytes());
            at += body.len();
            bodies.extend_from_slice(body);
        }
        root.extend(bodies);
        let code = padded(self.code.clone());
        let metadata = TEXT_RVA + CODE + code.len() as u32;
        // The CLI header (II.25.3.3).
        let mut text = Vec::new();
        text.extend(72_u32.to_le_bytes());
        text.extend([2, 0, 5, 0]);
        text.extend(metadata.to_le_bytes());
        text.extend((root.len() as u32).to_le_bytes());
        text.extend(u32::from(self.kind != Kind::Mixed && self.kind != Kind::ReadyToRun).to_le_bytes());
        text.resize(HEADER as usize, 0);
        text.extend(code);
        text.extend(root);
        if self.kind == Kind::ReadyToRun {
            // The managed native header (II.25.3.3), which the runtime has made its own.
            let at = TEXT_RVA + text.len() as u32;
            text.extend(b"RTR\0\x09\0\x01\0\0\0\0\0\0\0\0\0");
            text[64..68].copy_from_slice(&at.to_le_bytes());
            text[68..72].copy_from_slice(&16_u32.to_le_bytes());
        }
        let size = text.len() as u32;
        let mut out = vec![0; 0x200];
        out[..2].copy_from_slice(b"MZ");
        out[0x3c] = 0x80;
        out[0x80..0x84].copy_from_slice(b"PE\0\0");
        let mut put = |at: usize, bytes: &[u8]| out[at..at + bytes.len()].copy_from_slice(bytes);
        put(0x84, &[0x4c, 0x01, 1, 0]);
        put(0x94, &[0xe0, 0, 0x02, 0x01]);
        put(0x98, &[0x0b, 0x01]);
        put(0x98 + 28, &0x40_0000_u32.to_le_bytes());
        put(0x98 + 32, &0x2000_u32.to_le_bytes());
        put(0x98 + 36, &0x200_u32.to_le_bytes());
        put(0x98 + 56, &(TEXT_RVA + size.next_multiple_of(0x2000)).to_le_bytes());
        put(0x98 + 60, &0x200_u32.to_le_bytes());
        put(0x98 + 68, &[3, 0]);
        put(0x98 + 92, &16_u32.to_le_bytes());
        // The fifteenth directory is the CLI header.
        put(0x98 + 96 + 14 * 8, &TEXT_RVA.to_le_bytes());
        put(0x98 + 96 + 14 * 8 + 4, &72_u32.to_le_bytes());
        let section = 0x98 + 0xe0;
        put(section, b".text\0\0\0");
        put(section + 8, &size.to_le_bytes());
        put(section + 12, &TEXT_RVA.to_le_bytes());
        put(section + 16, &size.to_le_bytes());
        put(section + 20, &0x200_u32.to_le_bytes());
        put(section + 36, &0x6000_0020_u32.to_le_bytes());
        out.extend(text);
        out
    }
}
