//! Variables that hold the array of the program's arguments: the start code asks the runtime for it, and hands it to the
//! program's main function later.

use super::Set;
use super::program::Program;
use crate::catalog::native::Model;

impl Program<'_> {
    /// The array of the program's arguments is put into this variable. What is stored there otherwise is a copy of it, as
    /// the start code of GCC makes one.
    pub(crate) fn holds_arguments(&self, va: u64) -> bool {
        self.has_argument_arrays() && self.argument_arrays.borrow().as_ref().is_some_and(|arrays| arrays.contains(&va))
    }

    /// There is such a variable.
    pub(crate) fn has_argument_arrays(&self) -> bool {
        if self.argument_arrays.borrow().is_none() {
            // Whoever asks while it is looked for learns nothing.
            self.argument_arrays.replace(Some(Set::default()));
            let found = self.find_argument_arrays();
            self.argument_arrays.replace(Some(found));
        }
        self.argument_arrays.borrow().as_ref().is_some_and(|arrays| !arrays.is_empty())
    }

    fn find_argument_arrays(&self) -> Set<u64> {
        let asks = |import: usize| {
            self.apis.get(import).copied().flatten().is_some_and(|api| api.row.model == Some(Model::ArgumentsOut))
        };
        let places = self.uses_of_imports().filter(|(_, import)| asks(*import));
        let functions: Set<u32> = places.filter_map(|(at, _)| self.functions.function_of(at)).collect();
        let mut found = Set::default();
        for function in functions.into_iter().filter(|function| !self.references.thunks.contains_key(function)) {
            let Some(report) = self.report(function, 0) else { continue };
            let arrays = report.summary.globals.iter().filter(|(_, arg)| arg.arguments.is_some());
            found.extend(arrays.map(|(va, _)| *va));
        }
        found
    }
}
