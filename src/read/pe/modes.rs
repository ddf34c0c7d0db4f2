//! Opened how: access masks, dispositions, mode strings and flags. Reading is not writing.

use super::code::report::{Arg, Event};
use crate::catalog::native::Model;
use crate::facts::{Operation, Text, Trait};

/// What an open does.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Mode {
    /// `None`: not known.
    pub(crate) operation: Option<Operation>,
    pub(crate) traits: Vec<Trait>,
    /// In words, for the evidence.
    pub(crate) words: String,
    /// It may as well only read: several modes are possible, and which one goes with which path is not known.
    pub(crate) ambiguous: bool,
    /// It changes what is opened, but whether that is made anew, extended or overwritten is not known.
    pub(crate) vague: bool,
    /// Nothing of what the file holds is read or written through it: what becomes of the file is said by the calls that are
    /// given the handle.
    pub(crate) idle: bool,
}

impl Mode {
    /// One of two modes.
    fn or(self, other: Mode) -> Mode {
        let reads = |m: &Mode| m.operation == Some(Operation::Read);
        let mixed = reads(&self) != reads(&other);
        let operation = match (self.operation, other.operation) {
            (x, y) if x == y => x,
            (Some(Operation::Read), write) | (write, Some(Operation::Read)) => write,
            // It may as well be one that only reads.
            (None, _) | (_, None) => None,
            _ => Some(Operation::Write),
        };
        let words = if self.words == other.words { self.words } else { format!("{} or {}", self.words, other.words) };
        let vague = self.operation != other.operation || self.vague || other.vague;
        Mode {
            operation,
            traits: self.traits,
            words,
            ambiguous: mixed || self.ambiguous || other.ambiguous,
            vague,
            idle: self.idle && other.idle,
        }
    }
}

/// The mode for every combination of possible numbers.
fn any(first: &[Option<u64>], second: &[Option<u64>], decide: impl Fn(Option<u64>, Option<u64>) -> Mode) -> Mode {
    let modes = first.iter().flat_map(|a| second.iter().map(|b| decide(*a, *b)));
    modes.reduce(Mode::or).unwrap_or_default()
}

/// Access rights that change a file (`winnt.h`): write data, append data, generic write, generic all, maximum.
const WRITE_DATA: u64 = 0x2;
const APPEND_DATA: u64 = 0x4;
const ANY_WRITE: u64 = 0x4000_0000 | 0x1000_0000 | 0x0200_0000 | WRITE_DATA | APPEND_DATA;
const DELETE: u64 = 0x1_0000;
const GENERIC_READ: u64 = 0x8000_0000;
/// Access rights that read something of a file: generic read, execute and all, maximum, and those of data, attributes and
/// execution.
const ANY_READ: u64 = GENERIC_READ | 0x2000_0000 | 0x1000_0000 | 0x0200_0000 | 0x1 | 0x8 | 0x20 | 0x80;
/// `SECURITY_SQOS_PRESENT`, and how far a server may go in the name of its client (`winbase.h`): programs ask that of a pipe, and of any
/// path that somebody else names, which may be one; so it says nothing of a path that is seen to be a file.
const ASKS_SERVER: u64 = 0x10_0000;
const SERVER_LEVEL: u64 = 0x3_0000;
/// `FILE_FLAG_DELETE_ON_CLOSE`
const DELETE_ON_CLOSE: u64 = 0x0400_0000;

/// The mode of an opening call; `None` when the model does not open anything.
pub(crate) fn mode(event: &Event) -> Option<Mode> {
    let arg = |position: usize| event.api.row.args.get(position).and_then(|n| event.args.get(usize::from(*n)));
    let all = |position: usize| -> Vec<Option<u64>> {
        match arg(position).map(|a| a.number.all()).filter(|all| !all.is_empty()) {
            Some(all) => all.iter().copied().map(Some).collect(),
            None => vec![None],
        }
    };
    let one = |decide: fn(Option<u64>) -> Mode| any(&all(1), &[None], |n, _| decide(n));
    let flags = |position: usize| all(position).into_iter().flatten().reduce(|a, b| a & b);
    let adds = event.api.row.adds;
    Some(match event.api.row.model? {
        Model::CreateFile => {
            let is_file = |text: &Text| !text.is_unknown() && !text.to_string().to_lowercase().contains("pipe\\");
            let names_file = arg(0).is_some_and(|path| path.texts.iter().any(is_file));
            let asked = flags(3).map(|flags| if names_file { flags & !ASKS_SERVER } else { flags });
            any(&all(1), &all(2), |a, d| create_file(a, d, asked))
        }
        Model::NtCreateFile => any(&all(1), &all(2), |a, d| nt_create_file(a, d, flags(3))),
        Model::NtOpenFile => any(&all(1), &[Some(1)], |a, d| nt_create_file(a, d, flags(2))),
        Model::OpenStyle => one(open_style),
        Model::Fopen => mode_strings(arg(1)),
        Model::Oflag => one(oflag),
        Model::Openmode => one(|n| openmode(n, [0x02, 0x01, 0x08, 0x10])),
        Model::QtOpenmode => one(qt_openmode),
        Model::GoOflag => one(go_oflag),
        Model::VbOpenmode => one(vb_openmode),
        Model::WxOpenmode => one(wx_openmode),
        // A stream adds what it is for: `ofstream(name, ios::binary)` writes (C++ standard, [ofstream.cons]).
        Model::GnuOpenmode => any(&all(1), &[None], |n, _| openmode(n.map(|n| n | adds), [0x10, 0x08, 0x01, 0x20])),
        Model::Stgm => one(stgm),
        Model::SqliteFlags => one(sqlite),
        _ => return None,
    })
}

fn of(operation: Option<Operation>, words: String) -> Mode {
    Mode { operation, words, ..Mode::default() }
}

/// `CreateFile`: the disposition may create or truncate whatever the access is.
fn create_file(access: Option<u64>, disposition: Option<u64>, flags: Option<u64>) -> Mode {
    // The client's end of a pipe (MS documentation: "CreateFileW", pipes).
    let existing = disposition.is_some_and(|d| d & 0xffff_ffff == 3);
    if existing && flags.is_some_and(|f| f & ASKS_SERVER != 0 && f & SERVER_LEVEL != 0) {
        return of(Some(Operation::Read), "a pipe".to_owned());
    }
    let writes = access.map(|a| a & ANY_WRITE != 0);
    let appends = access.is_some_and(|a| a & APPEND_DATA != 0 && a & (ANY_WRITE & !APPEND_DATA) == 0);
    let operation = match (disposition.map(|d| d & 0xffff_ffff), writes) {
        (Some(1 | 2), _) => Some(Operation::Create),
        (Some(5), _) => Some(Operation::Write),
        (Some(4) | None, _) if appends => Some(Operation::Append),
        // Whoever may only read finds nothing in what OPEN_ALWAYS has made: it stays empty (MS documentation: "CreateFileW").
        (Some(4), Some(false)) if access.is_some_and(|a| a & GENERIC_READ != 0 && a & DELETE == 0) => {
            Some(Operation::Read)
        }
        // What is not there is made, whatever the access (OPEN_ALWAYS).
        (Some(4), Some(_)) => Some(Operation::Create),
        (_, Some(true)) => Some(if appends { Operation::Append } else { Operation::Write }),
        (Some(3), Some(false)) => Some(match (access, flags) {
            (Some(a), Some(f)) if a & DELETE != 0 && f & DELETE_ON_CLOSE != 0 => Operation::Delete,
            _ => Operation::Read,
        }),
        _ => None,
    };
    let show = |n: Option<u64>| n.map_or("unknown".to_owned(), |n| format!("{:#x}", n & 0xffff_ffff));
    let mut mode = of(operation, format!("access {}, disposition {}", show(access), show(disposition)));
    mode.vague = disposition.is_none() && !appends;
    mode.idle = operation == Some(Operation::Read) && access.is_some_and(|a| a & DELETE != 0 && a & ANY_READ == 0);
    if flags.is_some_and(|f| f & DELETE_ON_CLOSE != 0) {
        mode.traits.push(Trait::DeleteOnClose);
        mode.words.push_str(", deleted on close");
    }
    mode
}

/// `NtCreateFile`: dispositions are supersede, open, create, open-if, overwrite, overwrite-if.
fn nt_create_file(access: Option<u64>, disposition: Option<u64>, options: Option<u64>) -> Mode {
    let translated = disposition.map(|d| match d {
        0 | 2 | 5 => 2,
        1 => 3,
        3 => 4,
        _ => 5,
    });
    // FILE_DELETE_ON_CLOSE
    let flags = options.map(|o| if o & 0x1000 != 0 { DELETE_ON_CLOSE } else { 0 });
    create_file(access, translated, flags)
}

/// The `Open` statement of Visual Basic: Input 1, Output 2, Random 4, Append 8, Binary 32 in the lowest byte (MS
/// documentation: "Open statement", and its form as a method with numbers).
fn vb_openmode(mode: Option<u64>) -> Mode {
    let operation = mode.map(|mode| match mode & 0xff {
        1 => Operation::Read,
        2 => Operation::Create,
        8 => Operation::Append,
        _ => Operation::Write,
    });
    of(operation, mode.map_or("mode unknown".to_owned(), |mode| format!("mode {:#x}", mode & 0xffff_ffff)))
}

/// `OpenFile` and `_lopen`: OF_WRITE 1, OF_READWRITE 2, OF_DELETE 0x200, OF_CREATE 0x1000.
fn open_style(style: Option<u64>) -> Mode {
    let operation = style.map(|s| match s {
        s if s & 0x1000 != 0 => Operation::Create,
        s if s & 0x200 != 0 => Operation::Delete,
        s if s & 3 != 0 => Operation::Write,
        _ => Operation::Read,
    });
    of(operation, style.map_or("unknown style".to_owned(), |s| format!("style {s:#x}")))
}

/// `fopen`: one or several possible strings.
fn mode_strings(mode: Option<&Arg>) -> Mode {
    let texts = mode.map(|a| a.texts.as_slice()).unwrap_or_default();
    let literals: Vec<&str> = texts.iter().filter_map(Text::as_lit).collect();
    if literals.is_empty() {
        return of(None, "unknown mode".to_owned());
    }
    literals.into_iter().map(mode_string).reduce(Mode::or).unwrap_or_default()
}

fn mode_string(text: &str) -> Mode {
    let main = text.split(',').next().unwrap_or_default();
    let operation = match main.trim_start().chars().next() {
        Some('w' | 'x') => Some(Operation::Create),
        Some('a') => Some(Operation::Append),
        Some('r') if main.contains('+') => Some(Operation::Write),
        Some('r') => Some(Operation::Read),
        _ => None,
    };
    let mut mode = of(operation, format!("mode \"{text}\""));
    if main.contains('D') {
        mode.traits.push(Trait::DeleteOnClose);
    }
    mode
}

/// `_open`: _O_WRONLY 1, _O_RDWR 2, _O_APPEND 8, _O_TEMPORARY 0x40, _O_CREAT 0x100, _O_TRUNC 0x200.
fn oflag(flags: Option<u64>) -> Mode {
    let operation = flags.map(|f| match f {
        f if f & 8 != 0 => Operation::Append,
        f if f & 0x300 != 0 => Operation::Create,
        f if f & 3 != 0 => Operation::Write,
        _ => Operation::Read,
    });
    let mut mode = of(operation, flags.map_or("unknown flags".to_owned(), |f| format!("flags {f:#x}")));
    if flags.is_some_and(|f| f & 0x40 != 0) {
        mode.traits.push(Trait::DeleteOnClose);
    }
    mode
}

/// `std::ios_base::openmode`: the bits for out, in, app and trunc differ between the libraries. What is opened for both
/// and not truncated has to be there (C++ standard, [filebuf.members]: as `fopen` with `"r+"`).
fn openmode(flags: Option<u64>, [out, within, app, trunc]: [u64; 4]) -> Mode {
    let operation = flags.map(|f| match f {
        f if f & app != 0 => Operation::Append,
        f if f & trunc != 0 => Operation::Create,
        f if f & out != 0 && f & within != 0 => Operation::Write,
        f if f & out != 0 => Operation::Create,
        _ => Operation::Read,
    });
    of(operation, flags.map_or("unknown open mode".to_owned(), |f| format!("open mode {f:#x}")))
}

/// `QIODevice::OpenMode`: ReadOnly 1, WriteOnly 2, Append 4, Truncate 8, NewOnly 0x40, ExistingOnly 0x80. Whatever may write makes
/// what is not there, `ReadWrite` too, unless it is to be there (Qt documentation: "QIODeviceBase", `ExistingOnly`).
fn qt_openmode(flags: Option<u64>) -> Mode {
    let operation = flags.map(|f| match f {
        f if f & 4 != 0 => Operation::Append,
        f if f & 0x40 != 0 => Operation::Create,
        f if f & 0xa == 0 => Operation::Read,
        f if f & 0x80 != 0 => Operation::Write,
        _ => Operation::Create,
    });
    of(operation, flags.map_or("unknown open mode".to_owned(), |f| format!("open mode {f:#x}")))
}

/// Go on Windows: O_WRONLY 1, O_RDWR 2, O_CREATE 0x40, O_TRUNC 0x200, O_APPEND 0x400.
fn go_oflag(flags: Option<u64>) -> Mode {
    let operation = flags.map(|f| match f {
        f if f & 0x400 != 0 => Operation::Append,
        f if f & 0x240 != 0 => Operation::Create,
        f if f & 3 != 0 => Operation::Write,
        _ => Operation::Read,
    });
    of(operation, flags.map_or("unknown flags".to_owned(), |f| format!("flags {f:#x}")))
}

/// `wxFile::OpenMode`: read, write, read and write, append, exclusively.
fn wx_openmode(mode: Option<u64>) -> Mode {
    let operation = mode.map(|mode| match mode {
        0 => Operation::Read,
        2 => Operation::Write,
        3 => Operation::Append,
        _ => Operation::Create,
    });
    of(operation, mode.map_or("unknown open mode".to_owned(), |mode| format!("open mode {mode}")))
}

/// `STGM_WRITE` 1, `STGM_READWRITE` 2, `STGM_CREATE` 0x1000, `STGM_DELETEONRELEASE` 0x04000000.
fn stgm(flags: Option<u64>) -> Mode {
    let operation = flags.map(|f| match f {
        f if f & 0x1000 != 0 => Operation::Create,
        f if f & 3 != 0 => Operation::Write,
        _ => Operation::Read,
    });
    let mut mode = of(operation, flags.map_or("unknown mode".to_owned(), |f| format!("mode {f:#x}")));
    if flags.is_some_and(|f| f & 0x0400_0000 != 0) {
        mode.traits.push(Trait::DeleteOnClose);
    }
    mode
}

/// `SQLITE_OPEN_READONLY` 1, `READWRITE` 2, `CREATE` 4, `MEMORY` 0x80.
fn sqlite(flags: Option<u64>) -> Mode {
    let operation = flags.map(|f| match f {
        f if f & 0x80 != 0 || f & 7 == 1 => Operation::Read,
        f if f & 4 != 0 => Operation::Create,
        _ => Operation::Write,
    });
    of(operation, flags.map_or("unknown flags".to_owned(), |f| format!("flags {f:#x}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dispositions_and_access() {
        let operation = |a, d| create_file(Some(a), Some(d), Some(0)).operation;
        assert_eq!(operation(0x8000_0000, 3), Some(Operation::Read));
        assert_eq!(operation(0x4000_0000, 3), Some(Operation::Write));
        assert_eq!(operation(0x4000_0000, 2), Some(Operation::Create));
        assert_eq!(operation(APPEND_DATA, 4), Some(Operation::Append));
        assert_eq!(operation(0x8000_0000, 4), Some(Operation::Read), "at most an empty file is made");
        assert_eq!(operation(0xc000_0000, 4), Some(Operation::Create));
        assert_eq!(operation(0, 4), Some(Operation::Create), "a mark, for all that is asked");
        assert_eq!(operation(0x8000_0000, 1), Some(Operation::Create), "a mark: there is nothing to read");
        assert_eq!(operation(0x8000_0000, 2), Some(Operation::Create), "what was there is gone");
        assert_eq!(operation(0x8000_0000, 5), Some(Operation::Write));
        assert_eq!(create_file(None, None, None).operation, None);
        // Of a pipe whose server may know who the client is; what is asked of a file that nobody may act for is no pipe.
        assert_eq!(create_file(Some(0xc000_0000), Some(3), Some(0x4011_0000)).operation, Some(Operation::Read));
        assert_eq!(create_file(Some(0xc000_0000), Some(3), Some(0x0010_0080)).operation, Some(Operation::Write));
        let created_or_opened = create_file(None, Some(2), None).or(create_file(None, Some(3), None));
        assert_eq!(created_or_opened.operation, None, "an open of what exists may only read");
        assert_eq!(create_file(Some(0xc000_0000), Some(2), Some(DELETE_ON_CLOSE)).traits, [Trait::DeleteOnClose]);
    }

    #[test]
    fn mode_strings_and_flags() {
        assert_eq!(mode_string("rb").operation, Some(Operation::Read));
        assert_eq!(mode_string("r+b").operation, Some(Operation::Write));
        assert_eq!(mode_string("a").operation, Some(Operation::Append));
        assert_eq!(mode_string("wt, ccs=UTF-8").operation, Some(Operation::Create));
        assert_eq!(oflag(Some(0x8000)).operation, Some(Operation::Read));
        assert_eq!(oflag(Some(0x301)).operation, Some(Operation::Create));
        assert_eq!(openmode(Some(0x18), [0x10, 0x08, 0x01, 0x20]).operation, Some(Operation::Write));
        assert_eq!(openmode(Some(0x38), [0x10, 0x08, 0x01, 0x20]).operation, Some(Operation::Create));
        assert_eq!(openmode(Some(0x10), [0x10, 0x08, 0x01, 0x20]).operation, Some(Operation::Create));
        assert_eq!(openmode(Some(1), [0x02, 0x01, 0x08, 0x10]).operation, Some(Operation::Read));
        assert_eq!(qt_openmode(Some(0x11)).operation, Some(Operation::Read));
        assert_eq!(qt_openmode(Some(3)).operation, Some(Operation::Create));
        assert_eq!(qt_openmode(Some(0x83)).operation, Some(Operation::Write));
        assert_eq!(qt_openmode(Some(6)).operation, Some(Operation::Append));
    }
}
