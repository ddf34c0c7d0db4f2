//! Objects that a script makes, by the names of their classes: what their properties hold and their methods do.

use super::{Script, received};
use crate::catalog::commands::{self, Shell};
use crate::read::script::calls::{Argument, Found, Part};

impl Script<'_, '_> {
    /// `upload.Path = folder`: the property of an object whose class is known.
    pub(super) fn property(&self, name: &str, found: &Found<'_>) -> Option<String> {
        let (object, _) = name.split_once('.').filter(|_| found.arguments.is_empty())?;
        self.language.objects.contains_key(object).then(|| name.to_owned())
    }

    /// The class of the object that an expression makes: `Server.CreateObject("Persits.Upload")`.
    pub(super) fn made_object(&self, value: &Argument<'_>) -> Option<String> {
        let [Part::Call(call)] = value.parts.as_slice() else { return None };
        let makes = call.name.to_lowercase();
        if !matches!(makes.as_str(), "createobject" | "server.createobject" | "wscript.createobject") {
            return None;
        }
        let class = self.argument(call, 0)?.as_lit()?.to_lowercase();
        // The number of a version: `Persits.Upload.1`.
        Some(class.trim_end_matches(|c: char| c == '.' || c.is_ascii_digit()).to_owned())
    }

    /// Is a connection to a database given to an object that may do more with it than it is told: `catalog.ActiveConnection =
    /// connection`, `tool.Run connection`? Commands and sets of records do what their queries say.
    pub(super) fn gives_connection(&self, name: &str, found: &Found<'_>) -> bool {
        let class_of = |object: &str| self.language.objects.get(object).map(String::as_str);
        let is_connection = |argument: &Argument<'_>| match argument.parts.as_slice() {
            [Part::Other(variable)] => class_of(&variable.to_lowercase()) == Some("adodb.connection"),
            _ => false,
        };
        let asks = |class: &str| matches!(class, "adodb.command" | "adodb.recordset");
        let receiver = name.split_once('.').and_then(|(object, _)| class_of(object));
        receiver.is_some_and(|class| !asks(class)) && found.assigned.iter().chain(&found.arguments).any(is_connection)
    }

    /// What the catalogue says of a method: of a class where the object is of a known one, and of any object otherwise.
    pub(super) fn command(&self, name: &str) -> Option<&'static commands::Command> {
        let method = name.rsplit('.').next().unwrap_or(name);
        let class = self.language.objects.get(name.split('.').next().unwrap_or_default());
        class
            .and_then(|class| {
                // Components for uploads are many, and work alike.
                let any = || {
                    received::is_for_uploads(class)
                        .then(|| commands::find(Shell::Wsh, &format!("upload.{method}")))
                        .flatten()
                };
                commands::find(Shell::Wsh, &format!("{class}.{method}")).or_else(any)
            })
            .or_else(|| commands::find(Shell::Wsh, method))
    }
}
