//! What every command that works on the database stands on.

use std::io::{IsTerminal, Read};

use serde::Serialize;
use tokio::sync::OnceCell;

use super::{Failure, database, output};
use crate::{
    clients::Registry,
    clock::Clock,
    config::Settings,
    keys::{Keyring, MasterKey},
    protocol::{PlainSecret, Timestamp},
    random::Random,
    server::key_settings,
    store::Store,
};

/// The settings, the open database, time and chance, and how to print.
pub struct Desk {
    /// The effective settings.
    pub settings: Settings,
    /// The database; a server may be running on it.
    pub store: Store,
    /// The registered clients and resources.
    pub registry: Registry,
    /// The time.
    pub clock: Clock,
    /// Chance.
    pub random: Random,
    /// Whether to print JSON.
    pub json: bool,
    keyring: OnceCell<Keyring>,
}

impl Desk {
    /// Open the database that the settings name.
    ///
    /// # Errors
    /// When it cannot be opened or is not ours to touch.
    pub async fn open(settings: Settings, json: bool) -> Result<Self, Failure> {
        database::check_owner(&settings.database_url)?;
        let new = database::file(&settings.database_url).filter(|file| !file.exists());
        let store = Store::open(&settings.database_url).await?;
        if let Some(file) = new {
            // In the wrong directory, an empty list would look like an answer.
            eprintln!("note: {} is new; `database_url` says where the database is", file.display());
        }
        let registry = Registry::of(store.clone(), &settings);
        Ok(Self {
            settings,
            store,
            registry,
            clock: Clock::System,
            random: Random::System,
            json,
            keyring: OnceCell::new(),
        })
    }

    /// The signing keys, opened when a command first needs them.
    ///
    /// # Errors
    /// When the master key is missing or another one.
    pub async fn keyring(&self) -> Result<&Keyring, Failure> {
        let open = async || {
            let (settings, keys) = (&self.settings, &self.settings.keys);
            let master =
                MasterKey::load(&self.store, &settings.issuer, keys.master_key.as_ref(), &keys.file, &self.random)
                    .await?;
            let keys = key_settings(settings);
            Keyring::open(&self.store, master, &keys, &self.random, self.now()).await
        };
        Ok(self.keyring.get_or_try_init(open).await?)
    }

    /// The time, once per command.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Print what came of the command: as JSON if asked, else in words.
    pub fn show(&self, value: &impl Serialize, words: impl FnOnce() -> String) {
        output::print(&if self.json { output::json(value) } else { words() });
    }

    /// A secret from standard input; a final line break does not belong to it.
    ///
    /// # Errors
    /// When there is none, or it is not UTF-8.
    pub fn secret_from_stdin(&self) -> Result<PlainSecret, Failure> {
        let mut text = zeroize::Zeroizing::new(String::new());
        // More than any secret has; an endless stream is none.
        std::io::stdin()
            .lock()
            .take(64 * 1024)
            .read_to_string(&mut text)
            .map_err(|error| Failure::new(format!("no secret could be read from standard input: {error}")))?;
        let secret = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
        if secret.is_empty() {
            return Err(Failure::new("standard input is empty, but the secret was to come from it"));
        }
        Ok(PlainSecret::new(secret))
    }

    /// Ask for a secret, twice, on the terminal; without one, refuse and name the flag that reads standard input.
    ///
    /// # Errors
    /// When there is no terminal, or the two differ.
    pub fn ask_secret(&self, question: &str, stdin_flag: &str) -> Result<PlainSecret, Failure> {
        if !std::io::stdin().is_terminal() {
            return Err(Failure::new("there is no terminal to ask on")
                .hint(format!("pass `{stdin_flag}` and write the secret to standard input")));
        }
        let ask = |prompt: String| rpassword::prompt_password(prompt).map(zeroize::Zeroizing::new);
        let first = ask(format!("{question}: "))?;
        let second = ask(format!("{question}, once more: "))?;
        if *first != *second {
            return Err(Failure::new("the two are not the same; nothing was changed"));
        }
        Ok(PlainSecret::new(first.as_str()))
    }
}
