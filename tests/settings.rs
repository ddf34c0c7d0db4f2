//! The published schema of `wipeproof.toml` is the one that the types make.

use std::fs;

#[test]
fn the_published_schema_is_current() {
    let file = "docs/wipeproof.schema.json";
    let schema = wipeproof::settings::schema();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(file, &schema).unwrap_or_else(|e| panic!("{file}: {e}"));
    }
    let published = fs::read_to_string(file).unwrap_or_default();
    assert!(published == schema, "{file} is not current; run this test with UPDATE_GOLDEN=1 and read the difference");
    for key in ["\"fail-on\"", "\"third-party\"", "\"durable\"", "\"additionalProperties\": false"] {
        assert!(schema.contains(key), "{key} is missing");
    }
}

/// Settings as people write them: of the samples, and in the documentation.
fn examples() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for app in fs::read_dir("fixtures/apps").into_iter().flatten().flatten() {
        let file = app.path().join("wipeproof.toml");
        all.extend(fs::read_to_string(&file).map(|text| (file.display().to_string(), text)));
    }
    for page in ["README.md", "docs/ci.md"] {
        let text = fs::read_to_string(page).unwrap_or_default();
        let blocks = text.split("```toml\n").skip(1).filter_map(|rest| rest.split("\n```").next());
        all.extend(blocks.map(|block| (page.to_owned(), block.to_owned())));
    }
    all
}

/// Editors check a file by the schema, the program by its types: both take the same files, and refuse the same.
#[test]
fn the_schema_takes_what_the_program_takes() {
    let url = "https://schemas.invalid/settings.json";
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    let schema: serde_json::Value = serde_json::from_str(&wipeproof::settings::schema()).unwrap_or_default();
    compiler.add_resource(url, schema).unwrap_or_else(|e| panic!("{e}"));
    let root = compiler.compile(url, &mut schemas).unwrap_or_else(|e| panic!("{e}"));
    let by_schema = |text: &str| {
        let table: toml::Table = toml::from_str(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        let value = serde_json::to_value(table).unwrap_or_default();
        schemas.validate(&value, root).map_err(|e| format!("{e:#}"))
    };
    let by_types = |text: &str| wipeproof::settings::Settings::parse("w", text).map(|_| ()).map_err(|e| e.to_string());
    let examples = examples();
    assert!(examples.len() > 8, "{}", examples.len());
    for (name, text) in &examples {
        assert_eq!((by_schema(text), by_types(text)), (Ok(()), Ok(())), "{name}:\n{text}");
    }
    for wrong in [
        "exlude = []",
        "targets = 'vm-role'",
        "fail-on = 'fatal'",
        "[phases]\nbiuld = ['a']",
        "[rules]\nWP201 = 'eror'",
        "[[allow]]\nrule = 'WP201'",
        "[[durable]]\npth = 'F:/'",
        "[[overrides]]\npaths = 'a'\nrules = {}",
        "[third-party]\ncompany = ['a']",
        "cache = 'yes'",
    ] {
        assert!(by_schema(wrong).is_err(), "the schema takes {wrong}");
        assert!(by_types(wrong).is_err(), "the program takes {wrong}");
    }
}
