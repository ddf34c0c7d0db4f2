//! A counter on standard error while a scan takes long, for people at a terminal only.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

/// A scan that is over before that needs no counter.
const QUIET: Duration = Duration::from_millis(800);
/// Time between two numbers.
const STEP: Duration = Duration::from_millis(150);

/// Runs work that counts what is done, and shows the count.
pub(super) fn during<T>(wanted: bool, work: impl FnOnce(&AtomicUsize) -> T) -> T {
    let done = AtomicUsize::new(0);
    if !wanted || !io::stderr().is_terminal() {
        return work(&done);
    }
    std::thread::scope(|scope| {
        let (finished, wait) = mpsc::channel::<()>();
        let counter = &done;
        scope.spawn(move || {
            let mut pause = QUIET;
            let mut shown = false;
            while wait.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                pause = STEP;
                shown = true;
                let _ = write!(io::stderr(), "\r{} files read\u{1b}[K", counter.load(Ordering::Relaxed));
            }
            if shown {
                let _ = write!(io::stderr(), "\r\u{1b}[K");
            }
        });
        let result = work(&done);
        drop(finished);
        result
    })
}
