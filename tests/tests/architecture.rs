//! Who may depend on whom. Arrows point inwards; a crate without a row here fails.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand, Package};

/// Each crate of ours with those of ours that it may use.
const ARROWS: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("contract", &[]),
    ("domain", &[]),
    ("pgdev", &[]),
    ("telemetry", &["clock"]),
    ("auth", &["clock"]),
    ("bf-depot-sim", &["clock"]),
    ("persistence", &["clock", "domain"]),
    ("providers", &["clock", "domain", "telemetry"]),
    ("scheduling", &["clock", "contract", "domain"]),
    ("eventbridge", &["contract", "domain", "scheduling"]),
    (
        "application",
        &[
            "clock",
            "domain",
            "persistence",
            "providers",
            "scheduling",
            "telemetry",
        ],
    ),
    (
        "api",
        &[
            "application",
            "auth",
            "clock",
            "contract",
            "domain",
            "providers",
            "telemetry",
        ],
    ),
    (
        "bf-manage-core",
        &[
            "api",
            "application",
            "auth",
            "bf-depot-sim",
            "clock",
            "domain",
            "eventbridge",
            "persistence",
            "pgdev",
            "providers",
            "scheduling",
            "telemetry",
        ],
    ),
    ("bf-telematics", &["auth", "clock", "contract"]),
    // Beside the product: they may see what they exercise.
    (
        "testkit",
        &[
            "application",
            "clock",
            "domain",
            "persistence",
            "pgdev",
            "providers",
        ],
    ),
    (
        "bench",
        &[
            "api",
            "application",
            "auth",
            "bf-depot-sim",
            "clock",
            "contract",
            "domain",
            "persistence",
            "pgdev",
            "providers",
        ],
    ),
    ("stories", &[]),
];

/// Third-party crates that only some of ours may know.
const KEPT_TO: &[(&str, &[&str])] = &[
    ("sqlx", &["persistence", "testkit", "bench"]),
    ("aws-config", &["eventbridge"]),
    ("aws-sdk-scheduler", &["eventbridge"]),
    ("axum", &["api", "bf-depot-sim"]),
    ("hyper", &["api", "bench"]),
    ("utoipa", &["api", "contract"]),
    (
        "clap",
        &["bf-manage-core", "bf-depot-sim", "bf-telematics", "bench"],
    ),
    ("metrics", &["telemetry"]),
    ("metrics-exporter-prometheus", &["telemetry"]),
    ("opentelemetry", &["telemetry"]),
    ("tracing-opentelemetry", &["telemetry"]),
    ("figment", &["bf-manage-core", "bf-telematics"]),
    ("jsonwebtoken", &["auth"]),
    (
        "reqwest",
        &[
            "auth",
            "providers",
            "scheduling",
            "bf-manage-core",
            "bf-telematics",
            "telemetry",
        ],
    ),
];

/// All that the rules may know of the world.
const DOMAIN_KNOWS: [&str; 7] = [
    "chrono",
    "humantime",
    "serde",
    "serde_json",
    "smol_str",
    "thiserror",
    "uuid",
];

/// Dev-dependencies may point anywhere but at programs that compose everything.
const TEST_ONLY: [&str; 2] = ["testkit", "stories"];

fn workspace() -> Metadata {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .features(CargoOpt::AllFeatures)
        .no_deps()
        .exec()
        .expect("cargo metadata")
}

fn uses(package: &Package) -> BTreeSet<&str> {
    let not_for_tests = |kind| kind != DependencyKind::Development;
    let used = package
        .dependencies
        .iter()
        .filter(|dependency| not_for_tests(dependency.kind));
    used.map(|dependency| dependency.name.as_str()).collect()
}

#[test]
fn every_arrow_between_our_crates_is_allowed() {
    let workspace = workspace();
    let ours: BTreeSet<&str> = workspace
        .packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    let arrows: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let mut wrong = Vec::new();
    for package in &workspace.packages {
        let name = package.name.as_str();
        let Some(allowed) = arrows.get(name) else {
            wrong.push(format!("{name} has no row: decide what it may use"));
            continue;
        };
        let forbidden = uses(package)
            .into_iter()
            .filter(|used| ours.contains(used) && !allowed.contains(used));
        wrong.extend(forbidden.map(|used| format!("{name} must not use {used}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The table itself keeps the arrows' direction, whatever is added to it.
#[test]
fn no_arrow_leads_back() {
    let arrows: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    for (name, _) in ARROWS {
        let mut seen = BTreeSet::new();
        reaches(&arrows, name, &mut seen);
        assert!(!seen.contains(name), "{name} uses itself by way of others");
        if *name == "bf-telematics" {
            assert!(
                seen.is_disjoint(&["domain", "persistence"].into()),
                "{name} sees the wire contract only"
            );
        }
    }
}

fn reaches<'a>(
    arrows: &BTreeMap<&'a str, &'a [&'a str]>,
    from: &'a str,
    seen: &mut BTreeSet<&'a str>,
) {
    for next in arrows.get(from).copied().unwrap_or_default() {
        if seen.insert(next) {
            reaches(arrows, next, seen);
        }
    }
}

#[test]
fn the_domain_knows_nothing_of_the_world() {
    let workspace = workspace();
    let domain = workspace
        .packages
        .iter()
        .find(|package| package.name.as_str() == "domain")
        .expect("domain");
    let unknown: Vec<&str> = uses(domain)
        .into_iter()
        .filter(|used| !DOMAIN_KNOWS.contains(used))
        .collect();
    assert!(unknown.is_empty(), "domain must not use {unknown:?}");
}

#[test]
fn the_wire_contract_needs_serde_alone() {
    let workspace = workspace();
    let contract = workspace
        .packages
        .iter()
        .find(|package| package.name.as_str() == "contract")
        .expect("contract");
    let needed: Vec<&str> = contract
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind == DependencyKind::Normal && !dependency.optional)
        .map(|dependency| dependency.name.as_str())
        .collect();
    assert_eq!(needed, ["serde"]);
    let documenting: Vec<&str> = workspace
        .packages
        .iter()
        .filter(|package| {
            package.dependencies.iter().any(|dependency| {
                dependency.name == "contract" && dependency.features.contains(&"openapi".to_owned())
            })
        })
        .map(|package| package.name.as_str())
        .collect();
    assert_eq!(documenting, ["api"], "only the API publishes a document");
}

#[test]
fn a_library_kept_to_some_crates_is_used_by_no_other() {
    let workspace = workspace();
    let mut wrong = Vec::new();
    for package in &workspace.packages {
        let used = uses(package);
        for (kept, to) in KEPT_TO {
            if used.contains(kept) && !to.contains(&package.name.as_str()) {
                wrong.push(format!("{} must not use {kept}", package.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// `Core` holds the store for the use cases. The HTTP crate holds the core, and must not reach through it.
#[test]
fn the_http_crate_reads_through_queries_only() {
    let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/api/src");
    let reaching: Vec<String> = source_files(sources.as_ref())
        .into_iter()
        .filter(|path| {
            let source = std::fs::read_to_string(path).expect("a source file");
            source.contains(".store")
        })
        .map(|path| path.display().to_string())
        .collect();
    assert!(
        reaching.is_empty(),
        "read by a query of `application` instead: {reaching:#?}"
    );
}

fn source_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder of sources");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                source_files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

#[test]
fn a_crate_for_tests_is_in_no_program() {
    let workspace = workspace();
    for package in &workspace.packages {
        let used = uses(package);
        for only in TEST_ONLY {
            assert!(
                !used.contains(only),
                "{} must use {only} in its tests only",
                package.name
            );
        }
    }
}

/// What every member must say of itself is said once, for all.
#[test]
fn every_member_has_the_workspaces_lints() {
    let workspace = workspace();
    for package in &workspace.packages {
        let manifest = std::fs::read_to_string(&package.manifest_path).expect("a manifest");
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{} has lints of its own, or none",
            package.name
        );
        assert!(
            manifest.contains("edition.workspace = true"),
            "{} has an edition of its own",
            package.name
        );
    }
}
