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
