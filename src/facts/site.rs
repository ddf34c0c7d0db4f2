//! Where a fact was seen: in a text, in machine code, in IL, in a table.

use serde::{Deserialize, Serialize};

/// A place inside an artifact. Which fields are set depends on the artifact: text has line and column, machine code
/// section and RVA, IL a method and an offset, package tables a table and a row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Line in the text, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Column in characters, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// Address relative to the image base (PE/COFF: RVA).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rva: Option<u32>,
    /// Section of the image, `.text`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    /// Method or function the programmer wrote: `Contoso.Orders.Save`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Offset of the IL instruction in the method's body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub il_offset: Option<u32>,
    /// Source file, from debug information.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_file: Option<String>,
    /// Line in [`Site::source_file`], from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_line: Option<u32>,
    /// Table of a package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// Row of the table: its primary key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<String>,
    /// Key path of a configuration file: `configuration/system.web/sessionState@mode`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Symbol nearest to the code: an export or a debug name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
}

impl Site {
    /// A place in a text.
    pub fn text(line: u32, column: u32) -> Self {
        Site { line: Some(line), column: Some(column), ..Site::default() }
    }

    /// A place in machine code.
    pub fn code(section: impl Into<String>, rva: u32) -> Self {
        Site { section: Some(section.into()), rva: Some(rva), ..Site::default() }
    }

    /// A place in IL.
    pub fn il(method: impl Into<String>, il_offset: u32) -> Self {
        Site { method: Some(method.into()), il_offset: Some(il_offset), ..Site::default() }
    }

    /// A row of a table.
    pub fn row(table: impl Into<String>, row: impl Into<String>) -> Self {
        Site { table: Some(table.into()), row: Some(row.into()), ..Site::default() }
    }

    /// This site with the key path of a configuration file.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// A short form for people: `12:5`, `.text+0x1234`, `Contoso.Orders.Save+0x1f`.
    pub fn short(&self) -> String {
        if let (Some(file), Some(line)) = (&self.source_file, self.source_line) {
            return format!("{file}:{line}");
        }
        if let Some(line) = self.line {
            return format!("{line}:{}", self.column.unwrap_or(1));
        }
        if let Some(method) = &self.method {
            return match self.il_offset {
                Some(offset) => format!("{method}+0x{offset:x}"),
                None => method.clone(),
            };
        }
        if let Some(rva) = self.rva {
            let name = self.symbol.as_deref().map(|s| format!("{s} ")).unwrap_or_default();
            // The address is relative to the image, not to the section, so it is not added to the name.
            return format!("{name}{}:0x{rva:x}", self.section.as_deref().unwrap_or("rva"));
        }
        if let (Some(table), Some(row)) = (&self.table, &self.row) {
            return format!("{table}[{row}]");
        }
        self.key.clone().unwrap_or_default()
    }
}
