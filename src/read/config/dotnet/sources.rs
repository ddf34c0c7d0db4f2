//! Sources of a web application that lie beside its configuration: whether they use the session.

use crate::facts::Step;
use crate::read::Input;

/// Extensions of pages and of the code behind them.
const SOURCES: &[&str] =
    &["cs", "vb", "fs", "aspx", "ascx", "ashx", "asmx", "asax", "master", "cshtml", "vbhtml", "svc", "asp", "xaml"];
/// Words without which no source uses the session; what MVC keeps for the next request is kept in it.
const WORDS: &[&str] = &["Session", "session", "TempData"];
/// Most sources that are looked through, and the largest: beyond, nothing is said.
const MAX_SOURCES: usize = 2_000;
const MAX_SOURCE: u64 = 1 << 20;

/// Says so when the sources are there, those of its neighbours too, and none of them mentions the session.
pub(super) fn without_session(input: &Input<'_>) -> Option<Step> {
    let (folder, _) = input.artifact.path.rsplit_once('/')?;
    let solution = folder.rsplit_once('/').map_or(String::new(), |(above, _)| format!("{above}/"));
    let own = format!("{folder}/");
    let at = input.app.artifacts.partition_point(|a| a.path < solution);
    let sources = input.app.artifacts[at..].iter().take_while(|a| a.path.starts_with(&solution));
    let sources: Vec<_> = sources.filter(|a| SOURCES.contains(&a.extension().as_str())).take(MAX_SOURCES + 1).collect();
    // The events of an application alone are no code of it.
    let is_own = |path: &str| path.starts_with(&own) && !path.ends_with(".asax");
    if sources.len() > MAX_SOURCES || !sources.iter().any(|a| is_own(&a.path)) {
        return None;
    }
    for source in &sources {
        let bytes = source.read(MAX_SOURCE).ok().filter(|_| source.size <= MAX_SOURCE)?;
        if WORDS.iter().any(|word| memchr::memmem::find(&bytes, word.as_bytes()).is_some()) {
            return None;
        }
    }
    Some(Step::new(format!("none of the {} source files here and beside uses the session", sources.len())))
}
