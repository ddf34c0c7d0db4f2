//! Loops of scripts that go on until somebody ends the script. One that counts, tries again or waits for something leads on
//! to what stands behind it, and that is done once.

use super::endless::is_remark;
use crate::discover::Kind;

/// Most loops of one script that are looked at.
const MAX_LOOPS: usize = 64;
/// Most blocks inside each other that are looked at.
const MAX_DEPTH: usize = 64;
/// What a script waits with between two rounds.
const WAITS: &[&str] = &[
    "start-sleep",
    "sleep ",
    "sleep(",
    "[threading.thread]::sleep",
    "wscript.sleep",
    "timeout ",
    "timeout.exe ",
    "ping ",
    "choice ",
    "waitfor ",
];

/// A loop that ends only by a way out of it, or when somebody takes away the file that it asks for.
struct Round {
    from: usize,
    to: usize,
    /// Something leaves it when what it does has been done: it is tried again, or counted.
    done: bool,
    /// Something leaves it for what stands at this line and behind.
    left_to: Option<usize>,
    /// A function that returns goes on with its caller, wherever that stands.
    in_function: bool,
}

/// Does a script of these lines work on and on, with a wait in between? `changed` are the lines, from 0, that change or
/// start something.
pub(super) fn goes_on(lines: &[String], kind: Kind, changed: &[usize]) -> bool {
    let found = match kind {
        Kind::Batch => jumps(lines),
        Kind::PowerShell | Kind::JScript => braces(lines, changed),
        Kind::VbScript | Kind::Wsf => words(lines, changed),
        _ => Vec::new(),
    };
    found.iter().take(MAX_LOOPS).any(|round| {
        let within = lines.get(round.from..=round.to.min(lines.len().saturating_sub(1))).unwrap_or_default();
        let waits = within.iter().any(|line| !is_remark(line) && WAITS.iter().any(|word| line.contains(word)));
        let inside = |line: &usize| (round.from..=round.to).contains(line);
        let leads_on = round.left_to.is_some_and(|to| {
            changed.iter().any(|line| !inside(line) && (round.in_function || *line >= to))
                || !changed.iter().any(inside)
        });
        waits && !round.done && !leads_on
    })
}

/// The words of a line of a batch file.
fn batch_words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| c.is_whitespace() || "(){}&|:@,;".contains(c)).filter(|word| !word.is_empty())
}

/// How many blocks of a batch file are open at the beginning of each line.
pub(super) fn depths(lines: &[String]) -> Vec<usize> {
    let mut depth = 0_usize;
    let one = |line: &String| {
        let at = depth;
        let mut quoted = false;
        for c in line.chars().filter(|_| !is_remark(line)) {
            match c {
                '"' => quoted = !quoted,
                '(' if !quoted => depth += 1,
                ')' if !quoted => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        at
    };
    lines.iter().map(one).collect()
}

/// Batch files: what jumps back to a label above, always or as long as a file exists, and `for /l` with a step of nothing.
fn jumps(lines: &[String]) -> Vec<Round> {
    let depths = depths(lines);
    let labels: Vec<(&str, usize)> = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| !line.starts_with("::"))
        .filter_map(|(at, line)| Some((batch_words(line.strip_prefix(':')?).next()?, at)))
        .collect();
    // The last label of a name above, or else the first below.
    let place = |label: &str, at: usize| {
        let named = || labels.iter().filter(|(name, _)| *name == label).map(|(_, line)| *line);
        named().rfind(|line| *line <= at).or_else(|| named().next())
    };
    let jump = |line: &str| {
        let mut all = batch_words(line);
        all.by_ref().find(|word| *word == "goto")?;
        all.next().map(str::to_owned)
    };
    let goes_back = |(at, line): (usize, &String)| {
        let line = line.trim_start_matches('@');
        let always = line.starts_with("goto");
        if is_remark(line) || depths[at] > 0 || !(always || line.starts_with("if exist ")) {
            return None;
        }
        let from = place(&jump(line)?, at).filter(|from| *from < at)?;
        Some(round_of_jumps(lines, (from, at), (!always).then_some(at + 1), &|line, at| {
            let to = jump(line)?;
            if to == "eof" { None } else { place(&to, at).or(Some(lines.len())) }
        }))
    };
    let by_label = lines.iter().enumerate().filter_map(goes_back).take(MAX_LOOPS);
    let counts_nothing = |(at, line): (usize, &String)| {
        let (_, set) = line.strip_prefix("for /l ")?.split_once('(')?;
        if set.split(',').nth(1)?.trim() != "0" {
            return None;
        }
        let end =
            (at + 1..lines.len()).find(|next| depths[*next] <= depths[at]).map_or(lines.len() - 1, |next| next - 1);
        Some(round_of_jumps(lines, (at, end), None, &|line, at| place(&jump(line)?, at).or(Some(lines.len()))))
    };
    let by_step = lines.iter().enumerate().filter_map(counts_nothing).take(MAX_LOOPS);
    by_label.chain(by_step).collect()
}

/// A loop of these lines, with what leaves it; `jump` tells where a line jumps to.
fn round_of_jumps(
    lines: &[String],
    (from, to): (usize, usize),
    left_to: Option<usize>,
    jump: &dyn Fn(&str, usize) -> Option<usize>,
) -> Round {
    let mut round = Round { from, to, done: false, left_to, in_function: false };
    let within = || lines.iter().enumerate().take(to + 1).skip(from).filter(|(_, line)| !is_remark(line));
    // A counter that goes up in each round.
    let counters: Vec<String> = within()
        .filter_map(|(_, line)| line.trim_start_matches('@').strip_prefix("set /a "))
        .filter_map(|sum| sum.trim_matches('"').split(['+', '-', '=']).next())
        .map(|name| name.trim().trim_start_matches('"').to_owned())
        .collect();
    for (at, line) in within() {
        let target = jump(line, at);
        let behind = target.filter(|target| *target > to);
        let ends = target.is_none() && batch_words(line).any(|word| ["exit", "goto"].contains(&word));
        round.left_to = [round.left_to, behind].into_iter().flatten().min();
        // The condition may stand on the line that opens the block.
        let opening = lines[from..at].iter().rev().take(3).find(|line| line.ends_with('('));
        let asks = |line: &str| says_success(line) || counters.iter().any(|name| compares(line, name));
        let guarded = asks(line) || opening.is_some_and(|line| asks(line)) && !line.starts_with("if ");
        round.done |= (ends || behind.is_some()) && guarded;
    }
    round
}

/// Does a line of a batch file ask whether the command before it did what it was to do?
fn says_success(line: &str) -> bool {
    let plain: String = line.chars().filter(|c| !c.is_whitespace() && *c != '"').collect();
    let said = ["errorlevel%==0", "errorlevel!==0", "errorlevel%equ0", "errorlevel!equ0"];
    said.iter().any(|said| plain.contains(said))
        || plain.contains("ifnoterrorlevel")
        || line.contains("&& exit")
        || line.contains("&& goto")
        || line.contains("&& (")
}

/// Does a line of a batch file compare this variable?
fn compares(line: &str, name: &str) -> bool {
    let is_asked = [" geq ", " gtr ", " equ ", " leq ", " lss ", "=="].iter().any(|word| line.contains(word));
    is_asked && (line.contains(&format!("%{name}%")) || line.contains(&format!("!{name}!")))
}

/// A block in braces that is open.
struct Open {
    /// What stands before its brace, without blanks.
    head: String,
    from: usize,
    /// As a loop: what leaves it.
    round: Option<Round>,
}

/// PowerShell and JScript: loops in braces.
fn braces(lines: &[String], changed: &[usize]) -> Vec<Round> {
    let set = assigned(lines);
    let (mut found, mut open): (Vec<Round>, Vec<Open>) = (Vec::new(), Vec::new());
    let (mut head, mut round, mut after_do) = (String::new(), 0_usize, None::<Round>);
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| !is_remark(line)) {
        // A brace may stand on the line below.
        if !line.starts_with('{') && round == 0 {
            head.clear();
        }
        let mut word = String::new();
        let mut quote = None;
        for c in line.chars().chain(['\n']) {
            if quote.is_some_and(|quote| quote != c) {
                continue;
            }
            if matches!(c, '"' | '\'') {
                quote = if quote.is_some() { None } else { Some(c) };
                continue;
            }
            if c == '#' && word.is_empty() {
                break;
            }
            if c.is_ascii_alphanumeric() || "$-_:.".contains(c) {
                word.push(c);
                head.push(c);
                continue;
            }
            leave(&word, at, &mut open, changed);
            word.clear();
            match c {
                '{' => {
                    let from = at;
                    let is_loop = is_round(&head, &set);
                    let left_to = head.starts_with("while(test-path").then_some(usize::MAX);
                    let new = Round { from, to: at, done: false, left_to, in_function: false };
                    if open.len() < MAX_DEPTH {
                        let head = std::mem::take(&mut head);
                        open.push(Open { round: is_loop.then_some(new), head, from });
                    }
                }
                '}' => {
                    if let Some(mut closed) = open.pop()
                        && let Some(mut round) = closed.round.take()
                    {
                        round.to = at;
                        round.in_function = open.iter().any(|block| block.head.starts_with("function"));
                        round.left_to = round.left_to.map(|_| at + 1);
                        if closed.head == "do" { after_do = Some(round) } else { found.push(round) }
                    }
                    head.clear();
                }
                '(' | ')' => {
                    round = if c == '(' { round + 1 } else { round.saturating_sub(1) };
                    head.push(c);
                    if let Some(done) = after_do.take_if(|_| c == ')' && round == 0) {
                        let goes_on = head.strip_prefix("until").map_or_else(
                            || is_round(&head, &set),
                            |asked| is_round(&format!("while(-not{asked})"), &set),
                        );
                        found.extend(goes_on.then_some(done));
                    }
                }
                ';' if round == 0 => head.clear(),
                c if c.is_whitespace() => {}
                c => head.push(c),
            }
        }
    }
    found
}

/// What a script gives its variables, as `$name=value` without blanks.
fn assigned(lines: &[String]) -> Vec<String> {
    let is_set = |line: &&String| line.contains('=') || line.contains("++") || line.contains("set-variable");
    lines.iter().filter(is_set).map(|line| line.chars().filter(|c| !c.is_whitespace()).collect()).collect()
}

/// Is this the head of a loop that goes on whatever happens in it, as far as its condition tells, or as long as a file
/// exists? A `do` has its condition behind it.
fn is_round(head: &str, set: &[String]) -> bool {
    // A variable that is only ever set to what keeps the loop going.
    let only = |name: &str, value: &str| {
        name.len() > 1 && {
            let name = name.trim_start_matches('$').trim_start_matches("script:").trim_start_matches("global:");
            let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            let sets = |line: &&String| line.contains(&format!("{name}=")) || line.contains(&format!("{name}++"));
            plain && set.iter().filter(sets).all(|line| line.contains(&format!("{name}={value}")))
        }
    };
    if head == "do" || head == "for(;;)" || head.starts_with("while(test-path") {
        return true;
    }
    let Some(asked) = head.strip_prefix("while(").and_then(|rest| rest.strip_suffix(')')) else { return false };
    let denied = asked.strip_prefix("-not").or_else(|| asked.strip_prefix('!'));
    match denied {
        Some(asked) => {
            let asked = asked.trim_matches(['(', ')']);
            ["$false", "false", "0"].contains(&asked) || asked.starts_with('$') && only(asked, "$false")
        }
        None => ["$true", "true", "1"].contains(&asked) || asked.starts_with('$') && only(asked, "$true"),
    }
}

/// Notes of the loops that are open what a word leaves.
fn leave(word: &str, at: usize, open: &mut [Open], changed: &[usize]) {
    let Some(inner) = open.last() else { return };
    if !["break", "exit", "return", "throw", "wscript.quit"].contains(&word) {
        return;
    }
    let branch = ["if", "elseif", "else", "catch"].iter().any(|word| inner.head.starts_with(word));
    let done = changed.iter().any(|line| *line <= at && (*line > inner.from || *line == inner.from && !branch));
    let fails = word == "throw" || inner.head.starts_with("catch");
    let done = !fails && (done || inner.head.contains("$?") || inner.head.contains("$lastexitcode-eq0"));
    for block in open.iter_mut().rev() {
        let head = block.head.as_str();
        if let Some(round) = &mut block.round {
            round.done |= done;
            if word == "break" {
                round.left_to = Some(at);
                return;
            }
            round.left_to = round.left_to.or((word == "return").then_some(usize::MAX));
        }
        let ends_inner = word == "break" && ["for", "switch", "while", "do"].iter().any(|word| head.starts_with(word));
        if ends_inner || word == "return" && head.starts_with("function") {
            return;
        }
    }
}

/// VBScript: loops in words.
fn words(lines: &[String], changed: &[usize]) -> Vec<Round> {
    let (mut found, mut open): (Vec<Round>, Vec<(bool, Round)>) = (Vec::new(), Vec::new());
    let constant = ["do", "do while true", "do while 1", "do until false", "while true", "while 1", "do while -1"];
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| !is_remark(line)) {
        let first = line.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        if first == "do" || first == "while" {
            let plain: String = line.chars().filter(|c| !"()".contains(*c)).collect();
            let goes_on = constant.contains(&plain.trim());
            open.push((goes_on, Round { from: at, to: at, done: false, left_to: None, in_function: false }));
        }
        if line.contains("exit do")
            && let Some((_, round)) = open.last_mut()
        {
            // What stands before it without a branch in between has been done.
            let branch =
                lines[round.from..=at].iter().rposition(|line| line.starts_with("if ") || line.starts_with("else"));
            let since = round.from + branch.unwrap_or(0);
            round.done |= changed.iter().any(|line| (since..at).contains(line) && *line > round.from);
            round.left_to = Some(at);
        }
        if (first == "loop" || first == "wend")
            && let Some((goes_on, mut round)) = open.pop()
        {
            round.to = at;
            let until = line.trim_start_matches("loop").trim();
            let until = ["", "wend", "while true", "until false", "while 1"].contains(&until);
            found.extend((goes_on && until).then_some(round));
        }
    }
    found
}
