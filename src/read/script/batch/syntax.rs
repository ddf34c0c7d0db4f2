//! The shape of a cmd script: statements, commands with redirections, and texts with references in them.

use std::ops::Range;

/// A whole script.
#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) statements: Vec<Statement>,
}

/// One logical line: commands joined by `&`, `&&`, `||` and `|`.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) at: usize,
    pub(super) links: Vec<Link>,
}

/// A command and what joins it to the one before.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) join: Join,
    pub(super) node: Node,
    /// Where the command begins and ends.
    pub(super) span: Range<usize>,
}

/// How a command follows another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Join {
    /// First, or behind `&`: always.
    Then,
    /// Behind `&&`: when the one before did not fail.
    Success,
    /// Behind `||`: when it failed.
    Failure,
    /// Behind `|`: always, in a process of its own.
    Pipe,
}

/// A command.
#[derive(Debug)]
pub(super) enum Node {
    Simple(Simple),
    Block(Vec<Statement>, Vec<Redirect>),
    If(Box<If>),
    For(Box<For>),
    Label(String),
}

/// A command with its arguments, not yet divided into words.
#[derive(Debug, Default)]
pub(super) struct Simple {
    pub(super) at: usize,
    pub(super) end: usize,
    pub(super) text: Vec<Piece>,
    pub(super) redirects: Vec<Redirect>,
}

/// `>`, `>>` or `<` with a file.
#[derive(Debug)]
pub(super) struct Redirect {
    pub(super) at: usize,
    pub(super) mode: Mode,
    pub(super) handle: Option<char>,
    pub(super) target: Vec<Piece>,
}

/// Direction of a redirection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Read,
    Create,
    Append,
}

/// `if`.
#[derive(Debug)]
pub(super) struct If {
    pub(super) at: usize,
    pub(super) negated: bool,
    /// The path of `if exist`.
    pub(super) exist: Option<Vec<Piece>>,
    /// It asks whether the command before failed; `not` turns the answer.
    pub(super) failure: bool,
    /// The two sides of `==`.
    pub(super) sides: Option<(Vec<Piece>, Vec<Piece>)>,
    pub(super) then: Statement,
    pub(super) then_end: usize,
    pub(super) other: Option<Statement>,
    pub(super) end: usize,
}

/// `for`.
#[derive(Debug)]
pub(super) struct For {
    pub(super) at: usize,
    pub(super) variable: char,
    pub(super) items: Items,
    pub(super) set: Vec<Piece>,
    pub(super) options: Vec<Piece>,
    pub(super) body: Statement,
}

/// What a `for` loops over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Items {
    /// The words of the set.
    Words,
    /// `/d`, `/r`: folders and files found.
    Found,
    /// `/l`: numbers.
    Numbers,
    /// `/f`: lines of files, of a command's output or of a string.
    Lines,
}

/// A run of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Lit(String),
    /// A hole of the outer line, when a line is read that was itself put together.
    Hole(usize),
    /// `%NAME%`, `%NAME:~0,1%`, `!NAME!`.
    Variable {
        name: String,
        change: Option<Change>,
        delayed: bool,
    },
    /// `%1`, `%~dp0`, `%*`.
    Argument {
        index: Option<usize>,
        modifiers: String,
    },
    /// `%%i`, `%%~nxi`.
    Loop {
        variable: char,
        modifiers: String,
    },
}

/// A modification of a variable's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// `:~start,length`
    Slice(i32, Option<i32>),
    /// `:from=to`
    Replace(String, String),
}
