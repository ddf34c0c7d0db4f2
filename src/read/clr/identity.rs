//! Who an assembly is and whose: strong names against the catalogue of frameworks and well-known libraries.

use super::form::Attributes;
use super::unit::Identity;
use crate::catalog::dotnet::{OwnerRow, catalog};
use crate::facts::Owner;
use sha1::{Digest as _, Sha1};
use std::fmt::Write as _;

/// The public key token: the last eight bytes of the SHA-1 of the key, reversed (ECMA-335 II.6.3).
pub(super) fn token_of_key(key: &[u8]) -> String {
    if key.is_empty() {
        return String::new();
    }
    let hash = Sha1::digest(key);
    hash.iter().rev().take(8).fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// Whose assembly it is: by its public key token, otherwise by the most specific name. A name that an application could
/// use too needs a token or a company beside it.
pub(super) fn owner_of(identity: &Identity, of: &Attributes) -> Owner {
    let rows = &catalog().owners;
    let by_token =
        |row: &&OwnerRow| !identity.token.is_empty() && row.tokens.split_whitespace().any(|t| t == identity.token);
    let by_company = |row: &OwnerRow| {
        row.companies.iter().any(|c| [&of.company, &of.copyright, &of.product].into_iter().any(|said| said.contains(c)))
    };
    let signed = rows.iter().find(by_token);
    let named = rows
        .iter()
        .filter(|row| !row.confirm || signed.is_some() || by_company(row))
        .filter_map(|row| Some((best_name(&row.names, &identity.name)?, row.owner)))
        .max_by_key(|(length, _)| *length);
    match (signed, named) {
        // A library that ships under the key of a framework is named more closely.
        (_, Some((_, owner))) => owner,
        (Some(row), None) => row.owner,
        (None, None) => {
            let made = rows.iter().find(|row| row.names.is_empty() && by_company(row));
            made.map_or(Owner::Application, |row| row.owner)
        }
    }
}

/// Is this the name of a well-known library, or of a part of a framework?
pub(in crate::read) fn is_well_known(name: &str) -> bool {
    catalog().owners.iter().any(|row| best_name(&row.names, name).is_some())
}

/// Length of the longest name or prefix that fits.
fn best_name(names: &str, name: &str) -> Option<usize> {
    names
        .split_whitespace()
        .filter(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => name.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix)),
            None => pattern.eq_ignore_ascii_case(name),
        })
        .map(str::len)
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ecma_key_has_its_well_known_token() {
        // The standard public key of ECMA-335 II.6.2.1.3.
        let key = [0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(token_of_key(&key), "b77a5c561934e089");
    }

    #[test]
    fn the_closest_name_wins() {
        let owner = |name: &str, token: &str| {
            let identity = Identity { name: name.into(), token: token.into(), ..Identity::default() };
            owner_of(&identity, &Attributes::default())
        };
        assert_eq!(owner("System.Web", "b03f5f7f11d50a3a"), Owner::Framework);
        assert_eq!(owner("System.Data.SQLite", "db937bc2d44ff139"), Owner::ThirdParty);
        assert_eq!(owner("Contoso.Orders", ""), Owner::Application);
        assert_eq!(owner("Anything", "b77a5c561934e089"), Owner::Framework);
        assert_eq!(owner("newtonsoft.json", ""), Owner::ThirdParty);
        assert_eq!(owner("Mono.Security", ""), Owner::Framework);
        assert_eq!(owner("I18N.West", "0738eb9f132ed756"), Owner::Framework);
        assert_eq!(owner("Mono.Cecil", ""), Owner::ThirdParty);
    }

    #[test]
    fn a_name_that_could_be_the_applications_own_is_not_enough() {
        let owner = |name: &str, company: &str| {
            let identity = Identity { name: name.into(), ..Identity::default() };
            owner_of(&identity, &Attributes { company: company.into(), ..Attributes::default() })
        };
        assert_eq!(owner("System.Orders", ""), Owner::Application);
        assert_eq!(owner("System.Orders", "Contoso Ltd."), Owner::Application);
        assert_eq!(owner("System.Text.Json", "Microsoft Corporation"), Owner::Framework);
        assert_eq!(owner("CommandLine", ""), Owner::Application);
        assert_eq!(owner("CommandLine", "gsscoder;nemec;ericnewton76;moh-hassan"), Owner::ThirdParty);
        assert_eq!(owner("engine", "http://nant.sourceforge.net"), Owner::ThirdParty, "whatever it is called");
    }
}
