//! The JSON Schema of the report, made from its types.

use crate::report::Report;

/// The schema of the JSON report, as JSON text.
pub fn report_schema() -> String {
    let schema = schemars::schema_for!(Report);
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}
