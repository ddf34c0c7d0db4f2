//! How far a scan is, on standard error while it takes long, for people at a terminal only.

use crate::read::Progress;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// A scan that is over before that needs no word.
const QUIET: Duration = Duration::from_millis(800);
/// Time between two words.
const STEP: Duration = Duration::from_millis(150);

/// Runs work that counts what is done, and shows the count.
pub(super) fn during<T>(wanted: bool, work: impl FnOnce(&Progress) -> T) -> T {
    let progress = Progress::default();
    if !wanted || !io::stderr().is_terminal() {
        return work(&progress);
    }
    std::thread::scope(|scope| {
        let (finished, wait) = mpsc::channel::<()>();
        let progress = &progress;
        scope.spawn(move || {
            let begin = Instant::now();
            let mut pause = QUIET;
            let mut shown = false;
            while wait.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                pause = STEP;
                shown = true;
                let _ = write!(io::stderr(), "\r{}\u{1b}[K", line(progress, begin.elapsed()));
            }
            if shown {
                let _ = write!(io::stderr(), "\r\u{1b}[K");
            }
        });
        let result = work(progress);
        drop(finished);
        result
    })
}

/// `22 of 30 files read, 3 s`; short enough for any terminal, because a line that wraps cannot be taken back.
fn line(progress: &Progress, passed: Duration) -> String {
    let of = |n: &std::sync::atomic::AtomicUsize| n.load(Ordering::Relaxed);
    let (found, done, together) = (of(&progress.found), of(&progress.done), of(&progress.together));
    let seconds = passed.as_secs().max(1);
    match (found, together) {
        (0, _) => format!("looking for files, {seconds} s"),
        (_, 0) => format!("{done} of {found} files read, {seconds} s"),
        (_, 1) => format!("{done} files read, now 1 assembly, {seconds} s"),
        (_, n) => format!("{done} files read, now {n} assemblies, {seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_going_on() {
        let progress = Progress::default();
        let said = || line(&progress, Duration::from_secs(3));
        assert_eq!(said(), "looking for files, 3 s");
        progress.found.store(30, Ordering::Relaxed);
        progress.done.store(22, Ordering::Relaxed);
        assert_eq!(said(), "22 of 30 files read, 3 s");
        progress.together.store(9, Ordering::Relaxed);
        assert_eq!(said(), "22 files read, now 9 assemblies, 3 s");
    }
}
