//! What the reader of native code says where a function does not say it itself: its caller decides how a file is
//! opened, whoever starts the program names the file, a script stands behind a stub.

mod native_listing;

use native_listing::{golden, guessed, numbers, shown, written};
use wipeproof::facts::{Certainty, Effect, Operation, Reading, Trait};

const BUILDS: [&str; 4] = ["x64-O0", "x64-O2", "x86-O0", "x86-O2"];

fn read(program: &str) -> Vec<Reading> {
    golden("fixtures/native", program, &BUILDS, "exe")
}

fn line(effect: &Effect) -> String {
    format!("{} {}", <&str>::from(effect.operation), effect.location)
}

/// The same function opens for reading and for writing: each caller is told its own.
#[test]
fn a_mode_that_the_caller_decides() {
    for reading in read("callers") {
        let expected = [
            "append C:\\c\\extended.dat",
            "append C:\\c\\table-append.dat",
            "create C:\\c\\masked-write.dat",
            "create C:\\c\\replaced.dat",
            "create C:\\c\\slowly-fresh.dat",
            "write C:\\c\\changed.dat",
            "write C:\\c\\flags-both.dat",
            "write C:\\c\\large-changed.dat",
            "write C:\\c\\settled.dat",
        ];
        assert_eq!(written(&reading), expected, "{}", reading.artifact);
        let effects = || reading.facts.iter().filter_map(|f| f.as_effect());
        let reads: Vec<String> = effects().filter(|e| e.operation == Operation::Read).map(line).collect();
        for name in ["looked", "slowly-looked", "large-looked", "flags-read", "table-read", "masked-read", "settled"] {
            assert!(reads.contains(&format!("read C:\\c\\{name}.dat")), "{name}: {reads:?}");
        }
        // The number of the caller may be changed on the way: it is opened to be read or to be written, and which is a guess.
        let guessed = effects().filter(|e| line(e).contains("settled")).all(|e| e.traits.contains(&Trait::Guessed));
        assert!(guessed, "{}", reading.artifact);
    }
}

#[test]
fn frames_that_a_helper_sets_up() {
    for reading in read("frames") {
        let expected = ["create C:\\Contoso\\framed.dat", "create C:\\Contoso\\guarded.dat"];
        assert_eq!(written(&reading), expected, "{}", reading.artifact);
    }
}

/// Start code asks the runtime for the arguments, keeps them in a variable, and hands them to the main function.
#[test]
fn arguments_of_the_main_function() {
    for reading in read("started") {
        let expected = ["create C:\\Contoso\\started", "create {arg:1}", "delete {arg:2}\\out.dat"];
        assert_eq!(written(&reading), expected, "{}", reading.artifact);
    }
}

/// A name of the command line that goes through objects on the heap is a guess, and made only where nothing else names it.
#[test]
fn a_name_of_the_command_line() {
    for reading in read("told") {
        let places: Vec<String> = written(&reading).into_iter().filter(|line| !line.contains("{registry:")).collect();
        assert_eq!(places, ["create {arg:command-line}"], "{}", reading.artifact);
        let mut told = shown(&reading).filter(|e| e.location.to_string().starts_with("{arg"));
        let guessed = told.all(|e| e.traits.contains(&Trait::Guessed) && e.certainty == Certainty::Likely);
        assert!(guessed, "{}", reading.artifact);
    }
}

/// What the script behind a stub says is no miss of the reader, and no place of the program either.
#[test]
fn a_script_behind_the_image() {
    for reading in read("appended") {
        assert_eq!(written(&reading), Vec::<String>::new(), "{}", reading.artifact);
        let open = reading.facts.iter().filter_map(|f| f.as_effect()).filter(|e| e.operation != Operation::Read);
        for effect in open {
            let says = effect.evidence.iter().any(|step| step.text.contains("reads from its own file"));
            assert!(says, "{}: {effect:?}", reading.artifact);
        }
    }
}

/// The key is opened by a function that is handed the hive, and a name is stored below it.
#[test]
fn a_script_behind_the_image_that_says_a_key() {
    for reading in read("scripted") {
        let reasons = reasons(&reading, "not known");
        assert_eq!(reasons, ["in data that the program reads from its own file"; 2], "{}", reading.artifact);
    }
}

fn reasons(reading: &Reading, words: &str) -> Vec<String> {
    let begin = format!("{words}: ");
    let steps = reading.facts.iter().filter_map(|f| f.as_effect()).flat_map(|effect| &effect.evidence);
    steps.filter_map(|step| step.text.strip_prefix(&begin)).map(str::to_owned).collect()
}

/// Variables that a library fills lie side by side: each of them is given by it.
#[test]
fn variables_that_a_library_fills() {
    for reading in read("parsed") {
        assert_eq!(reasons(&reading, "not known"), ["given by a library"; 2], "{}", reading.artifact);
        assert_eq!(reasons(&reading, "mode not known"), ["given by a library"], "{}", reading.artifact);
    }
}

/// Flags that lead the way through a function are asked for like any other argument, be the name its own.
#[test]
fn a_way_that_the_caller_decides() {
    for reading in read("decided") {
        let outside = "a parameter that is given from outside or through a pointer";
        assert_eq!(reasons(&reading, "mode not known"), [outside], "{}", reading.artifact);
        let expected = [
            "create C:\\Contoso\\journal.dat",
            "read C:\\Contoso\\journal.dat",
            "read C:\\Contoso\\prices.dat",
            "read C:\\Contoso\\till.dat",
            "write C:\\Contoso\\till.dat",
        ];
        let known = reading.facts.iter().filter_map(|f| f.as_effect()).filter(|e| e.certainty > Certainty::Possible);
        let known: Vec<&Effect> = known.collect();
        assert!(known.iter().all(|effect| effect.certainty == Certainty::Proven), "{}", reading.artifact);
        let mut lines: Vec<String> = known.into_iter().map(line).collect();
        lines.sort();
        assert_eq!(lines, expected, "{}", reading.artifact);
    }
}

/// Before every function stands a jump, through which it is called.
#[test]
fn a_program_that_was_linked_incrementally() {
    for reading in read("stepped") {
        assert_eq!(written(&reading), ["create C:\\Contoso\\stepped.dat"], "{}", reading.artifact);
        assert!(shown(&reading).all(|effect| effect.certainty == Certainty::Proven), "{}", reading.artifact);
    }
}

/// Each row of a table on its own: what stands in one belongs together, and what stands behind the table does not.
#[test]
fn names_in_tables() {
    let expected = [
        "create C:\\Contoso\\first.dat",
        "create C:\\Contoso\\inbox",
        "create C:\\Contoso\\outbox",
        "create C:\\Contoso\\second.dat",
        "create C:\\Contoso\\third.dat",
        "create HKCU\\Software\\Contoso\\Tables",
        "create HKLM\\SOFTWARE\\Contoso\\Tables",
        "delete C:\\Contoso\\large.dat",
        "delete C:\\Contoso\\small.dat",
        "set-value HKCU\\Software\\Contoso\\Tables\\Height",
        "set-value HKCU\\Software\\Contoso\\Tables\\Width",
        "set-value HKLM\\SOFTWARE\\Contoso\\Tables\\Installed",
    ];
    // In the frame, and up to an entry that is null.
    let more = ["a", "b"].map(|name| format!("configure C:\\Contoso\\{name}.log"));
    let framed = ["x", "y", "z"].map(|name| format!("delete C:\\Contoso\\{name}.tmp"));
    for reading in read("tables") {
        let mut expected: Vec<String> =
            expected.map(String::from).into_iter().chain(more.clone()).chain(framed.clone()).collect();
        expected.sort();
        assert_eq!(written(&reading), expected, "{}", reading.artifact);
        // A loop, a mask or an entry that is null says where a table ends, and what is written stands in the row.
        assert_eq!(numbers(&reading), ["800", "600", "1"], "{}", reading.artifact);
        assert_eq!(guessed(&reading), [""; 0], "{}", reading.artifact);
    }
}

/// On the heap, in an object that is returned, by the day, from settings with a default.
#[test]
fn names_that_are_kept_or_dated() {
    let expected = [
        "create C:\\Contoso\\day-{?}.log",
        "create C:\\Contoso\\heap.dat",
        "create C:\\Contoso\\log-{?}.txt",
        "create C:\\Contoso\\queue",
        "create D:\\Contoso\\joined.dat",
        "create {ini:C:\\Contoso\\desk.ini/Paths/Queue}",
        "delete C:\\Contoso\\job.dat",
    ];
    for reading in read("kept") {
        // What a function of the program changes on the heap is not known any more.
        assert_eq!(written(&reading), expected, "{}", reading.artifact);
    }
}
