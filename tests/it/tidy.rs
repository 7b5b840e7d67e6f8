//! The house rules that a machine can check and the compiler does not.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Which crates of ours each crate may depend on. Arrows skip forward, never back.
const DIRECTION: [(&str, &[&str]); 9] = [
    ("domain", &[]),
    ("connectors", &[]),
    ("store", &["domain"]),
    ("commands", &["domain", "store"]),
    ("projections", &["domain", "store", "commands"]),
    ("reactors", &["domain", "store", "commands", "projections", "connectors"]),
    ("api", &["domain", "store", "commands", "projections", "connectors"]),
    ("midwatch", &["domain", "store", "commands", "projections", "connectors", "reactors", "api"]),
    ("tests", &["domain", "store", "commands", "projections", "connectors", "reactors", "api", "midwatch"]),
];

/// What would let a rule wait, ask or roll dice.
const IMPURE: [&str; 10] =
    ["axum", "futures", "hyper", "lettre", "rand", "reqwest", "rusqlite", "sqlx", "tokio", "tokio-postgres"];

/// What must be nowhere: other cryptography beside `ring`, and what brings a second SQLite.
const BANNED: [&str; 6] = ["aws-lc-rs", "aws-lc-sys", "native-tls", "openssl", "openssl-sys", "sqlx"];

/// Where a second idea is certain to have crept in.
const MAX_LINES: usize = 600;

#[test]
fn crates_depend_in_one_direction() {
    let metadata = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&metadata).expect("cargo metadata is JSON");
    let mut wrong = Vec::new();
    for package in list(&metadata["packages"]) {
        let name = text(&package["name"]);
        let Some((_, allowed)) = DIRECTION.iter().find(|(known, _)| *known == name) else {
            wrong.push(format!("{name} has no place in the direction"));
            continue;
        };
        let ours = list(&package["dependencies"]).iter().filter(|dependency| dependency["path"].is_string());
        for dependency in ours.map(|dependency| text(&dependency["name"])) {
            if !allowed.contains(&dependency) {
                wrong.push(format!("{name} depends on {dependency}"));
            }
        }
    }
    none(&wrong);
}

#[test]
fn rules_are_pure() {
    let tree = cargo(&["tree", "-p", "domain", "-e", "normal", "--prefix", "none", "--format", "{p}"]);
    let names: Vec<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(names.contains(&"domain"), "{tree}");
    none(&found(&names, &IMPURE));
}

#[test]
fn dependencies_come_from_one_registry_and_share_one_cryptography() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("Cargo.lock");
    let names: Vec<&str> = lock.lines().filter_map(|line| value(line, "name")).collect();
    assert!(names.contains(&"ring"));
    none(&found(&names, &BANNED));

    let elsewhere = |source: &&str| *source != "registry+https://github.com/rust-lang/crates.io-index";
    none(&lock.lines().filter_map(|line| value(line, "source")).filter(elsewhere).collect::<Vec<_>>());
}

#[test]
fn files_hold_one_idea() {
    let long = |source: &Source| {
        let lines = source.text.lines().count();
        (lines > MAX_LINES).then(|| format!("{} has {lines} lines", source.path))
    };
    none(&sources().iter().filter_map(long).collect::<Vec<_>>());
}

#[test]
fn every_crate_says_what_it_is_for() {
    let mut wrong = Vec::new();
    for folder in fs::read_dir(root().join("crates")).expect("crates") {
        let folder = folder.expect("a folder").path();
        let roots = ["src/lib.rs", "src/main.rs"].map(|file| folder.join(file));
        let opened: Vec<_> = roots.iter().filter_map(|root| fs::read_to_string(root).ok()).collect();
        if opened.is_empty() || !opened.iter().all(|text| text.starts_with("//!")) {
            wrong.push(format!("{} has no opening sentence", folder.display()));
        }
    }
    none(&wrong);
}

#[test]
fn nothing_is_left_for_later_or_waved_through() {
    // Written in halves, so that this file passes its own test.
    let never = [
        (concat!("todo", "!("), "write it"),
        (concat!("unimplemented", "!("), "write it"),
        (concat!("dbg", "!("), "use tracing"),
        (concat!("#[", "allow("), "expect the lint instead, with a reason"),
        (concat!("#![", "allow("), "expect the lint instead, with a reason"),
        (concat!("#[", "ignore"), "mend or delete the test"),
        (concat!("FIX", "ME"), "mend it"),
        (concat!("XX", "X"), "say what is meant"),
    ];
    let later = concat!("TO", "DO");
    let mut wrong = Vec::new();
    for source in sources() {
        for (number, line) in source.text.lines().enumerate() {
            let at = format!("{}:{}", source.path, number + 1);
            wrong.extend(
                never
                    .iter()
                    .filter(|(word, _)| line.contains(word))
                    .map(|(_, advice)| format!("{at}: {advice}")),
            );
            if line.contains(later) && !line.contains(&format!("{later}(#")) {
                wrong.push(format!("{at}: name the issue, as in {later}(#12)"));
            }
        }
    }
    none(&wrong);
}

#[test]
fn every_exception_to_a_lint_has_a_reason() {
    let start = concat!("#[", "expect(");
    let mut wrong = Vec::new();
    for source in sources() {
        for (at, _) in source.text.match_indices(start) {
            let rest = &source.text[at..];
            let attribute = &rest[..rest.find(")]").unwrap_or(rest.len())];
            if !attribute.contains("reason = \"") {
                wrong.push(format!("{}: {attribute}", source.path));
            }
        }
    }
    none(&wrong);
}

#[test]
fn only_the_binary_and_the_tests_print() {
    let speaks = |path: &str| path.starts_with("crates/midwatch/") || path.contains("tests/");
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| !speaks(&source.path)) {
        for (number, line) in source.text.lines().enumerate() {
            let line = line.trim_start();
            if ["println!", "eprintln!", "print!", "eprint!"].iter().any(|word| line.starts_with(word)) {
                wrong.push(format!("{}:{}: use tracing", source.path, number + 1));
            }
        }
    }
    none(&wrong);
}

struct Source {
    /// From the root of the repository.
    path: String,
    text: String,
}

/// Every Rust file that a person wrote.
fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    for folder in ["crates", "fuzz", "tests"] {
        collect(&root().join(folder), &mut sources);
    }
    assert!(sources.len() > 10, "the sources are not where they were");
    sources
}

fn collect(folder: &Path, sources: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            let written = !matches!(name.as_str(), "generated" | "node_modules" | "target");
            if written && !name.starts_with('.') {
                collect(&path, sources);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source in UTF-8");
            let path = path.strip_prefix(root()).unwrap_or(&path).to_string_lossy().into_owned();
            sources.push(Source { path, text });
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the repository").to_path_buf()
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--offline", "--locked"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo writes UTF-8")
}

/// What a line `key = "value"` gives for the key.
fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"')
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn found<'a>(names: &[&str], unwanted: &[&'a str]) -> Vec<&'a str> {
    unwanted.iter().copied().filter(|name| names.contains(name)).collect()
}

fn none<T: AsRef<str>>(wrong: &[T]) {
    assert!(wrong.is_empty(), "\n{}", wrong.iter().map(AsRef::as_ref).collect::<Vec<_>>().join("\n"));
}
