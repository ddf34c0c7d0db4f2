//! Keys of the registry.

use super::{combine, merged};
use crate::catalog::dotnet::Model;
use crate::facts::Text;
use crate::read::clr::answer::Value;
use crate::read::clr::resolve::{At, Resolver};
use crate::read::clr::value::Id;

/// A key below another, with what may be done with it.
pub(super) fn sub_key(
    resolver: &Resolver<'_>,
    at: At<'_>,
    model: Model,
    signature: &str,
    above: &[Value],
    args: &[Id],
) -> Vec<Value> {
    let types: Vec<&str> = signature.split(',').collect();
    let given = |ty: &str| {
        let n = types.iter().position(|p| *p == ty)?;
        merged(&resolver.eval(at, *args.get(n)?)).int
    };
    // RegistryKeyPermissionCheck: Default, ReadSubTree, ReadWriteSubTree. Without any of these only reading is allowed.
    let read_only = match types.as_slice() {
        _ if model == Model::MadeKey => given("RegistryKeyPermissionCheck") == Some(1),
        ["String"] => true,
        ["String", "Boolean"] => given("Boolean") == Some(0),
        ["String", "RegistryKeyPermissionCheck"] => matches!(given("RegistryKeyPermissionCheck"), Some(0 | 1)),
        _ => false,
    };
    let name = args.first().map_or_else(|| vec![Value::unknown()], |id| resolver.eval(at, *id));
    let mut keys = combine(above, &name, |above, name| above.clone().concat(&Text::lit("\\")).concat(name));
    for key in &mut keys {
        key.read_only = read_only;
        // RegistryOptions.Volatile
        key.volatile |= given("RegistryOptions") == Some(1);
    }
    keys
}

pub(super) fn base_key(resolver: &Resolver<'_>, at: At<'_>, signature: &str, args: &[Id]) -> Vec<Value> {
    let Some(hive) = args.first() else { return vec![Value::unknown()] };
    let view = signature.split(',').position(|p| p == "RegistryView").and_then(|i| args.get(i));
    let view = view.and_then(|id| merged(&resolver.eval(at, *id)).int);
    resolver
        .eval(at, *hive)
        .iter()
        .map(|v| {
            let root = v.int.and_then(|n| crate::facts::registry::root_of_handle(n as u64));
            let mut value = v.with(root.map_or_else(Text::unknown, Text::lit));
            // RegistryView.Registry32
            value.view32 = view == Some(0x200);
            value.remote = signature.starts_with("RegistryHive,String");
            value
        })
        .collect()
}
