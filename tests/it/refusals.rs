//! That no refusal goes untested.

use std::fs;

use latchkey::protocol::ErrorCode;

#[test]
fn every_error_code_is_expected_by_a_test() {
    let mut tests = String::new();
    for entry in fs::read_dir("tests/it").expect("tests/it").flatten() {
        if entry.path().extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(entry.path()).expect("a test is readable");
            tests.extend(text.lines().filter(|line| !line.trim_start().starts_with("//")));
        }
    }
    let is_expected = |code: &str| tests.contains(&format!("\"{code}\""));
    let missing: Vec<&str> =
        ErrorCode::ALL.iter().map(|code| code.as_str()).filter(|code| !is_expected(code)).collect();
    assert!(missing.is_empty(), "no test in tests/it expects {missing:?}");
}
