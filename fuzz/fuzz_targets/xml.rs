#![no_main]
use libfuzzer_sys::fuzz_target;
use wipeproof::discover::Kind;

const NAMES: &[(Kind, &str)] = &[
    (Kind::Xml, "web.config"),
    (Kind::Xml, "app.exe.config"),
    (Kind::Xml, "ServiceDefinition.csdef"),
    (Kind::Xml, "ServiceConfiguration.cscfg"),
    (Kind::Xml, "log4net.config"),
    (Kind::Xml, "NLog.config"),
    (Kind::Xml, "unattend.xml"),
    (Kind::Xml, "server.xml"),
    (Kind::Xml, "ApplicationManifest.xml"),
    (Kind::Xml, "product.wxs"),
    (Kind::Xml, "quartz.config"),
    (Kind::Xml, "Cloud.xml"),
];

fuzz_target!(|bytes: &[u8]| wipeproof_fuzz::read_as_one_of(NAMES, bytes));
