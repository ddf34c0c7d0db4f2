#![no_main]
use libfuzzer_sys::fuzz_target;
use wipeproof::discover::Kind;

const NAMES: &[(Kind, &str)] = &[
    (Kind::Ini, "php.ini"),
    (Kind::Ini, "app.ini"),
    (Kind::Properties, "application.properties"),
    (Kind::Toml, "settings.toml"),
    (Kind::ServerConf, "nginx.conf"),
    (Kind::ServerConf, "httpd.conf"),
    (Kind::ServerConf, "fluent-bit.conf"),
    (Kind::Ini, "logging.ini"),
    (Kind::Properties, ".env"),
    (Kind::Python, "settings.py"),
];

fuzz_target!(|bytes: &[u8]| wipeproof_fuzz::read_as_one_of(NAMES, bytes));
