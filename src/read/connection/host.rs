//! Which machine a server value means.

use crate::facts::{Hole, Part, Source, Text};

/// The machine that a value names.
pub(super) enum Host {
    /// This one.
    Local(String),
    /// Another.
    Remote(String),
    /// It cannot be told.
    Unknown,
}

/// The machine that a server value names: `tcp:db1,1433`, `.\SQLEXPRESS`, `(localdb)\v11.0`, `localhost:3306`.
pub(super) fn host_of(value: &Text) -> Host {
    let Some(value) = value.as_lit() else {
        // `Environment.MachineName + @"\SQLEXPRESS"`
        if let Some(Part::Hole(Hole::From(Source::Identity, name))) = value.parts().first()
            && name.as_str() == "machine"
            && value.parts().get(1).is_none_or(|rest| matches!(rest, Part::Lit(s) if s.starts_with(['\\', ','])))
        {
            return Host::Local("the machine's own name".to_owned());
        }
        let lead = value.leading_lit().trim();
        return if is_loopback(lead.trim_end_matches('\\')) { Host::Local(lead.to_owned()) } else { Host::Unknown };
    };
    let value = value.trim();
    // Several replicas: remote if any is.
    if is_loopback(value) {
        Host::Local(value.to_owned())
    } else if value.is_empty() {
        Host::Unknown
    } else {
        Host::Remote(value.to_owned())
    }
}

/// Does a host, with a protocol before or an instance or port after it, mean this machine?
pub fn is_loopback(value: &str) -> bool {
    let mut host = value.trim().to_lowercase();
    for prefix in ["tcpip=", "tcp:", "np:", "lpc:", "admin:"] {
        if let Some(rest) = host.strip_prefix(prefix) {
            if prefix == "lpc:" {
                return true;
            }
            host = rest.trim().to_owned();
        }
    }
    if let Some((_, rest)) = host.split_once("://") {
        let authority = rest.split(['/', '?']).next().unwrap_or(rest);
        host = authority.rsplit('@').next().unwrap_or(authority).to_owned();
    }
    if host.starts_with("\\\\.\\") || host.starts_with("(localdb)") || host.starts_with("\\\\localhost\\") {
        return true;
    }
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or(v6).to_owned(),
        None if host.starts_with("::1") => "::1".to_owned(),
        None => host.split(['\\', ',', ':', '/']).next().unwrap_or(&host).trim().to_owned(),
    };
    matches!(
        host.as_str(),
        "." | "(local)" | "localhost" | "localhost.localdomain" | "loopback" | "::1" | "%computername%" | "0.0.0.0"
    ) || host.strip_prefix("127.").is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

/// A file on a share is on that host.
pub(super) fn host_of_unc(file: &Text) -> Option<Host> {
    let lead = file.leading_lit();
    let rest = lead.strip_prefix("\\\\").filter(|r| !r.starts_with(['?', '.']))?;
    let host = rest.split('\\').next().unwrap_or(rest);
    Some(if is_loopback(host) { Host::Local(host.to_owned()) } else { Host::Remote(host.to_owned()) })
}
