//! `latchkey config check | show | schema`.

use serde_json::{Map, Value, json};

use super::{Failure, output};
use crate::{
    clients::Authorities,
    config::{Origin, Problems, SETTINGS, Settings, Sources, rules},
    outgoing::Outgoing,
    protocol::with_causes,
    server::tls::Files,
    web::assets::Brand,
};

/// The verbs of `latchkey config`.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Say whether the server would start with this configuration, and warn of what is not safe in production
    #[command(after_help = "Example:\n  latchkey config check --config /etc/latchkey.toml")]
    Check,
    /// Print every effective value and where it came from
    #[command(after_help = "Example:\n  LATCHKEY_TOKENS_CODE=30s latchkey config show")]
    Show,
    /// Print a configuration file that documents every setting and its default
    #[command(after_help = "Example:\n  latchkey config schema > latchkey.toml")]
    Schema,
}

/// Do it. Nothing but the configuration is touched.
///
/// # Errors
/// When the configuration is refused.
pub fn run(command: Command, sources: &Sources, json: bool) -> Result<(), Failure> {
    match command {
        Command::Check => check(sources, json),
        Command::Show => show(sources, json),
        Command::Schema => {
            output::print(&if json { output::json(&schema_json()) } else { schema() });
            Ok(())
        }
    }
}

fn check(sources: &Sources, json: bool) -> Result<(), Failure> {
    let (settings, _) = match Settings::load(sources) {
        Ok(loaded) => loaded,
        Err(problems) => {
            if json {
                let found: Vec<_> = problems.0.iter().map(|p| json!({ "place": p.place, "problem": p.what })).collect();
                output::print(&output::json(&json!({ "ok": false, "problems": found })));
            }
            return Err(problems.into());
        }
    };
    let brand = &settings.brand;
    let brand = Brand::new(&brand.name, brand.logo.as_deref(), brand.accent.as_deref());
    let brand = brand.map_err(|error| Failure::new(error.to_string()))?;
    if let Some(files) = Files::of(&settings.tls) {
        files.read().map_err(|error| Failure::new(with_causes(&error)))?;
    }
    let authorities = Authorities::open(settings.tls.client_ca.as_deref());
    authorities.map_err(|error| Failure::new(with_causes(&error)))?;
    Outgoing::open(&settings.outgoing).map_err(|error| Failure::new(with_causes(&error)))?;
    let warnings = [rules::warnings(&settings), brand.remarks().to_vec()].concat();
    if json {
        output::print(&output::json(&json!({ "ok": true, "problems": [], "warnings": warnings })));
    } else {
        let mut lines: Vec<String> = warnings.iter().map(|warning| format!("warning: {warning}")).collect();
        lines.push(match &sources.file {
            Some(file) => format!("{} is good", file.display()),
            None => "the configuration is good (no file; defaults and environment)".to_owned(),
        });
        output::print(&lines.join("\n"));
    }
    Ok(())
}

fn show(sources: &Sources, json: bool) -> Result<(), Failure> {
    let (settings, origins) = Settings::load(sources)?;
    if json {
        let values: Map<String, Value> = SETTINGS
            .iter()
            .map(|setting| {
                let origin = origins.of(setting.key).to_string();
                (setting.key.to_owned(), json!({ "value": setting.shown(&settings), "from": origin }))
            })
            .collect();
        output::print(&output::json(&values));
        return Ok(());
    }
    let rows: Vec<Vec<String>> = SETTINGS
        .iter()
        .map(|setting| {
            let value =
                setting.shown(&settings).unwrap_or_else(|| format!("– ({})", setting.unset.unwrap_or("not set")));
            let origin = origins.of(setting.key);
            let from = if origin == Origin::Default { String::new() } else { origin.to_string() };
            vec![setting.key.to_owned(), value, from]
        })
        .collect();
    output::print(&output::table(&["setting", "value", "from"], &rows));
    Ok(())
}

/// The documented default file: every setting, commented out, with its default.
#[must_use]
pub fn schema() -> String {
    let mut text = String::from(
        "# Every setting of latchkey and its default. The environment overrides this file: LATCHKEY_SECTION_KEY, or\n\
         # LATCHKEY_SECTION_KEY_FILE to read a secret from a file. Durations are written 60s, 15m, 12h, 30d.\n",
    );
    let mut section = "";
    for setting in SETTINGS {
        let (own, key) = setting.key.split_once('.').unwrap_or(("", setting.key));
        if own != section {
            section = own;
            text.push_str(&format!("\n[{section}]\n"));
        }
        text.push_str(&format!("\n# {}\n", setting.doc));
        if let Some(unset) = setting.unset {
            text.push_str(&format!("# Not set: {unset}.\n"));
        }
        match setting.default() {
            Some(default) => text.push_str(&format!("#{key} = {default}\n")),
            None => text.push_str(&format!("#{key} = \"…\"\n")),
        }
    }
    text.trim_end().to_owned()
}

fn schema_json() -> Vec<Value> {
    SETTINGS
        .iter()
        .map(|setting| {
            json!({
                "key": setting.key,
                "env": setting.env(),
                "default": setting.default(),
                "unset": setting.unset,
                "expected": setting.expected,
                "meaning": setting.doc,
                "secret": setting.is_secret,
            })
        })
        .collect()
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::new(problems.to_string()).hint("`latchkey config schema` prints every setting with its default")
    }
}
