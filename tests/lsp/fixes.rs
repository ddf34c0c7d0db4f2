//! Quick fixes, each applied and judged again.

use super::driver::{Editor, codes, edited};
use serde_json::{Value, json};

/// File, text, rule, title of the fix, part of the text after it.
const CASES: &[(&str, &str, &str, &str, &str)] = &[
    (
        "Service.cscfg",
        "<?xml version=\"1.0\"?>\n<ServiceConfiguration serviceName=\"S\" xmlns=\"http://schemas.microsoft.com/ServiceHosting/2008/10/ServiceConfiguration\">\n  \
         <Role name=\"W\">\n    <Instances count=\"1\" />\n  </Role>\n</ServiceConfiguration>\n",
        "WP901",
        "Run two instances, so that one is left when the other is taken away",
        "<Instances count=\"2\" />",
    ),
    (
        "Web.config",
        "<configuration>\n  <system.web>\n    <machineKey validationKey=\"AutoGenerate,IsolateApps\" decryptionKey=\"AutoGenerate,IsolateApps\" validation=\"SHA1\" />\n    \
         <authentication mode=\"Forms\" />\n    <sessionState mode=\"Off\" />\n  </system.web>\n</configuration>\n",
        "WP505",
        "Use the same keys on all instances (placeholders)",
        "validationKey=\"REPLACE-WITH-A-KEY-SHARED-BY-ALL-INSTANCES\" decryptionKey=\"REPLACE-WITH-ANOTHER-KEY-SHARED-BY-ALL-INSTANCES\" validation",
    ),
    (
        "Web.config",
        "<configuration>\r\n  <system.web>\r\n    <authentication mode=\"Forms\" />\r\n    <sessionState mode=\"Off\" />\r\n  </system.web>\r\n</configuration>\r\n",
        "WP505",
        "Use the same keys on all instances (placeholders)",
        "<system.web>\r\n    <machineKey validationKey=\"REPLACE",
    ),
    (
        "Web.config",
        "<configuration>\n  <system.web>\n    <machineKey validationKey=\"0123\" decryptionKey=\"4567\" />\n    <sessionState mode=\"InProc\" timeout=\"20\" />\n  \
         </system.web>\n</configuration>\n",
        "WP401",
        "Keep sessions in a shared provider (stub)",
        "mode=\"Custom\" timeout=\"20\">\n      <providers>",
    ),
    (
        "Web.config",
        "<configuration>\n  <system.web>\n    <compilation targetFramework=\"4.8\" />\n    <machineKey validationKey=\"0123\" decryptionKey=\"4567\" />\n  \
         </system.web>\n</configuration>\n",
        "WP401",
        "Keep sessions in a shared provider (stub)",
        "<system.web>\n    <sessionState mode=\"Custom\" customProvider=\"SharedSessions\">\n      <providers>",
    ),
];

#[test]
fn each_takes_its_finding_away() {
    for (n, (file, text, rule, title, part)) in CASES.iter().enumerate() {
        let mut editor = Editor::start(&format!("fixed-{n}"), &[(file, text)], &json!({}));
        editor.open(file, text);
        let all = editor.diagnostics(file, |d| !d.is_empty());
        let uri = editor.uri(file);
        let mut found: Option<(Value, Value)> = None;
        for shown in all.iter().filter(|d| rule.is_empty() || d["code"] == *rule) {
            let actions = editor.actions(&uri, shown);
            let fix =
                actions.into_iter().find(|a| a["title"] == *title && a["diagnostics"][0]["data"] == shown["data"]);
            found = found.or(fix.map(|fix| (shown.clone(), fix)));
        }
        let (shown, fix) = found.unwrap_or_else(|| panic!("case {n}: no fix among {all:#?}"));
        assert_eq!(fix["kind"], "quickfix");
        assert_eq!(fix["isPreferred"], true);
        let new = edited(text, &fix["edit"]["changes"][&uri]);
        assert!(new.contains(part), "case {n}: {new}");
        editor.change(file, 2, &json!([{ "text": new }]));
        let after = editor.settled(file);
        let code = shown["code"].as_str().unwrap_or_default();
        // A placeholder is a finding of its own until somebody fills it in.
        let filled = new
            .split('"')
            .map(|part| if part.starts_with("REPLACE-WITH-") { "0123ABCD" } else { part })
            .collect::<Vec<_>>()
            .join("\"");
        assert_eq!(codes(&after).contains(&code), filled != new, "case {n}: {after:#?}\n{new}");
        editor.change(file, 3, &json!([{ "text": filled }]));
        let after = editor.settled(file);
        assert!(!codes(&after).contains(&code), "case {n}: {after:#?}\n{filled}");
    }
}

/// What makes a loss worse may be written in another file than the one that writes.
#[test]
fn a_local_resource_is_kept_in_its_definition() {
    let definition = "<?xml version=\"1.0\"?>\n<ServiceDefinition name=\"S\" xmlns=\"http://schemas.microsoft.com/ServiceHosting/2008/10/ServiceDefinition\">\n  \
         <WorkerRole name=\"W\">\n    <Startup>\n      \
         <Task commandLine=\"cmd /c type orders.txt &gt;&gt; %STATE%\\orders.txt\" executionContext=\"limited\" taskType=\"simple\">\n        \
         <Environment><Variable name=\"STATE\"><RoleInstanceValue xpath=\"/RoleEnvironment/CurrentInstance/LocalResources/LocalResource[@name='State']/@path\" /></Variable></Environment>\n      \
         </Task>\n    </Startup>\n    <LocalResources>\n      <LocalStorage name=\"State\" sizeInMB=\"10\" />\n    \
         </LocalResources>\n  </WorkerRole>\n</ServiceDefinition>\n";
    let file = "ServiceDefinition.csdef";
    let files = [(file, definition), ("wipeproof.toml", "targets = [\"cloud-service\"]\n")];
    let client = json!({ "window": { "workDoneProgress": true } });
    let mut editor = Editor::start("evidence", &files, &client);
    editor.progress_ends();
    editor.open(file, definition);
    let about = |all: &[Value]| all.iter().find(|d| d["code"] == "WP102").cloned();
    let all = editor.settled(file);
    let one = about(&all).unwrap_or_else(|| panic!("{all:#?}"));
    assert!(one["message"].as_str().is_some_and(|m| m.contains("process restart")), "{one}");
    assert!(one["relatedInformation"].to_string().contains("emptied at every recycle"), "{one}");
    let uri = editor.uri(file);
    let actions = editor.actions(&uri, &one);
    let fix = actions.iter().find(|a| a["title"] == "Keep this local storage when the role is recycled");
    let fix = fix.unwrap_or_else(|| panic!("{actions:#?}"));
    let new = edited(definition, &fix["edit"]["changes"][&uri]);
    assert!(new.contains("<LocalStorage cleanOnRoleRecycle=\"false\" name=\"State\""), "{new}");
    editor.change(file, 2, &json!([{ "text": new }]));
    let one = about(&editor.settled(file)).expect("it is still lost when the instance moves");
    assert!(one["message"].as_str().is_some_and(|m| !m.contains("process restart")), "{one}");
}
