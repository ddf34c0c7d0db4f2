//! Which host a client of a store in the cloud is told to talk to: connection strings of Azure storage and Service Bus,
//! addresses, Redis configurations, and settings that hold one of them.

use super::{Pairs, is_loopback};
use crate::facts::{Hole, Location, Part, Text};

/// The store behind a connection string or address, as `blob://contosoorders`; `None` where it leads to this machine, or
/// nowhere that can be named. Keys and signatures are left out.
pub fn remote_store(kind: &str, text: &Text) -> Option<Location> {
    let host = match text.parts() {
        [Part::Lit(known)] => Text::lit(host_of_literal(known)?),
        [Part::Hole(Hole::From(..))] => text.clone(),
        _ => host_of_address(text)?,
    };
    Some(Location::named(Text::lit(format!("{kind}://")).concat(&host)))
}

fn host_of_literal(known: &str) -> Option<String> {
    let is_address = known.split_once("://").is_some_and(|(scheme, _)| !scheme.contains('='));
    let pairs = if is_address { Pairs::default() } else { Pairs::parse(&Text::lit(known)) };
    let account = pairs.lit(&["accountname"]).map(str::to_owned);
    let endpoint = || pairs.lit(&["endpoint", "accountendpoint", "blobendpoint", "queueendpoint", "tableendpoint"]);
    let address = || match pairs.is_empty() {
        true => Some(known),
        // `host:6380,password=...` looks like a pair too.
        false => endpoint().or_else(|| known.split_once(',').map(|(host, _)| host)),
    };
    let host = account.or_else(|| address().map(authority))?;
    let is_host = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-._:".contains(c));
    (is_host && !is_loopback(&host) && host != "devstoreaccount1").then_some(host)
}

/// `contoso.example` of `https://user@contoso.example/path?signature`.
fn authority(address: &str) -> String {
    let rest = address.trim().split_once("://").map_or(address.trim(), |(_, rest)| rest);
    let host = rest.split(['/', '?', ',', ';']).next().unwrap_or(rest);
    host.rsplit('@').next().unwrap_or(host).to_owned()
}

/// The host of an address with holes: `https://{config:Account}.blob.core.windows.net/orders`.
fn host_of_address(text: &Text) -> Option<Text> {
    let lead = text.leading_lit();
    let mut host = Text::new();
    for (n, part) in text.parts().iter().enumerate() {
        let Part::Lit(known) = part else {
            host.push(part.clone());
            continue;
        };
        let rest = if n == 0 { lead.split_once("://")?.1 } else { known };
        match rest.find(['/', '?', ';', ',']) {
            Some(end) => {
                host.push_lit(&rest[..end]);
                break;
            }
            None => host.push_lit(rest),
        }
    }
    (lead.starts_with("http") && !host.is_unknown() && !host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(text: &str) -> Option<String> {
        remote_store("blob", &Text::parse(text)).map(|l| l.to_string())
    }

    #[test]
    fn hosts_without_their_secrets() {
        let is = |text: &str, wanted: &str| assert_eq!(store(text).as_deref(), Some(wanted), "{text}");
        is("DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=c2VjcmV0==", "blob://shop");
        is("Endpoint=sb://contoso.servicebus.windows.net/;SharedAccessKey=x", "blob://contoso.servicebus.windows.net");
        is("https://vault.example/?sig=secret", "blob://vault.example");
        is("https://shop.blob.core.windows.net/orders?sig=secret", "blob://shop.blob.core.windows.net");
        is("contoso.redis.cache.windows.net:6380,password=x", "blob://contoso.redis.cache.windows.net:6380");
        is("{config:appSettings/Storage}", "blob://{config:appSettings/Storage}");
        is("https://{option:Account}.blob.core.windows.net/{?}?sig=x", "blob://{option:Account}.blob.core.windows.net");
    }

    #[test]
    fn what_is_here_or_nowhere() {
        for text in ["UseDevelopmentStorage=true", "localhost:6379", "{?}", "", "a b", "{?}://x", "a{config:x}b"] {
            assert_eq!(store(text), None, "{text}");
        }
    }
}
