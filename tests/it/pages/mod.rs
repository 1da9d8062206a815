//! Every page, in every state and language: what it says, that it runs nothing of a stranger's, and that everybody can use it.

use std::{collections::BTreeMap, fs, path::Path};

use latchkey::{
    protocol::ErrorCode,
    web::{
        assets::Brand,
        locale::Locale,
        views::{self, Explanation},
    },
};

use self::{
    gallery::{gallery, plain},
    markup::{skeleton, tags},
};

mod gallery;
mod languages;
pub(crate) mod markup;

/// What attackers put into names (attack cases 7 and 66).
pub(crate) const NASTY: &[&str] = &[
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "\" autofocus onfocus=\"alert(1)",
    "</title><svg onload=alert(1)>",
    "<!--",
    "]]><x>",
    "{{7*7}}{% raw %}",
    "&lt;b&gt;&#60;b&#62;",
    "javascript:alert(1)",
    "${alert(1)}",
    "\u{202e}<b>\u{2066}",
    "\r\nSet-Cookie: a=b\r\n\r\n<html>",
    "\u{ff1c}script\u{ff1e}",
];

#[test]
fn no_text_from_elsewhere_becomes_a_tag() {
    let brand = Brand::default();
    let innocent = gallery(Locale::En, &brand, &plain);
    for nasty in NASTY {
        let attacked = gallery(Locale::En, &brand, &|text| format!("{text}{nasty}"));
        for ((name, before), (_, after)) in innocent.iter().zip(&attacked) {
            assert_eq!(skeleton(before), skeleton(after), "{name} with {nasty}");
        }
        assert!(innocent.iter().zip(&attacked).any(|(before, after)| before.1 != after.1), "{nasty} is shown nowhere");
    }
}

#[test]
fn the_name_of_an_operator_is_escaped_too() {
    for nasty in NASTY {
        let brand = Brand::new(&format!("Acme{nasty}"), None, None).unwrap();
        let plain_brand = Brand::default();
        for ((name, before), (_, after)) in
            gallery(Locale::Ar, &plain_brand, &plain).iter().zip(&gallery(Locale::Ar, &brand, &plain))
        {
            assert_eq!(skeleton(before), skeleton(after), "{name} with {nasty}");
        }
    }
}

/// The policy would not let it run or apply; a page that needs it would be broken.
#[test]
fn nothing_is_inline() {
    for (name, html) in gallery(Locale::En, &Brand::default(), &plain) {
        for tag in tags(&html) {
            assert!(tag.name != "style", "{name} has a style element");
            assert!(tag.name != "script" || tag.get("src").is_some_and(|src| src.starts_with("/assets/")), "{name}");
            for (attribute, value) in &tag.attributes {
                assert!(*attribute != "style" && !attribute.starts_with("on"), "{name}: {attribute}");
                assert!(!value.trim_start().starts_with("javascript:"), "{name}: {value}");
            }
        }
        assert!(!html.contains("<script>"), "{name}");
    }
}

#[test]
fn every_form_of_ours_carries_the_token_that_only_our_pages_have() {
    for (name, html) in gallery(Locale::En, &Brand::default(), &plain) {
        let tags = tags(&html);
        let posts = tags.iter().filter(|tag| tag.name == "form" && tag.get("method") == Some("post")).count();
        let forms = tags.iter().filter(|tag| tag.name == "form").count();
        let tokens =
            tags.iter().filter(|tag| tag.get("name") == Some("csrf") && tag.get("value") == Some("csrf-token")).count();
        assert_eq!(posts, forms, "{name} has a form that does not post");
        // The answer to an app is no form of ours: the app must not learn our token.
        assert_eq!(tokens, if name.starts_with("form-post") { 0 } else { forms }, "{name}");
    }
}

#[test]
fn every_page_can_be_used_by_everybody() {
    for (name, html) in Locale::ALL.iter().flat_map(|locale| gallery(*locale, &Brand::default(), &plain)) {
        let tags = tags(&html);
        let ids: Vec<&str> = tags.iter().filter_map(|tag| tag.get("id")).collect();
        let mut unique = ids.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), ids.len(), "{name} uses an id twice");
        assert_eq!(tags.iter().filter(|tag| tag.name == "h1").count(), 1, "{name}");
        assert_eq!(tags.iter().filter(|tag| tag.name == "main").count(), 1, "{name}");
        let focused = tags.iter().filter(|tag| tag.get("autofocus").is_some()).count();
        // Whoever does not see the page hears what has the focus: what went wrong, or the field it went wrong in.
        let says_something = tags.iter().any(|tag| matches!(tag.get("role"), Some("alert" | "status")));
        assert!(focused == usize::from(says_something || name.starts_with("login")), "{name}");
        for tag in tags.iter().filter(|tag| tag.get("data-reveals").is_some()) {
            let field = tag.get("data-reveals").expect("it was found by it");
            let names = format!("{field}-reveal {field}-label");
            assert_eq!(
                tag.get("aria-labelledby"),
                Some(names.as_str()),
                "{name}: of two buttons each says what it shows"
            );
        }
        assert!(html.contains("req_7f3kq2m9x4"), "{name} does not say its request id");
        let labelled: Vec<&str> = tags.iter().filter_map(|tag| tag.get("for")).collect();
        for tag in &tags {
            let is_hidden = tag.get("type") == Some("hidden") || tag.get("hidden").is_some();
            if matches!(tag.name, "input" | "textarea") && !is_hidden && tag.get("type") != Some("radio") {
                assert!(tag.get("id").is_some_and(|id| labelled.contains(&id)), "{name} has an input without a label");
                assert!(tag.get("autocomplete").is_some(), "{name}");
            }
            for reference in
                ["aria-describedby", "aria-labelledby", "for", "form"].iter().filter_map(|own| tag.get(own))
            {
                for id in reference.split(' ') {
                    assert!(ids.contains(&id), "{name} refers to #{id}, which is not there");
                }
            }
            if let Some(field) = tag.get("href").and_then(|href| href.strip_prefix('#')) {
                assert!(ids.contains(&field), "{name} links to #{field}, which is not there");
            }
            assert!(tag.name != "img" || tag.get("alt").is_some(), "{name}");
        }
    }
}

/// Programs drive these pages too (product.md): the ids and the English headings are a promise.
#[test]
fn what_programs_look_for_is_there() {
    let pages: BTreeMap<String, String> = gallery(Locale::En, &Brand::default(), &plain).into_iter().collect();
    for (page, ids, heading) in [
        ("login", &["username", "password", "login-submit", "login-cancel"][..], "Sign in"),
        ("login-wrong", &["username", "password", "login-submit", "login-cancel"], "Sign in"),
        ("consent", &["consent-allow", "consent-deny"], "Team Wiki wants to know who you are"),
        ("consent-choice", &["consent-allow", "consent-deny"], "Team Wiki wants access"),
        ("sign-out", &["logout-confirm"], "Sign out?"),
        ("signed-out", &[], "You are signed out"),
        ("problem-authorization", &[], "Authorization error"),
        ("problem-signout", &[], "Sign-out error"),
    ] {
        let html = &pages[page];
        for id in ids {
            assert!(html.contains(&format!(" id=\"{id}\"")), "{page} has no #{id}");
        }
        assert!(html.contains(&format!("<h1>{heading}</h1>")), "{page} is not headed {heading}");
        assert!(html.contains("<title>"), "{page}");
    }
}

#[test]
fn a_page_says_who_asks_and_what_will_be_told() {
    let pages: BTreeMap<String, String> = gallery(Locale::En, &Brand::default(), &plain).into_iter().collect();
    for (page, texts) in [
        ("login", &["to go on to Team Wiki", "wiki.example"][..]),
        ("login-busy", &["Not verified"]),
        ("login-wrong", &["<title>Error: Sign in · Latchkey</title>", "value=\"alice\""]),
        ("login-throttled", &["Try again in 3 minutes."]),
        ("consent", &["alice@example.com (confirmed)", "Alice Example and 4 more details", ">14 November 2023<"]),
        ("consent-one-organisation", &["Acme: editor", "in Knowledge base", "read, change", "Not verified"]),
        (
            "consent-choice",
            &[
                "Acme: owner",
                "Globex Corporation: viewer",
                "No further permissions",
                "list, approve",
                "acme: owner, globex: viewer",
                "+32 1 23 (not confirmed)",
                "1 Main St, Ghent",
                ">1 February 1990<",
            ],
        ),
        ("form-post-app", &["app on this device (com.example.app:)"]),
        (
            "account",
            &["Firefox on Linux", "Safari on iPhone", "Unknown browser", "Last seen 2 hours ago", "In: Acme, Globex"],
        ),
        ("account", &["+32 1 23 (not confirmed)", "9000 Ghent", ">Change your details</summary>"]),
        (
            "account-problem-6",
            &[
                "<a href=\"#given_name\">Given name: This has to be plain text of at most 200 characters",
                "<details class=\"edit\" open>",
            ],
        ),
        ("account-problem-1", &["at least 12 characters", "<title>Error: Your account"]),
        (
            "problem-authorization",
            &["<code>redirect_uri</code> is not one", "For the developer of this app", "/errors/invalid_request"],
        ),
        ("problem-authorization", &["href=\"https://wiki.example/\">Back to Team Wiki</a>"]),
        ("problem-requestgone", &["You can go on from here", ">Go on</a>", ">Back to Team Wiki</a>"]),
        ("signed-out-back", &["href=\"https://wiki.example/\">Back to Team Wiki</a>"]),
    ] {
        for text in texts {
            assert!(pages[page].contains(text), "{page} does not say {text}");
        }
    }
    assert!(!pages["login"].contains("Not verified"));
}

#[test]
fn an_app_that_learns_all_organisations_is_not_said_to_learn_one() {
    let pages: BTreeMap<String, String> = gallery(Locale::En, &Brand::default(), &plain).into_iter().collect();
    for (page, says, other) in [
        ("consent-choice", "Access is given in the one you choose", "will learn the one you choose"),
        ("consent-choice-short", "will learn the one you choose", "Access is given in the one you choose"),
    ] {
        assert!(pages[page].contains(says) && !pages[page].contains(other), "{page}");
    }
}

#[test]
fn every_error_is_explained() {
    for code in ErrorCode::ALL {
        let Explanation { meaning, causes, cures, defined_in: (_, address) } = views::explain(*code);
        assert!(meaning.ends_with('.') && !causes.is_empty() && !cures.is_empty(), "{code:?}");
        assert!(address.starts_with("https://"), "{code:?}");
    }
}

/// For people who change a page: `target/tmp/pages` holds all of them, to be looked at through any web server.
#[test]
fn every_page_is_rendered_in_every_language() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    fs::create_dir_all(folder.join("assets")).unwrap();
    let brand = Brand::default();
    for locale in Locale::ALL {
        for (name, html) in gallery(*locale, &brand, &plain) {
            let [lang, dir] = [locale.tag(), locale.dir()];
            assert!(html.contains(&format!("<html lang=\"{lang}\" dir=\"{dir}\">")), "{name}");
            assert!(!html.contains("{$"), "{name} leaves a variable of a message open");
            fs::write(folder.join(format!("{lang}-{name}.html")), html).unwrap();
        }
    }
    // Names as long as they come, with nowhere to break them.
    for (name, html) in gallery(Locale::En, &brand, &|text| format!("{text}{}", "Wolkenkuckucksheim".repeat(12))) {
        fs::write(folder.join(format!("long-{name}.html")), html).unwrap();
    }
    for file in brand.files() {
        fs::write(folder.join("assets").join(file.name()), file.body()).unwrap();
    }
}
