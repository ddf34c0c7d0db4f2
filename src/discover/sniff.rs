//! What a file is: by its first bytes, then by its name.

/// The formats that are told apart. What a text means (a `web.config`, a service definition) is its reader's
/// business; here only the syntax matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, strum::IntoStaticStr, strum::EnumIter)]
#[strum(serialize_all = "kebab-case")]
pub enum Kind {
    /// A PE image without a CLR header.
    Pe,
    /// A PE image with a CLR header: an assembly, perhaps with native code too.
    Assembly,
    /// XML of any vocabulary.
    Xml,
    /// JSON, with or without comments.
    Json,
    /// INI-like: sections and `key=value`.
    Ini,
    /// Java properties.
    Properties,
    /// YAML.
    Yaml,
    /// TOML.
    Toml,
    /// Web server configuration that is none of the above: nginx, Apache.
    ServerConf,
    /// Registry script.
    Reg,
    /// Setup information file.
    Inf,
    /// cmd or batch.
    Batch,
    /// PowerShell.
    PowerShell,
    /// VBScript.
    VbScript,
    /// JScript outside a browser.
    JScript,
    /// Windows script file.
    Wsf,
    /// Classic ASP.
    Asp,
    /// Source of PHP.
    Php,
    /// NSIS source.
    Nsis,
    /// Inno Setup source.
    Inno,
    /// Settings of a program in Python, where they are a module of it.
    Python,
    /// Dockerfile.
    Dockerfile,
    /// Packer templates and Terraform modules.
    Hcl,
    /// User data of an instance: scripts between tags.
    UserData,
    /// Windows Installer database.
    Msi,
    /// Debug information; read through the binary it belongs to.
    DebugInfo,
}

/// First bytes of a compound file (MS-CFB 2.2).
const COMPOUND_FILE: [u8; 8] = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];

/// Bytes that [`sniff`] wants to see.
pub const SNIFF_LEN: usize = 4096;

/// Decides from the head of a file (up to [`SNIFF_LEN`] bytes) and its name. `None`: not a format that is read.
pub fn sniff(head: &[u8], file_name: &str) -> Option<Kind> {
    if let Some(kind) = by_magic(head) {
        return Some(kind);
    }
    if head.starts_with(&COMPOUND_FILE) {
        // Documents are compound files too.
        let lower = file_name.to_ascii_lowercase();
        return [".msi", ".msm"].iter().any(|ext| lower.ends_with(ext)).then_some(Kind::Msi);
    }
    let kind = by_name(file_name).or_else(|| by_words(head, file_name))?;
    let kind = if is_yaml_by_text(head, file_name) { Kind::Yaml } else { kind };
    // A text format by name whose bytes are not text is something else: a `.config` that is a compiled blob.
    (is_texty(head) || kind == Kind::DebugInfo).then_some(kind)
}

/// Is it a copy of `.env` that was kept aside before a change? Its text is like that of the other.
pub fn is_set_aside(head: &[u8], file_name: &str) -> bool {
    let lower = file_name.to_ascii_lowercase();
    let Some(rest) = lower.strip_prefix(".env.") else { return false };
    let mut parts = rest.split(['.', '-', '_']);
    is_texty(head) && parts.clone().any(|part| COPIES.contains(&part)) && !parts.any(|part| TEMPLATES.contains(&part))
}

/// Is a text the report of an analysis, ours or another's? Reports lie about in the folders that are scanned, and speak
/// of keys and paths without being configuration.
pub fn is_report(kind: Kind, head: &[u8]) -> bool {
    let says = |word: &[u8]| memchr::memmem::find(head, word).is_some();
    match kind {
        Kind::Json => {
            let own = [&b"\"wipeproof-report/"[..], b"\"wipeproof-baseline/"];
            let sarif = says(b"\"$schema\"") && (says(b"/sarif-schema-2") || says(b"/sarif-2"));
            let code_quality = says(b"\"check_name\"") && says(b"\"fingerprint\"");
            own.into_iter().any(says) || sarif || code_quality
        }
        Kind::Xml => says(b"<testsuites") || says(b"<testsuite "),
        _ => false,
    }
}

fn by_magic(head: &[u8]) -> Option<Kind> {
    if head.starts_with(b"MZ") {
        return pe_kind(head);
    }
    if head.starts_with(b"BSJB") || head.starts_with(b"Microsoft C/C++ MSF 7.00") {
        return Some(Kind::DebugInfo);
    }
    if head.starts_with(b"Windows Registry Editor Version") || head.starts_with(b"REGEDIT4") {
        return Some(Kind::Reg);
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    if text.starts_with(b"<?xml") {
        return Some(Kind::Xml);
    }
    let narrow = narrowed(head);
    if narrow.starts_with(b"Windows Registry Editor") {
        return Some(Kind::Reg);
    }
    if [text, narrow.trim_ascii_start()].into_iter().any(is_user_data) {
        return Some(Kind::UserData);
    }
    if text.starts_with(CLOUD_CONFIG.as_bytes()) {
        return Some(Kind::Yaml);
    }
    narrow.trim_ascii_start().starts_with(b"<?xml").then_some(Kind::Xml)
}

/// How a description of an instance for cloud-init begins, whatever its file is called.
pub(crate) const CLOUD_CONFIG: &str = "#cloud-config";

/// How user data for Windows begins (AWS documentation, "Run commands when you launch an EC2 instance with user data
/// input"). `<script>` alone is in web pages, too.
const USER_DATA: &[&[u8]] = &[b"<powershell>", b"<persist>", b"<runAsLocalSystem>"];

/// What stands before the first tag is not run; remarks are written there.
fn is_user_data(mut text: &[u8]) -> bool {
    while text.starts_with(b"#") {
        let Some(end) = memchr::memchr(b'\n', text) else { return false };
        text = text[end..].trim_ascii_start();
    }
    USER_DATA.iter().any(|tag| text.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag)))
}

/// The first characters of a text in UTF-16, with or without a byte order mark, as single bytes; nothing for others.
fn narrowed(head: &[u8]) -> Vec<u8> {
    let from = match head {
        [0xff, 0xfe, ..] => 2,
        [0xfe, 0xff, ..] => 3,
        [first, 0, ..] if *first != 0 => 0,
        [0, second, ..] if *second != 0 => 1,
        _ => return Vec::new(),
    };
    head.iter().skip(from).step_by(2).take(32).copied().collect()
}

/// PE/COFF: `e_lfanew` at 0x3c, then the signature; data directory 14 is the CLR header.
fn pe_kind(head: &[u8]) -> Option<Kind> {
    let u16_at = |at: usize| Some(u16::from_le_bytes(head.get(at..at + 2)?.try_into().ok()?));
    let u32_at = |at: usize| Some(u32::from_le_bytes(head.get(at..at.checked_add(4)?)?.try_into().ok()?));
    let pe = u32_at(0x3c)? as usize;
    if pe >= head.len() {
        // The header lies beyond the head; a DOS program never gets here with a sane offset.
        return Some(Kind::Pe);
    }
    if head.get(pe..pe + 4)? != b"PE\0\0" {
        return None;
    }
    let optional = pe + 24;
    let directories = match u16_at(optional)? {
        0x20b => optional + 112,
        _ => optional + 96,
    };
    let clr = u32_at(directories + 14 * 8).unwrap_or(0);
    Some(if clr != 0 { Kind::Assembly } else { Kind::Pe })
}

fn by_name(file_name: &str) -> Option<Kind> {
    let lower = file_name.to_lowercase();
    if lower == "dockerfile" || lower.starts_with("dockerfile.") || lower.ends_with(".dockerfile") {
        return Some(Kind::Dockerfile);
    }
    if lower == "telegraf.conf" {
        return Some(Kind::Toml);
    }
    if let Some(rest) = lower.strip_prefix(".env.") {
        let is_other = |part: &str| TEMPLATES.contains(&part) || COPIES.contains(&part);
        return (!rest.split(['.', '-', '_']).any(is_other)).then_some(Kind::Properties);
    }
    // A template of a registry script begins with whatever the language of templates needs.
    if TEMPLATE_LANGUAGES.iter().any(|end| lower.strip_suffix(end).is_some_and(|file| file.ends_with(".reg"))) {
        return Some(Kind::Reg);
    }
    Some(match lower.rsplit_once('.')?.1 {
        "config" | "csdef" | "cscfg" | "csplugin" | "ccproj" | "xml" | "wxs" | "wxi" | "wxl" | "xdt" | "manifest"
        | "wadcfg" | "wadcfgx" => Kind::Xml,
        "json" | "jsonc" => Kind::Json,
        "ini" | "cfg" | "cnf" => Kind::Ini,
        "properties" | "env" => Kind::Properties,
        "yaml" | "yml" => Kind::Yaml,
        "toml" => Kind::Toml,
        "hcl" | "tf" => Kind::Hcl,
        "conf" => Kind::ServerConf,
        "reg" => Kind::Reg,
        "inf" => Kind::Inf,
        "cmd" | "bat" => Kind::Batch,
        "ps1" | "psm1" | "psd1" => Kind::PowerShell,
        "vbs" => Kind::VbScript,
        "jse" => Kind::JScript,
        "wsf" | "wsc" => Kind::Wsf,
        "asp" | "asa" => Kind::Asp,
        "php" => Kind::Php,
        "nsi" | "nsh" => Kind::Nsis,
        "iss" | "isl" => Kind::Inno,
        "pdb" | "mdb" if !lower.ends_with(".mdb") || lower.ends_with(".dll.mdb") => Kind::DebugInfo,
        _ => return None,
    })
}

/// Jinja, Embedded Ruby, Embedded Puppet.
const TEMPLATE_LANGUAGES: &[&str] = &[".j2", ".jinja2", ".erb", ".epp"];

/// What only the script host offers, in lower case: objects of its own, of files and of the registry. Pages make
/// `ActiveXObject`s too, for requests and documents.
const HOST_OBJECTS: &[&[u8]] =
    &[b"wscript.", b"scripting.filesystemobject", b"adodb.stream", b"shell.application", b"winmgmts:"];

/// What begins code that a web server runs, in files that its pages take in.
const SERVER_CODE: &[&[u8]] = &[b"<%", b"runat=\"server\"", b"runat=server"];

/// Settings of Django that a module of settings has, and others hardly.
const DJANGO_SETTINGS: &[&[u8]] = &[b"installed_apps", b"databases =", b"databases=", b"media_root"];

/// Keys of a response file of Oracle's setup; compilers and linkers have files of that name too.
const DATABASE_SETUP: &[&[u8]] = &[b"oracle.install."];

/// Copies of `.env` for those who set up a machine: no program reads them.
const TEMPLATES: &[&str] = &["example", "sample", "template", "dist", "defaults", "tpl"];

/// What was kept aside before it was changed.
const COPIES: &[&str] = &["backup", "bak", "old", "orig"];

/// A `.js` is read when it is a script of the Windows script host, those of browsers and Node are not; a `.py` when it
/// is the settings of a program.
fn by_words(head: &[u8], file_name: &str) -> Option<Kind> {
    let lower = file_name.to_ascii_lowercase();
    let (words, kind) = match lower.rsplit_once('.')?.1 {
        "js" => (HOST_OBJECTS, Kind::JScript),
        "py" => (DJANGO_SETTINGS, Kind::Python),
        "inc" => (SERVER_CODE, Kind::Asp),
        "rsp" => (DATABASE_SETUP, Kind::Properties),
        _ => return None,
    };
    let text: Vec<u8> = head.iter().filter(|b| **b != 0).map(u8::to_ascii_lowercase).collect();
    words.iter().any(|word| memchr::memmem::find(&text, word).is_some()).then_some(kind)
}

/// First words of YAML in files whose names promise something else: configuration of MongoDB since 2.6, and what AWS
/// Elastic Beanstalk finds in `.ebextensions`.
const YAML_KEYS: &[(&str, &[&[u8]])] = &[
    (".config", &[b"commands:", b"container_commands:", b"option_settings:", b"files:", b"packages:", b"services:"]),
    ("mongod.conf", &[b"storage:", b"systemLog:", b"net:"]),
    ("mongod.cfg", &[b"storage:", b"systemLog:", b"net:"]),
];

fn is_yaml_by_text(head: &[u8], file_name: &str) -> bool {
    let lower = file_name.to_ascii_lowercase();
    let Some((_, keys)) = YAML_KEYS.iter().find(|(name, _)| lower.ends_with(name)) else { return false };
    // In UTF-16 every other byte is none of these characters; a byte order mark is not ASCII.
    let text: Vec<u8> = head.iter().copied().filter(|b| *b != 0).skip_while(|b| !b.is_ascii()).collect();
    !text.trim_ascii_start().starts_with(b"<")
        && text.split(|b| *b == b'\n').any(|line| keys.iter().any(|key| line.starts_with(key)))
}

/// Text in UTF-8, UTF-16 or a single-byte code page: no NUL in the head, unless every other byte is one.
fn is_texty(head: &[u8]) -> bool {
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return true;
    }
    let nuls = head.iter().filter(|b| **b == 0).count();
    nuls == 0 || (nuls * 5 / 2 >= head.len() && nuls * 3 / 2 <= head.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_no_configuration() {
        let sarif = br#"{"version": "2.1.0", "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "runs": []}"#;
        let quality = br#"[{"check_name": "no-unused-vars", "fingerprint": "78"}]"#;
        for report in
            [&sarif[..], quality, br#"{"schema": "wipeproof-report/1"}"#, br#"{"schema":"wipeproof-baseline/1"}"#]
        {
            assert!(is_report(Kind::Json, report));
        }
        assert!(is_report(Kind::Xml, br#"<?xml version="1.0"?><testsuites name="x">"#));
        let own = br#"{"$schema": "https://json.schemastore.org/appsettings.json", "Log": "C:\\sarif\\a.log"}"#;
        assert!(
            !is_report(Kind::Json, own) && !is_report(Kind::Xml, b"<configuration/>") && !is_report(Kind::Ini, sarif)
        );
    }

    #[test]
    fn magic_before_name() {
        assert_eq!(sniff(b"REGEDIT4\r\n", "x.txt"), Some(Kind::Reg));
        assert_eq!(sniff(b"# first start\r\n\r\n# of it\n<powershell>\n", "x.ps1"), Some(Kind::UserData));
        assert_eq!(sniff(b"# <powershell>", "x.ps1"), Some(Kind::PowerShell));
        assert_eq!(sniff(b"\xef\xbb\xbf<?xml version", "whatever"), Some(Kind::Xml));
        assert_eq!(sniff(b"\xfe\xff\0<\0?\0x\0m\0l", "x"), Some(Kind::Xml));
        assert_eq!(sniff(b"<\0?\0x\0m\0l\0", "x"), Some(Kind::Xml));
        assert_eq!(sniff(b"<configuration>", "Web.Config"), Some(Kind::Xml));
        assert_eq!(sniff(b"\0\x01\x02\x03", "a.config"), None);
        assert_eq!(sniff(b"e\0c\0h\0o\0", "a.cmd"), Some(Kind::Batch));
        assert_eq!(sniff(b"", "readme"), None);
    }

    #[test]
    fn settings_that_are_told_by_their_words() {
        assert_eq!(sniff(b"import os\nINSTALLED_APPS = []\n", "base.py"), Some(Kind::Python));
        assert_eq!(sniff(b"import os\n", "tool.py"), None);
        assert_eq!(sniff(b"<% Const A = 1 %>", "a.inc"), Some(Kind::Asp));
        assert_eq!(sniff(b"<?php $a = 1;", "a.inc"), None);
        assert_eq!(sniff(b"# c\ncontainer_commands:\n  a:\n", "01-setup.config"), Some(Kind::Yaml));
        assert_eq!(sniff(b"<configuration>\nfiles:\n", "web.config"), Some(Kind::Xml));
        assert_eq!(sniff(b"dbpath = C:/x\n", "mongod.conf"), Some(Kind::ServerConf));
        assert_eq!(sniff(b"storage:\n  dbPath: C:/x\n", "mongod.cfg"), Some(Kind::Yaml));
        assert_eq!(sniff(b"A=1\n", ".env.production"), Some(Kind::Properties));
        assert_eq!(sniff(b"A=1\n", ".env.example"), None);
        assert_eq!(sniff(b"A=1\n", ".env.backup.20250906-015632"), None);
        assert!(is_set_aside(b"A=1\n", ".env.backup.20250906-015632") && is_set_aside(b"A=1\n", ".env.old"));
        assert!(!is_set_aside(b"A=1\n", ".env.example") && !is_set_aside(b"A=1\n", ".env.production"));
        assert_eq!(sniff(b"A=1\n", "backup.env"), Some(Kind::Properties));
        assert_eq!(sniff(b"A=1\n", ".env.example.complete"), None);
    }

    #[test]
    fn scripts_of_the_script_host_are_told_from_those_of_browsers() {
        let host = b"var fso = new ActiveXObject(\"Scripting.FileSystemObject\");";
        assert_eq!(sniff(host, "setup.JS"), Some(Kind::JScript));
        assert_eq!(sniff(b"W\0S\0c\0r\0i\0p\0t\0.\0", "a.js"), Some(Kind::JScript));
        assert_eq!(sniff(b"var r = new ActiveXObject('Microsoft.XMLHTTP');", "a.js"), None);
        assert_eq!(sniff(b"const fs = require('fs');", "a.js"), None);
    }
}
