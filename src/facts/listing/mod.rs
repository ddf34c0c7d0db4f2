//! Facts as text that prints and parses back: `wipeproof facts`, rule examples, golden reader tests.
//!
//! ```text
//! artifact bin/OrderDesk.exe format=pe-x64
//! effect set-value registry "HKLM\Software\Contoso\LastRun" phase=run because="service entry" certainty=proven
//!   via=advapi32!RegSetValueExW at=section:.text,rva:0x1234
//!   step "key opened by RegCreateKeyExW" at=section:.text,rva:0x11f0
//! clue config-value key=appSettings/LogPath value="C:\Logs" at=line:12,column:5
//! note malformed "import table ends early"
//! ```
//!
//! A line starts with a keyword; `key=value` fields follow in any order. A value with blanks or quotes is quoted.
//! Inside quotes the backtick escapes (`` `" ``, `` `n ``, ``` `` ```), because paths are full of backslashes.
//! Lines starting with `#` are comments. Indented lines continue the fact above: more fields, or a `step`.

mod parse;
mod print;

pub use parse::{ListingError, parse};
pub use print::print;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{
        Certainty, Clue, ClueKind, Effect, Location, NoteKind, Operation, Origin, Phase, Reading, Site, Step, Store,
        Text, Trait,
    };

    fn sample() -> Vec<Reading> {
        let mut r = Reading::new("bin/Order Desk.exe", "pe-x64");
        let location = Location::registry(&Text::parse("HKLM\\Software\\{?}\\Last \"Run\"`s"));
        r.effect(
            Site { symbol: Some("a;b".into()), ..Site::code(".text", 0x1234) },
            Effect::new(Operation::SetValue, Store::Registry, location, Certainty::Likely, "advapi32!RegSetValueExW")
                .in_phase(Phase::Run, "service entry")
                .of_origin(Origin::Generated)
                .with(Trait::View32)
                .because(Step::at("key = 1\nnext\u{1b}", Site::text(1, 2)).in_artifact("x.reg")),
        );
        r.clue(Site::text(12, 5), Clue::new(ClueKind::ConfigValue, "appSettings/LogPath", "C:\\Logs"));
        r.note(NoteKind::Malformed, "import table ends early");
        vec![r]
    }

    #[test]
    fn prints_and_parses_back() {
        let text = print(&sample());
        assert_eq!(parse(&text).unwrap(), sample(), "{text}");
    }

    #[test]
    fn short_form_has_defaults_and_may_continue() {
        let r = parse("effect append log \"{AppDir}\\a.log\"\n  phase=run traits=read-back,baked\n").unwrap();
        let e = r[0].facts[0].as_effect().unwrap();
        assert_eq!((e.phase, e.certainty), (Phase::Run, Certainty::Proven));
        assert!(e.has(Trait::Baked) && e.has(Trait::ReadBack));
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        for (listing, part) in [
            ("\nefect x", "unknown keyword"),
            ("effect creat file x", "is not one of"),
            ("effect create file x bogus=1", "unknown field"),
            ("effect create file \"x", "closing quote"),
            ("step x", "needs an effect"),
        ] {
            let e = parse(listing).unwrap_err();
            assert!(e.message.contains(part), "{e}");
        }
        assert_eq!(parse("\nefect x").unwrap_err().line, 2);
    }
}
