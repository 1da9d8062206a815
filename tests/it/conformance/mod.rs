//! What the OpenID Foundation's conformance suite asks of a server, asked by tests of our own: one for each module of its
//! plans for OpenID Connect, named after it, with every response type and response mode that a plan runs it with.
//! What the suite only warns of is asked as well. The suite itself is run by `conformance/` at the top of the tree.

mod browser;
mod checks;
mod client;
mod plans;
mod play;
mod site;

mod codes;
mod core;
mod discovery;
mod logout;
mod redirect_uris;
mod registration;
mod requests;
mod scopes;
mod sessions;
mod sign_outs;
mod userinfo;
mod wishes;

use std::{collections::BTreeSet, fs, path::Path};

use plans::{COUNTS, PLANS};

#[test]
fn every_module_of_every_plan_has_a_twin_of_its_name_and_no_twin_is_of_another() {
    let source = source();
    let modules: BTreeSet<&str> = PLANS.iter().flat_map(|run| run.modules.iter().copied().flatten().copied()).collect();
    for module in &modules {
        let name = name_of(module);
        let twin = source.split_once(&format!("\nasync fn {name}() {{\n"));
        let (_, rest) = twin.unwrap_or_else(|| panic!("{module} has no twin"));
        let body = rest.split("\n}\n").next().unwrap_or_default();
        assert!(body.contains(&format!("\"{module}\"")), "{name} plays another module");
    }
    let names: BTreeSet<String> = modules.iter().map(|module| name_of(module)).collect();
    let twins = source.split("\nasync fn oidcc_").skip(1).filter_map(|rest| rest.split_once('('));
    for (twin, _) in twins {
        assert!(names.contains(&format!("oidcc_{twin}")), "no plan has oidcc_{twin}");
    }
}

#[test]
fn every_plan_has_as_many_modules_as_the_suite_counts() {
    for (plan, count) in COUNTS {
        let runs = PLANS.iter().filter(|run| run.plan == *plan);
        // Where the response type is chosen, or the mode, one of them is run; else each of them.
        let chosen = |own: usize| if plan.contains("basic") || is_split(plan) { own } else { 1 };
        let total: usize = runs
            .map(|run| chosen(run.response_types.len()) * run.modules.iter().map(|list| list.len()).sum::<usize>())
            .sum();
        assert_eq!(total, *count, "{plan}");
    }
    let named: BTreeSet<&str> = COUNTS.iter().map(|(plan, _)| *plan).collect();
    assert!(PLANS.iter().all(|run| named.contains(run.plan)));
}

/// Plans that run each of their response types by themselves.
fn is_split(plan: &str) -> bool {
    plan.contains("implicit") || plan.contains("hybrid")
}

/// A module's name as that of a test.
fn name_of(module: &str) -> String {
    module.replace('-', "_").to_lowercase()
}

/// The text of all files beside this one.
fn source() -> String {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/conformance");
    let files = fs::read_dir(here).expect("the folder can be read").map(|file| file.expect("a file").path());
    files.map(|file| fs::read_to_string(file).expect("a text")).collect()
}
