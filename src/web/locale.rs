//! The reader's language: which one, and what a page says in it (Project Fluent).
//!
//! A catalogue is read when somebody first needs it, so that a server whose users read one language holds one.

use std::{borrow::Cow, sync::OnceLock};

use fluent_bundle::{FluentArgs, FluentResource, concurrent::FluentBundle};
use fluent_langneg::{NegotiationStrategy, negotiate_languages};
use unic_langid::LanguageIdentifier;

/// A language that the pages speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Locale {
    /// English.
    #[default]
    En,
    /// German.
    De,
    /// French.
    Fr,
    /// Spanish.
    Es,
    /// Japanese.
    Ja,
    /// Arabic.
    Ar,
}

/// What goes into a message: a text or a number, since languages have more plurals than one.
pub use fluent_bundle::FluentValue as Value;

impl Locale {
    /// Every language, English first.
    pub const ALL: &[Self] = &[Self::En, Self::De, Self::Fr, Self::Es, Self::Ja, Self::Ar];

    /// The best language for a reader: what the app asked for (`ui_locales`, OIDC Core §3.1.2.1), then what the
    /// browser says (`Accept-Language`, RFC 9110 §12.5.4), then English.
    #[must_use]
    pub fn negotiate(ui_locales: Option<&str>, accept_language: Option<&str>) -> Self {
        let wishes =
            ui_locales.into_iter().flat_map(str::split_ascii_whitespace).take(MOST_WISHES).filter_map(read_tag);
        let wishes: Vec<_> = wishes.chain(by_quality(accept_language.unwrap_or_default())).collect();
        let ours: Vec<_> = Self::ALL.iter().map(|own| own.identifier()).collect();
        let best = negotiate_languages(&wishes, &ours, None, NegotiationStrategy::Lookup);
        best.first()
            .and_then(|best| Self::ALL.iter().copied().find(|own| own.identifier() == **best))
            .unwrap_or_default()
    }

    /// The language tag, for `lang` (BCP 47).
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
            Self::Fr => "fr",
            Self::Es => "es",
            Self::Ja => "ja",
            Self::Ar => "ar",
        }
    }

    /// The direction of the script, for `dir`.
    #[must_use]
    pub const fn dir(self) -> &'static str {
        match self {
            Self::Ar => "rtl",
            _ => "ltr",
        }
    }

    /// A message without arguments.
    #[must_use]
    pub fn text(self, id: &str) -> String {
        self.format(id, None)
    }

    /// A message with arguments. A text that runs the other way than the page is isolated, so that it cannot turn
    /// the sentence around it.
    #[must_use]
    pub fn with<'a>(self, id: &str, args: impl IntoIterator<Item = (&'static str, Value<'a>)>) -> String {
        let args: FluentArgs<'a> = args.into_iter().map(|(name, value)| (name, self.isolated(value))).collect();
        self.format(id, Some(&args))
    }

    /// The text of the catalogue itself.
    #[must_use]
    pub const fn catalogue(self) -> &'static str {
        match self {
            Self::En => include_str!("../../templates/locales/en.ftl"),
            Self::De => include_str!("../../templates/locales/de.ftl"),
            Self::Fr => include_str!("../../templates/locales/fr.ftl"),
            Self::Es => include_str!("../../templates/locales/es.ftl"),
            Self::Ja => include_str!("../../templates/locales/ja.ftl"),
            Self::Ar => include_str!("../../templates/locales/ar.ftl"),
        }
    }

    fn format(self, id: &str, args: Option<&FluentArgs<'_>>) -> String {
        let bundle = self.bundle();
        // A message that is missing shows its name; a test makes sure that none is.
        let Some(pattern) = bundle.get_message(id).and_then(|message| message.value()) else { return id.to_owned() };
        bundle.format_pattern(pattern, args, &mut Vec::new()).into_owned()
    }

    fn isolated(self, value: Value<'_>) -> Value<'_> {
        match value {
            Value::String(text) if self.dir() == "rtl" || text.chars().any(is_right_to_left) => {
                Value::String(Cow::Owned(format!("\u{2068}{text}\u{2069}")))
            }
            other => other,
        }
    }

    fn bundle(self) -> &'static FluentBundle<FluentResource> {
        static BUNDLES: [OnceLock<FluentBundle<FluentResource>>; 6] = [const { OnceLock::new() }; 6];
        let [en, de, fr, es, ja, ar] = &BUNDLES;
        let bundle = match self {
            Self::En => en,
            Self::De => de,
            Self::Fr => fr,
            Self::Es => es,
            Self::Ja => ja,
            Self::Ar => ar,
        };
        bundle.get_or_init(|| {
            // What cannot be read is left out and the rest kept; a test reads every catalogue to the end.
            let resource = FluentResource::try_new(self.catalogue().to_owned()).unwrap_or_else(|(read, _)| read);
            let mut bundle = FluentBundle::new_concurrent(vec![self.identifier()]);
            bundle.set_use_isolating(false);
            bundle.add_resource_overriding(resource);
            bundle
        })
    }

    fn identifier(self) -> LanguageIdentifier {
        self.tag().parse().expect("our own language tags are well-formed")
    }
}

/// Nobody reads more languages than this; a header of 8 KB is not worth more work.
const MOST_WISHES: usize = 20;

/// The languages of an `Accept-Language` header, best first: fluent-langneg's own reader ignores the weights.
fn by_quality(header: &str) -> Vec<LanguageIdentifier> {
    let mut wishes: Vec<(u16, LanguageIdentifier)> = header
        .split(',')
        .take(MOST_WISHES)
        .filter_map(|entry| {
            let (tag, params) = entry.split_once(';').unwrap_or((entry, ""));
            let weight = params.trim().strip_prefix("q=").map_or(Some(1.0), |q| q.trim().parse::<f32>().ok())?;
            // RFC 9110 §12.4.2: three decimals at most, and 0 means "not acceptable".
            let thousandths = (1..=1000).contains(&((weight * 1000.0) as i32)).then_some((weight * 1000.0) as u16)?;
            Some((thousandths, read_tag(tag.trim())?))
        })
        .collect();
    wishes.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    wishes.into_iter().map(|(_, tag)| tag).collect()
}

/// `*` is no language: whoever reads anything gets the default.
fn read_tag(tag: &str) -> Option<LanguageIdentifier> {
    tag.parse::<LanguageIdentifier>().ok().filter(|tag| !tag.language.is_empty())
}

fn is_right_to_left(character: char) -> bool {
    matches!(character, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_app_is_heard_before_the_browser() {
        assert_eq!(Locale::negotiate(Some("xx fr-CA"), Some("de")), Locale::Fr);
        assert_eq!(Locale::negotiate(Some("xx"), Some("de")), Locale::De);
        assert_eq!(Locale::negotiate(None, Some("ar-EG,en;q=0.5")), Locale::Ar);
        assert_eq!(Locale::negotiate(None, None), Locale::En);
    }

    #[test]
    fn the_weights_of_the_header_decide() {
        assert_eq!(Locale::negotiate(None, Some("de;q=0.1, fr;q=0.9")), Locale::Fr);
        assert_eq!(Locale::negotiate(None, Some("de;q=0, ja;q=0.001")), Locale::Ja);
        assert_eq!(Locale::negotiate(None, Some("*;q=0.8, es-419 ; q=0.3")), Locale::Es);
    }

    #[test]
    fn a_header_of_nonsense_is_english() {
        for header in ["", ",,,", ";q=1", "de;q=NaN", "de;q=inf", "de;q=-1", "\u{0}", "*", "zh-Hans-CN", "a-DE-1996-x"]
        {
            assert_eq!(Locale::negotiate(Some(header), Some(header)), Locale::En, "{header:?}");
        }
    }

    #[test]
    fn a_text_that_runs_the_other_way_is_isolated() {
        let say = |locale: Locale, app: &str| locale.with("login-for", [("app", app.to_owned().into())]);
        assert!(!say(Locale::En, "Wiki").contains('\u{2068}'));
        assert!(say(Locale::En, "ويكي").contains("\u{2068}ويكي\u{2069}"));
        assert!(say(Locale::Ar, "Wiki").contains("\u{2068}Wiki\u{2069}"));
    }
}
