//! When the tasks run that a script registers: the trigger is made in another place than the action that it is for.

use crate::facts::{Body, ClueKind, Fact};

/// What makes a trigger (MS documentation, "New-ScheduledTaskTrigger", "New-JobTrigger").
const MAKERS: &[&str] = &["new-scheduledtasktrigger", "new-jobtrigger"];
/// Its options for the start of the machine and the logon of a user.
const STARTS: &[&str] = &["-atstartup", "-atlogon"];
/// What makes a trigger go off again and again behind that, and what registers tasks with triggers of their own.
const OTHERWISE: [&str; 5] = ["repetition", "schtasks", "msft_task", "new-ciminstance", " -xml"];

/// Are all triggers that a script makes for the start of the machine, or the logon of a user, once each time?
pub(super) fn are_of_start(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let calls =
        || MAKERS.iter().flat_map(|maker| text.match_indices(maker)).map(|(at, maker)| &text[at + maker.len()..]);
    let is_of_start = |call: &str| {
        let line = call.lines().next().unwrap_or_default();
        STARTS.iter().any(|option| line.contains(option))
    };
    !OTHERWISE.iter().any(|word| text.contains(word)) && calls().next().is_some() && calls().all(is_of_start)
}

/// Does it say what a task starts?
pub(super) fn starts_task(fact: &Fact) -> bool {
    fact.as_clue().is_some_and(|clue| clue.kind == ClueKind::Starts && clue.key == "scheduled-task")
}

/// Says of what a task starts that it does so at the start of the machine.
pub(super) fn at_start(fact: &mut Fact) {
    if starts_task(fact)
        && let Body::Clue(clue) = &mut fact.body
    {
        "task-at-start".clone_into(&mut clue.key);
    }
}

#[cfg(test)]
mod tests {
    use super::are_of_start;

    #[test]
    fn triggers_of_one_kind() {
        assert!(are_of_start("$t = New-ScheduledTaskTrigger -AtStartup\nnew-jobtrigger -AtLogOn"));
        assert!(!are_of_start(
            "$t = New-ScheduledTaskTrigger -AtStartup\n$u = New-ScheduledTaskTrigger -Daily -At 3am"
        ));
        assert!(!are_of_start("$t = New-ScheduledTaskTrigger -AtStartup\nschtasks /create /sc minute /tn x /tr y"));
        assert!(
            !are_of_start("New-ScheduledTaskTrigger -AtStartup\n$t.Repetition = $r") && !are_of_start("x -AtStartup")
        );
    }
}
