//! The configuration: what is believed, and how what is wrong is named.

use std::{ffi::OsString, os::unix::ffi::OsStringExt};

use latchkey::config::{Problem, SETTINGS, Setting, Settings, Sources};

use crate::program::Place;

/// What is said of a file that is refused.
#[track_caller]
fn refusal(file: &str) -> String {
    Place::with_config(file).run(&["config", "check"]).refused()
}

#[test]
fn without_a_file_the_defaults_are_good() {
    let done = Place::new().run(&["config", "check"]);
    assert!(done.ok().contains("the configuration is good"), "");
}

#[test]
fn an_unknown_key_is_named_with_its_line_its_value_and_the_nearest_known_one() {
    let told = refusal("issuer = \"http://localhost:8080\"\n\n[tokens]\nacces_token = \"5m\"\n");
    assert!(told.contains("latchkey.toml, line 4: `tokens.acces_token` (set to `5m`) is no setting"), "{told}");
    assert!(told.contains("did you mean `tokens.access_token`?"), "{told}");
    assert!(told.contains("hint: "), "{told}");
}

#[test]
fn a_key_without_its_section_is_led_to_it() {
    let told = refusal("access_token = \"5m\"\n");
    assert!(told.contains("line 1: `access_token`") && told.contains("did you mean `tokens.access_token`?"), "{told}");
}

#[test]
fn an_unknown_section_is_no_setting_either() {
    assert!(
        refusal("[token]\ncode = \"60s\"\n")
            .contains("`token.code` (set to `60s`) is no setting; did you mean `tokens.code`?")
    );
    assert!(refusal("[tokens.code]\nx = 1\n").contains("is `[tokens.code]"), "a section where a value belongs");
    assert!(refusal("tokens = 5\n").contains("`tokens` is a section"));
}

#[test]
fn a_malformed_value_is_named_with_what_was_expected() {
    let cases = [
        (
            "issuer = \"https://id.example.com/\"",
            "`issuer` is `https://id.example.com/`; expected an https URL without trailing slash",
        ),
        ("issuer = \"http://id.example.com\"", "http on loopback alone"),
        ("listen = \"localhost:8080\"", "expected an IP address and a port"),
        ("listen = 8080", "`listen` is `8080`; expected an IP address and a port"),
        ("database_url = \"mysql://db\"", "expected `sqlite:PATH` or `postgres://"),
        ("database_url = \"sqlite:l.db?mode=rwc\"", "expected `sqlite:PATH` or `postgres://"),
        ("database_url = \"postgres://h/d?sslmod=require\"", "expected `sqlite:PATH` or `postgres://"),
        ("tokens.code = \"60\"", "`tokens.code` is `60`; expected a duration of at most ten minutes"),
        ("tokens.code = \"11m\"", "at most ten minutes"),
        ("tokens.access_token = 900", "expected a duration such as `60s`"),
        ("tokens.access_token = \"0s\"", "expected a duration such as `60s`"),
        ("keys.algorithms = [\"ES256\"]", "expected a list of `RS256`"),
        ("keys.algorithms = [\"RS256\", \"HS256\"]", "expected a list of `RS256`"),
        ("keys.encryption_algorithms = [\"RSA1_5\"]", "expected a list of any of `RSA-OAEP-256`"),
        ("keys.rsa_bits = 1024", "`2048`, `3072` or `4096`"),
        ("proxy.trusted = [\"proxy.example.com\"]", "IP addresses or networks"),
        ("proxy.trusted = [1]", "IP addresses or networks"),
        ("brand.accent = \"blue\"", "a colour such as"),
        ("brand.name = \"\"", "one line of text"),
        ("outgoing.allow_private_addresses = \"yes\"", "`true` or `false`"),
        ("tls.client_certificates = \"required\"", "`off` or `optional`"),
        ("log.format = \"xml\"", "`pretty` or `json`"),
        ("log.level = \"loud\"", "`error`, `warn`, `info`"),
        ("log.level = \"info, latchkey=debug\"", "`error`, `warn`, `info`"),
    ];
    for (line, expected) in cases {
        let told = refusal(&format!("{line}\n"));
        assert!(told.contains("line 1: ") && told.contains(expected), "{line}: {told}");
    }
}

#[test]
fn a_malformed_secret_is_never_printed() {
    let told = refusal("keys.master_key = \"hunter2hunter2\"\n");
    assert!(told.contains("`keys.master_key`") && told.contains("32 random bytes"), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
    let told = refusal("database_url = \"postgress://latchkey:hunter2@db/latchkey\"\n");
    assert!(!told.contains("hunter2") && told.contains("postgress://***@db/latchkey"), "{told}");
    for url in
        ["postgres:u:hunter2@db/l", "postgres://db/l?user=u&password=hunter2&sslmod=x", "mysql://h/?Passwd=hunter2"]
    {
        let told = refusal(&format!("database_url = \"{url}\"\n"));
        assert!(!told.contains("hunter2") && told.contains("`database_url` is `"), "{told}");
    }
    let told = refusal("keys.master_ky = \"hunter2\"\n");
    assert!(!told.contains("hunter2") && told.contains("did you mean `keys.master_key`?"), "{told}");
}

#[test]
fn a_password_behind_the_host_is_not_shown_either() {
    let place = Place::with_config("database_url = \"postgres://db/l?user=u&password=hunter2&sslmode=require\"\n");
    let shown = place.run(&["config", "show", "--json"]).json()["database_url"]["value"].to_string();
    assert!(!shown.contains("hunter2") && shown.contains("password=***&sslmode=require"), "{shown}");
}

/// What is said of one source that is wrong.
#[track_caller]
fn only_problem(sources: &Sources) -> Problem {
    let problems = Settings::load(sources).err().unwrap_or_else(|| panic!("{sources:?} is taken")).0;
    assert_eq!(problems.len(), 1, "{problems:?}");
    let Problem { what, .. } = &problems[0];
    assert!(!what.contains('\n') && !what.contains("Error {") && !what.contains("Some("), "{what}");
    problems[0].clone()
}

#[test]
fn whatever_is_wrong_with_any_setting_is_said_in_one_sentence_that_names_it() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let in_file = |text: &str| {
        let file = folder.path().join("l.toml");
        std::fs::write(&file, text).expect("written");
        only_problem(&Sources { file: Some(file), ..Sources::default() })
    };
    let in_env = |name: String, value: &[u8]| {
        let env = vec![(name.into(), OsString::from_vec(value.to_owned()))];
        only_problem(&Sources { env, ..Sources::default() })
    };
    for setting @ Setting { key, expected, .. } in SETTINGS {
        // No setting is a date, nor a table.
        for value in ["1979-05-27", "{ a = 1 }"] {
            let Problem { place, what } = in_file(&format!("{key} = {value}\n"));
            assert!(place.is_some_and(|place| place.ends_with("l.toml, line 1")), "{key}");
            assert!(what.starts_with(&format!("`{key}` is ")), "{what}");
            assert!(what.ends_with(&format!("; expected {expected}")), "{what}");
            assert!(setting.is_secret || what.contains(value), "{what}");
        }
        // A letter is missing, in the file and in the environment.
        let (short, env) = (&key[..key.len() - 1], setting.env());
        let told = in_file(&format!("{short} = \"x\"\n")).what;
        assert!(told.ends_with(&format!("is no setting; did you mean `{key}`?")), "{told}");
        let told = in_env(env[..env.len() - 1].to_owned(), b"x");
        assert_eq!(told.what, format!("no setting has this name; did you mean `{env}`?"));
        // What is no text, and files that hold none.
        let told = in_env(env.clone(), b"\xff");
        assert_eq!((told.place.as_deref(), told.what.as_str()), (Some(env.as_str()), "is not UTF-8"));
        let from_file = format!("{env}_FILE");
        assert_eq!(in_env(from_file.clone(), b"/nowhere/at/all").what, "`/nowhere/at/all` does not exist");
        let not_text = folder.path().join("not-text");
        std::fs::write(&not_text, b"\xff\xfe").expect("written");
        let told = in_env(from_file.clone(), not_text.as_os_str().as_encoded_bytes());
        assert!(told.what.ends_with("is not UTF-8 text"), "{}", told.what);
        // Nothing is no value; but a list may be empty.
        if !["proxy.trusted", "keys.encryption_algorithms"].contains(&setting.key) {
            let told = in_env(env.clone(), b"").what;
            assert!(told.starts_with(&format!("`{key}` is ")) && told.ends_with(expected), "{told}");
        }
    }
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let told = refusal("listen = 1\nfoo = 2\n[log]\nlevel = 3\n");
    assert!(told.contains("line 1: ") && told.contains("line 2: ") && told.contains("line 4: "), "{told}");
}

#[test]
fn what_is_not_toml_is_named_with_its_line() {
    let told = refusal("issuer = \"http://localhost:8080\"\nlisten =\n");
    assert!(told.contains("latchkey.toml, line 2: is not TOML"), "{told}");
    let told = refusal("listen = \"127.0.0.1:1\"\nlisten = \"127.0.0.1:2\"\n");
    assert!(told.contains("line 2: is not TOML"), "{told}");
}

#[test]
fn rules_that_join_settings_are_kept() {
    let cases = [
        ("listen = \"0.0.0.0:8080\"", "passwords would cross the network in the clear"),
        ("[tls]\ncertificate = \"c.pem\"", "`tls.key` is missing"),
        ("[tls]\nkey = \"k.pem\"", "`tls.certificate` is missing"),
        ("[tls]\ncertificate = \"c.pem\"\nkey = \"k.pem\"", "it begins with https://"),
        ("[tls]\nclient_ca = \"ca.pem\"", "clients are not asked for certificates"),
        ("[tls]\nclient_certificates = \"optional\"", "asks for what only TLS that ends here or at a proxy can show"),
        ("[ops]\nlisten = \"127.0.0.1:8080\"", "is the same as `listen`"),
        ("[keys]\nannounce = \"30d\"", "would never be old enough"),
        ("[tokens]\nrefresh_idle = \"91d\"", "is longer than `tokens.refresh_absolute`"),
        ("[sessions]\nidle = \"31d\"", "is longer than `sessions.absolute`"),
    ];
    for (file, expected) in cases {
        let told = refusal(&format!("{file}\n"));
        assert!(told.contains(expected), "{file}: {told}");
    }
}

#[test]
fn plain_http_behind_a_named_proxy_is_good() {
    let file = "issuer = \"https://id.example.com\"\nlisten = \"0.0.0.0:8080\"\nproxy.trusted = [\"10.0.0.7\"]\n";
    Place::with_config(file).run(&["config", "check"]).ok();
}

#[test]
fn what_is_unsafe_is_warned_of() {
    let out = Place::with_config("proxy.trusted = [\"0.0.0.0/0\"]\n").run(&["config", "check"]).ok();
    assert!(out.contains("warning: `proxy.trusted` names the whole internet"), "{out}");
    let certificates = "proxy.trusted = [\"0.0.0.0/0\"]\ntls.client_certificates = \"optional\"\n";
    let said = Place::with_config(certificates).run(&["config", "check"]);
    let why = format!("{}{}", said.out, said.err);
    assert!(said.code != Some(0) && why.contains("the certificate of any client"), "{why}");
    assert!(out.contains("warning: `issuer` is an http URL on loopback"), "{out}");
}

#[test]
fn the_environment_overrides_the_file_and_flags_override_both() {
    let place = Place::with_config("listen = \"127.0.0.1:1111\"\n[tokens]\ncode = \"30s\"\n")
        .env("LATCHKEY_TOKENS_CODE", "45s")
        .env("LATCHKEY_PROXY_TRUSTED", "10.0.0.1, ::1");
    let shown = place.run(&["config", "show", "--json"]).json();
    assert_eq!(shown["listen"]["value"], "\"127.0.0.1:1111\"");
    assert_eq!(shown["listen"]["from"], "latchkey.toml, line 1");
    assert_eq!(shown["tokens.code"]["value"], "\"45s\"");
    assert_eq!(shown["tokens.code"]["from"], "LATCHKEY_TOKENS_CODE");
    assert_eq!(shown["proxy.trusted"]["value"], "[\"10.0.0.1/32\", \"::1/128\"]");
    assert_eq!(shown["tokens.id_token"]["from"], "default");
    // The flag: a server that could not start on the file's address starts on another one.
    let log = place.serve(&[]).stop();
    assert!(!log.contains("127.0.0.1:1111"), "{log}");
}

#[test]
fn an_unknown_variable_refuses_to_start() {
    let told = Place::new().env("LATCHKEY_ISUER", "x").run(&["config", "check"]).refused();
    assert!(told.contains("LATCHKEY_ISUER: no setting has this name; did you mean `LATCHKEY_ISSUER`?"), "{told}");
    Place::new().env("OTHER_ISSUER", "x").run(&["config", "check"]).ok();
}

#[test]
fn a_malformed_variable_is_named() {
    let told = Place::new().env("LATCHKEY_LISTEN", "8080").run(&["config", "check"]).refused();
    assert!(told.contains("LATCHKEY_LISTEN: `listen` is `8080`; expected an IP address and a port"), "{told}");
}

#[test]
fn a_secret_is_read_from_a_file() {
    const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    let place = Place::new();
    let file = place.write("key", format!("{KEY}\n"));
    let place = place.env("LATCHKEY_KEYS_MASTER_KEY_FILE", file.to_str().expect("a path"));
    let shown = place.run(&["config", "show", "--json"]).json();
    assert_eq!(shown["keys.master_key"]["value"], "\"***\"");
    assert_eq!(shown["keys.master_key"]["from"], "the file in LATCHKEY_KEYS_MASTER_KEY_FILE");
    let place = place.env("LATCHKEY_KEYS_MASTER_KEY", KEY);
    let told = place.run(&["config", "check"]).refused();
    assert!(told.contains("`LATCHKEY_KEYS_MASTER_KEY` is set too"), "{told}");
    let told = Place::new().env("LATCHKEY_KEYS_MASTER_KEY_FILE", "/nowhere/key").run(&["config", "check"]).refused();
    assert!(told.contains("`/nowhere/key` does not exist"), "{told}");
}

#[test]
fn the_file_is_found_by_flag_then_by_environment_then_by_its_usual_name() {
    let place = Place::with_config("brand.name = \"usual\"\n");
    place.write("env.toml", "brand.name = \"env\"\n");
    place.write("flag.toml", "brand.name = \"flag\"\n");
    let name = |place: &Place, args: &[&str]| place.run(args).json()["brand.name"]["value"].clone();
    assert_eq!(name(&place, &["config", "show", "--json"]), "\"usual\"");
    let place = place.env("LATCHKEY_CONFIG", "env.toml");
    assert_eq!(name(&place, &["config", "show", "--json"]), "\"env\"");
    assert_eq!(name(&place, &["--config", "flag.toml", "config", "show", "--json"]), "\"flag\"");
    let told = place.run(&["config", "check", "--config", "missing.toml"]).refused();
    assert!(told.contains("missing.toml: does not exist"), "{told}");
}

#[test]
fn relative_paths_begin_where_they_are_written() {
    let place = Place::new().env("LATCHKEY_OUTGOING_EXTRA_CA", "own.pem");
    let file = place.write("etc/l.toml", "database_url = \"sqlite:data/l.db\"\nkeys.file = \"master.key\"\n");
    let shown = place.run(&["--config", "etc/l.toml", "config", "show", "--json"]).json();
    assert_eq!(shown["database_url"]["value"], "\"sqlite:etc/data/l.db\"");
    assert_eq!(shown["keys.file"]["value"], "\"etc/master.key\"");
    assert_eq!(shown["outgoing.extra_ca"]["value"], "\"own.pem\"");
    drop(file);
}

#[test]
fn a_brand_that_cannot_be_shown_and_a_certificate_that_cannot_be_used_are_refused() {
    let told = refusal("brand.logo = \"missing.png\"\n");
    assert!(told.contains("missing.png"), "{told}");
    let told = refusal("issuer = \"https://localhost\"\n[tls]\ncertificate = \"c.pem\"\nkey = \"k.pem\"\n");
    assert!(told.contains("c.pem holds no certificate in PEM"), "{told}");
    let told = refusal("outgoing.extra_ca = \"roots.pem\"\n");
    assert!(told.contains("`outgoing.extra_ca` names roots.pem, which holds no certificates in PEM"), "{told}");
}

#[test]
fn the_schema_is_a_file_of_defaults_that_is_good_as_it_stands() {
    let schema = Place::new().run(&["config", "schema"]).ok();
    for setting in SETTINGS {
        let key = setting.key.rsplit('.').next().expect("a key");
        assert!(schema.contains(&format!("#{key} = ")), "{}", setting.key);
    }
    Place::with_config(&schema).run(&["config", "check"]).ok();
    // With every default that is a value written out, it says the same.
    let spelt: String = schema
        .lines()
        .map(|line| line.strip_prefix('#').filter(|line| !line.starts_with(' ') && !line.contains('…')).unwrap_or(line))
        .fold(String::new(), |text, line| text + line + "\n");
    let place = Place::with_config(&spelt);
    let shown = place.run(&["config", "show", "--json"]).json();
    let plain = Place::new().run(&["config", "show", "--json"]).json();
    for setting in SETTINGS {
        assert_eq!(shown[setting.key]["value"], plain[setting.key]["value"], "{}", setting.key);
    }
}

#[test]
fn problems_are_json_when_asked_for() {
    let done = Place::with_config("listen = 1\n").run(&["config", "check", "--json"]);
    assert_eq!(done.code, Some(1));
    let read: serde_json::Value = serde_json::from_str(&done.out).expect("JSON");
    assert_eq!(read["ok"], false);
    assert_eq!(read["problems"][0]["place"], "latchkey.toml, line 1");
}
