//! Where a call leads: what an operand, or a pointer to a function, stands for.

use super::super::analysis::{Engine, Origin};
use super::super::value::{Kind, Value};
use super::Target;
use crate::catalog::native;
use iced_x86::{Instruction, OpKind};

impl Engine<'_, '_> {
    pub(super) fn target(&mut self, instruction: &Instruction) -> Target {
        if matches!(instruction.op0_kind(), OpKind::NearBranch16 | OpKind::NearBranch32 | OpKind::NearBranch64) {
            let rva = self.beyond_jumps(self.rva(instruction.near_branch_target()));
            return match self.program.references.thunks.get(&rva) {
                Some(import) => Target::Import(*import),
                None => Target::Internal(rva),
            };
        }
        let value = self.operand(instruction, 0);
        match &*self.symbols.alternatives(value) {
            [only] => self.target_at(*only),
            several => Target::Either(several.iter().map(|value| self.target_at(*value)).collect()),
        }
    }

    /// What a call leads to; a jump to a jump of this function stays in it.
    fn beyond_jumps(&self, rva: u32) -> u32 {
        match self.program.beyond_jumps(rva) {
            beyond if beyond != rva && self.program.functions.function_of(rva) == Some(self.start) => rva,
            beyond => beyond,
        }
    }

    /// What a pointer to a function points to.
    pub(crate) fn target_at(&self, value: Value) -> Target {
        match value {
            Value::Const(va) => match self.program.image.rva_of(va) {
                Some(rva) => {
                    let rva = self.program.beyond_jumps(rva);
                    let import = self.program.references.thunks.get(&rva);
                    import.map_or(Target::Internal(rva), |import| Target::Import(*import))
                }
                None => Target::Unknown,
            },
            Value::Sym(symbol, 0) => match (self.symbols.kind(symbol), self.origins.get(&symbol)) {
                (Kind::Import(import), _) => Target::Import(import as usize),
                (_, Some(Origin::Function(api, name))) => Target::Named(*api, name.clone()),
                (Kind::Load(Value::Const(va)), _) => self.global_function(va),
                _ => self.method_of(symbol).map_or(Target::Unknown, |(object, place)| Target::Method(object, place)),
            },
            _ => Target::Unknown,
        }
    }

    /// What a variable of the program points to, when it holds a function that was looked up by name, or one of the image
    /// for which nothing else is stored.
    fn global_function(&self, va: u64) -> Target {
        let name = self.program.global(va, self.depth).and_then(|arg| arg.function);
        let api = name.as_deref().and_then(|name| native::find_by_name(name.rsplit('!').next()?));
        match (api, name) {
            (Some(api), Some(name)) => Target::Named(api, name),
            _ => self.program.initial_function(va).map_or(Target::Unknown, |va| self.target_at(Value::Const(va))),
        }
    }
}
