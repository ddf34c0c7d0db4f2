//! Reports keep to the published schemas of their formats: hand-made reports, hostile ones, and those of real scans.

use super::sample::{hostile, many, render, report, sample};
use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;
use std::path::Path;
use wipeproof::output::{Format, report_schema};
use wipeproof::report::Report;
use wipeproof::rules::RuleSet;
use wipeproof::settings::Settings;
use wipeproof::{Request, scan};

/// A compiled JSON Schema.
struct Schema {
    schemas: Schemas,
    root: SchemaIndex,
}

impl Schema {
    fn new(text: &str) -> Self {
        let url = "https://schemas.invalid/schema.json";
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.enable_format_assertions();
        compiler.add_resource(url, serde_json::from_str(text).expect("JSON")).expect("a resource");
        let root = compiler.compile(url, &mut schemas).expect("a schema");
        Schema { schemas, root }
    }

    fn of_file(name: &str) -> Self {
        let path = Path::new("tests/output/schemas").join(name);
        Self::new(&std::fs::read_to_string(path).expect("the schema"))
    }

    fn check(&self, value: &Value) -> Result<(), String> {
        self.schemas.validate(value, self.root).map_err(|error| format!("{error:#}"))
    }
}

fn scanned(folder: &str, pedantic: bool) -> Report {
    let rules = RuleSet::embedded().expect("the shipped rules are valid");
    let settings = Settings::default();
    let targets = rules.targets().iter().collect();
    let request = Request::new(vec![folder.into()], &settings, &rules, targets);
    scan(&Request { pedantic, ..request }).expect("a scan")
}

/// What every format has to cope with.
fn reports() -> Vec<(String, Report)> {
    let mut all = vec![
        ("the sample".to_owned(), sample()),
        ("hostile texts".to_owned(), hostile()),
        ("many findings".to_owned(), many(50)),
        ("nothing found".to_owned(), report(Vec::new(), Vec::new())),
    ];
    for app in std::fs::read_dir("fixtures/apps").expect("the applications").flatten().filter(|e| e.path().is_dir()) {
        let folder = app.path().display().to_string();
        all.push((folder.clone(), scanned(&folder, true)));
    }
    for folder in ["fixtures/config", "fixtures/script", "fixtures/joins"] {
        all.push((folder.to_owned(), scanned(folder, false)));
    }
    all
}

fn json(format: Format, report: &Report) -> Value {
    serde_json::from_str(&render(format, report)).expect("JSON")
}

#[test]
fn json_formats_keep_to_their_schemas() {
    let schemas = [
        (Format::Sarif, Schema::of_file("sarif-schema-2.1.0.json")),
        (Format::Gitlab, Schema::of_file("gitlab.json")),
        (Format::Json, Schema::new(&report_schema())),
    ];
    for (name, report) in reports() {
        for (format, schema) in &schemas {
            if let Err(wrong) = schema.check(&json(*format, &report)) {
                panic!("{} of {name}: {wrong}", <&str>::from(*format));
            }
        }
    }
}

/// A schema that refuses nothing would prove nothing.
#[test]
fn schemas_refuse_what_is_wrong() {
    let refused = |schema: &Schema, format: Format, pointer: &str, wrong: Value| {
        let mut value = json(format, &sample());
        *value.pointer_mut(pointer).expect("the member") = wrong;
        assert!(schema.check(&value).is_err(), "{pointer} is not checked");
    };
    let sarif = Schema::of_file("sarif-schema-2.1.0.json");
    refused(&sarif, Format::Sarif, "/version", "2.0.0".into());
    refused(&sarif, Format::Sarif, "/runs/0/results/0/level", "fatal".into());
    refused(&sarif, Format::Sarif, "/runs/0/results/0/message", serde_json::json!({}));
    refused(&sarif, Format::Sarif, "/runs/0/results/0/locations/0/physicalLocation/region/startLine", 0.into());
    refused(&sarif, Format::Sarif, "/runs/0/tool/driver/rules/0/helpUri", "no address".into());
    let gitlab = Schema::of_file("gitlab.json");
    refused(&gitlab, Format::Gitlab, "/0/severity", "fatal".into());
    refused(&gitlab, Format::Gitlab, "/0/location/path", "/abs".into());
    let ours = Schema::new(&report_schema());
    refused(&ours, Format::Json, "/findings/0/severity", "fatal".into());
    refused(&ours, Format::Json, "/verdict", Value::Null);
}

/// The part of XML Schema that `junit-10.xsd` is written in; anything beyond it fails the test rather than pass unseen.
struct Xsd<'a> {
    root: roxmltree::Node<'a, 'a>,
}

type Node<'a, 'i> = roxmltree::Node<'a, 'i>;

fn elements<'a, 'i>(node: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(Node::is_element)
}

impl<'a> Xsd<'a> {
    fn named(&self, tag: &str, name: &str) -> Option<Node<'a, 'a>> {
        elements(self.root)
            .find(|n| n.has_tag_name(("http://www.w3.org/2001/XMLSchema", tag)) && n.attribute("name") == Some(name))
    }

    fn check(&self, node: Node<'_, '_>) -> Result<(), String> {
        let name = node.tag_name().name();
        let declared = self.named("element", name).ok_or_else(|| format!("there is no element {name}"))?;
        let ty = match declared.attribute("type") {
            Some("xs:string") => {
                return if elements(node).next().is_none() { Ok(()) } else { Err(format!("{name} is text")) };
            }
            Some(named) => self.named("complexType", named).expect("a type"),
            None => elements(declared).next().expect("a type"),
        };
        let text = node.children().filter(Node::is_text).filter_map(|t| t.text()).any(|t| !t.trim().is_empty());
        if text && ty.attribute("mixed") != Some("true") {
            return Err(format!("text in {name}"));
        }
        self.attributes(ty, node)?;
        let mut allowed = Vec::new();
        particles(ty, &mut allowed);
        for child in elements(node) {
            if !allowed.contains(&child.tag_name().name()) {
                return Err(format!("{} in {name}", child.tag_name().name()));
            }
            self.check(child)?;
        }
        Ok(())
    }

    fn attributes(&self, ty: Node<'_, '_>, node: Node<'_, '_>) -> Result<(), String> {
        let name = node.tag_name().name();
        let declared: Vec<Node<'_, '_>> = elements(ty).filter(|n| n.tag_name().name() == "attribute").collect();
        for attribute in &declared {
            let key = attribute.attribute("name").expect("a name");
            let Some(value) = node.attribute(key) else {
                if attribute.attribute("use") == Some("required") {
                    return Err(format!("{name} has no {key}"));
                }
                continue;
            };
            let of_type = attribute.attribute("type").expect("a type");
            if of_type == "xs:string" {
                continue;
            }
            let simple = self.named("simpleType", of_type).expect("a simple type");
            let pattern = simple.descendants().find_map(|n| n.attribute("value")).expect("a pattern");
            let pattern = regex::Regex::new(&format!("^(?:{pattern})$")).expect("a pattern");
            if !pattern.is_match(value) {
                return Err(format!("{key}={value:?} of {name}"));
            }
        }
        let unknown = node.attributes().find(|a| !declared.iter().any(|d| d.attribute("name") == Some(a.name())));
        unknown.map_or(Ok(()), |a| Err(format!("{name} has {}", a.name())))
    }
}

/// Elements that a type may hold: all its groups may be repeated or are in the order of their members.
fn particles<'a>(group: Node<'a, '_>, allowed: &mut Vec<&'a str>) {
    for part in elements(group) {
        match part.tag_name().name() {
            "sequence" | "choice" => particles(part, allowed),
            "element" => allowed.extend(part.attribute("ref").or(part.attribute("name"))),
            "attribute" => {}
            other => panic!("the schema uses {other}"),
        }
    }
}

#[test]
fn junit_keeps_to_its_schema() {
    let text = std::fs::read_to_string("tests/output/schemas/junit-10.xsd").expect("the schema");
    let document = roxmltree::Document::parse(&text).expect("XML");
    let xsd = Xsd { root: document.root_element() };
    let check = |text: &str| xsd.check(roxmltree::Document::parse(text).expect("well-formed XML").root_element());
    for (name, report) in reports() {
        assert_eq!(check(&render(Format::Junit, &report)), Ok(()), "{name}");
    }
    for wrong in [
        "<testsuites><testcase name='x'/></testsuites>",
        "<testsuites><testsuite name='x' tests='1' failures='0'/></testsuites>",
        "<testsuites time='soon'/>",
        "<testsuites>text</testsuites>",
        "<testsuites skipped='1'/>",
        "<report/>",
    ] {
        assert!(check(wrong).is_err(), "{wrong}");
    }
}
