//! Install and startup scripts, installers and their sources, read as the machine would.
//!
//! What commands do is data ([`crate::catalog::commands`]); here are the languages that call them.

mod access;
mod autostart;
mod batch;
mod bind;
mod call;
mod calls;
mod chocolatey;
mod encoded;
mod endless;
mod guards;
mod handed;
mod held;
mod hosting;
mod inf;
mod inno;
mod installer;
mod interpreter;
mod items;
mod lines;
mod msi;
mod nsis;
mod origins;
mod pascal;
mod php;
mod powershell;
mod procedures;
mod programs;
#[cfg(test)]
mod proved;
mod queries;
mod reg;
mod rounds;
mod scratch;
mod serving;
mod sink;
mod started;
mod template;
mod ways;
pub mod wix;
pub(crate) mod words;
mod wrapped;
mod wsh;

use super::Input;
use super::text;
use crate::discover::Kind;
use crate::facts::{Phase, Reading, Site, Text};
pub(crate) use autostart::called;
use batch::Hybrid;
use calls::Syntax;
pub use hosting::Hosting;
pub(crate) use installer::sql_answers;
pub(crate) use lines::spread;
pub(crate) use programs::SETUP_PROGRAM;
use sink::Sink;
pub(crate) use sink::quote;
pub(crate) use started::started;
use std::cell::LazyCell;
use wsh::Host;

/// Reads a script.
pub fn read(input: &Input<'_>, reading: &mut Reading) {
    if input.kind == Kind::Msi {
        return msi::read(input.bytes, reading);
    }
    let decode = if input.kind == Kind::Batch { text::decode_oem } else { text::decode };
    let decoded = decode(input.bytes, reading);
    match input.kind {
        Kind::Batch => match batch::read(&decoded, input, reading) {
            Some(Hybrid::JScript) => wsh::read(&behind_comment(&decoded), Syntax::Script, Host::Machine, reading),
            Some(Hybrid::Wsf) => wsh::read_embedded(&decoded, Host::Machine, reading),
            Some(Hybrid::PowerShell(code)) => powershell::read(&code, input, reading),
            Some(Hybrid::Other(_)) | None => {}
        },
        Kind::PowerShell => powershell::read(&decoded, input, reading),
        Kind::Inf => inf::read(&decoded, reading),
        Kind::Nsis => nsis::read(&decoded, input, reading),
        Kind::Inno => inno::read(&decoded, input, reading),
        Kind::VbScript => wsh::read(&decoded, Syntax::Basic, Host::Machine, reading),
        Kind::JScript => wsh::read(&decoded, Syntax::Script, Host::Machine, reading),
        Kind::Wsf => wsh::read_embedded(&decoded, Host::Machine, reading),
        Kind::Asp => wsh::read_page(&decoded, input, reading),
        Kind::Php => php::read(&decoded, input, reading),
        Kind::Reg => reg::read(&decoded, reading),
        _ => {}
    }
    let lines = LazyCell::new(|| endless::Lines::of(&decoded, input.kind));
    endless::mark(|| &*lines, input.kind, reading);
    serving::mark(|| &*lines, input.kind, reading);
    let basic = matches!(input.kind, Kind::VbScript | Kind::Wsf | Kind::Asp);
    scratch::mark(&decoded, basic, reading);
}

/// What stands behind the first comment of a script that is commands inside it and JScript behind it; the rest is blank,
/// so that places stay.
fn behind_comment(text: &str) -> String {
    let code = text.find("*/").map_or(text.len(), |end| end + 2);
    let blank = text[..code].chars().map(|c| if c == '\n' { '\n' } else { ' ' });
    blank.chain(text[code..].chars()).collect()
}

/// Where a command line of another artifact stands: a startup task, a container's `RUN`, `Process.Start`.
pub struct CommandContext<'a> {
    /// Site of all that is found.
    pub site: Site,
    /// Current folder of the command.
    pub here: Text,
    /// When it runs, and how that is known.
    pub phase: Option<(Phase, &'a str)>,
    /// Environment variables that it is given.
    pub variables: &'a [(String, Text)],
    /// PowerShell reads it, not cmd.
    pub powershell: bool,
}

/// Reads a command line as its shell does: redirections, variables, what it installs, writes and starts.
pub fn command_line(line: &Text, context: &CommandContext<'_>, reading: &mut Reading) {
    let mut sink = Sink::new(reading);
    sink.in_phase(context.phase);
    if context.powershell {
        powershell::given(line, context, &mut sink);
    } else {
        batch::given(line, context, &mut sink);
    }
}
