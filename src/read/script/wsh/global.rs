//! What a web application has set when its pages run: the values of `Application` in its `global.asa`.

use super::page::parts;
use super::{Host, Syntax, Values, read_all};
use crate::facts::Reading;
use crate::read::Input;
use crate::read::text::decode;

/// Begins the names of the variables that stand for values of the application.
pub(super) const KEPT: &str = "application:";
/// The event in which an application sets what its pages find, in lower case.
pub(super) const START: &str = "application_onstart";
/// Largest file that is read.
const MAX_FILE: u64 = 256 << 10;
/// Most folders above a page.
const MAX_LEVELS: usize = 8;

/// The values that `global.asa` sets; it is in the root of the application (MS documentation: "Global.asa Syntax").
pub(super) fn of(input: &Input<'_>) -> Values {
    let mut path = String::from("global.asa");
    for _ in 0..MAX_LEVELS {
        if let Some(artifact) = input.app.sibling(input.artifact, &path) {
            if artifact.path == input.artifact.path {
                return Values::new();
            }
            let Ok(bytes) = artifact.read(MAX_FILE) else { return Values::new() };
            let mut aside = Reading::default();
            let text = decode(&bytes, &mut aside);
            let (basic, script) = parts(&text, Host::Web, &mut aside);
            let texts = [(&*basic, Syntax::Basic), (&*script, Syntax::Script)];
            return read_all(&texts, Vec::new(), Host::Web, Values::new(), &mut aside);
        }
        path.insert_str(0, "../");
    }
    Values::new()
}
