//! What pages load beside themselves: the style sheet, a few small scripts, the mark and the operator's logo.
//!
//! Each is named by its content, so that a browser may keep it for ever and never shows an old one with a new page.

use std::{fmt, path::Path, sync::LazyLock};

use axum::{
    body::{Body, Bytes},
    http::{Response, StatusCode, header},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// Where they are served, under the issuer's path.
pub const ASSETS: &str = "/assets/{file}";

/// A file that pages load.
#[derive(Clone, Debug)]
pub struct Asset {
    name: String,
    content_type: &'static str,
    body: Bytes,
}

/// How the operator's pages look: name, logo and accent colour (`brand.*`).
#[derive(Clone, Debug)]
pub struct Brand {
    name: String,
    sheet: Asset,
    logo: Option<Asset>,
    remarks: Vec<String>,
}

/// Why a brand cannot be shown.
#[derive(Debug)]
pub struct BadBrand(String);

impl fmt::Display for BadBrand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadBrand {}

impl Brand {
    /// Prepare a brand, once, at start. The logo is read from its file: SVG, PNG, JPEG or WebP.
    ///
    /// # Errors
    /// For an empty name, a colour that is not `#rrggbb`, or a logo that cannot be read or shown.
    pub fn new(name: &str, logo: Option<&Path>, accent: Option<&str>) -> Result<Self, BadBrand> {
        if name.trim().is_empty() {
            return Err(BadBrand("`brand.name` is empty; expected the name people know you by".into()));
        }
        let mut remarks = Vec::new();
        let tint = accent.map(|accent| super::assets::tint(accent, &mut remarks)).transpose()?;
        let css = format!("{STYLE_SHEET}{}", tint.unwrap_or_default());
        Ok(Self {
            name: name.trim().to_owned(),
            sheet: Asset::new("latchkey", "css", Bytes::from(css)),
            logo: logo.map(read_logo).transpose()?,
            remarks,
        })
    }

    /// The name people know the operator by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The style sheet's file name.
    #[must_use]
    pub fn sheet(&self) -> &str {
        &self.sheet.name
    }

    /// The logo's file name, if there is a logo.
    #[must_use]
    pub fn logo(&self) -> Option<&str> {
        self.logo.as_ref().map(|logo| logo.name.as_str())
    }

    /// What the operator should hear at start: an accent that had to be changed to be legible.
    #[must_use]
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// All files that pages load.
    pub fn files(&self) -> impl Iterator<Item = &Asset> {
        let own: [&Asset; 6] = [&FORM, &PASSWORD, &FORM_POST, &SIGNING_OUT, &CHECK_SESSION, &ICON];
        [Some(&self.sheet), self.logo.as_ref()].into_iter().flatten().chain(own)
    }

    /// Answer a request for a file: itself, to be kept for ever, or 404.
    #[must_use]
    pub fn serve(&self, file: &str) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        match self.files().find(|asset| asset.name == file) {
            None => *response.status_mut() = StatusCode::NOT_FOUND,
            Some(asset) => {
                for (name, value) in [
                    (header::CONTENT_TYPE, asset.content_type),
                    (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
                    // A logo in SVG may hold a script; opened by itself it runs in no origin and loads nothing.
                    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox"),
                ] {
                    response.headers_mut().insert(name, header::HeaderValue::from_static(value));
                }
                *response.body_mut() = Body::from(asset.body.clone());
            }
        }
        response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, header::HeaderValue::from_static("nosniff"));
        response
    }
}

impl Default for Brand {
    fn default() -> Self {
        Self::new("Latchkey", None, None).expect("the default brand has a name and nothing to go wrong")
    }
}

impl Asset {
    /// Its file name, which changes with its content.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its content.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    fn new(stem: &str, ending: &str, body: Bytes) -> Self {
        let content_type =
            CONTENT_TYPES.iter().find(|(own, _)| *own == ending).map_or("application/octet-stream", |(_, t)| t);
        let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(&body).get(..9).unwrap_or_default());
        Self { name: format!("{stem}.{hash}.{ending}"), content_type, body }
    }
}

/// The file name of the script that sends a form once.
#[must_use]
pub fn form_script() -> &'static str {
    &FORM.name
}

/// The file name of the script that shows a password.
#[must_use]
pub fn password_script() -> &'static str {
    &PASSWORD.name
}

/// The file name of the script that submits the form of a `form_post` answer.
#[must_use]
pub fn form_post_script() -> &'static str {
    &FORM_POST.name
}

/// The file name of the script that goes on once apps have been told of a sign-out.
#[must_use]
pub fn signing_out_script() -> &'static str {
    &SIGNING_OUT.name
}

/// The file name of the script that tells apps whether a session has changed.
#[must_use]
pub fn check_session_script() -> &'static str {
    &CHECK_SESSION.name
}

/// The file name of the icon for the browser's tab.
#[must_use]
pub fn icon() -> &'static str {
    &ICON.name
}

const STYLE_SHEET: &str = include_str!("../../templates/latchkey.css");
static FORM: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("form", "js", Bytes::from_static(include_bytes!("../../templates/form.js"))));
static PASSWORD: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("password", "js", Bytes::from_static(include_bytes!("../../templates/password.js"))));
static FORM_POST: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("form-post", "js", Bytes::from_static(include_bytes!("../../templates/form_post.js"))));
static SIGNING_OUT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("signing-out", "js", Bytes::from_static(include_bytes!("../../templates/signing_out.js")))
});
static CHECK_SESSION: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("check-session", "js", Bytes::from_static(include_bytes!("../../templates/check_session.js")))
});
static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", Bytes::from_static(include_bytes!("../../templates/icon.svg"))));

const CONTENT_TYPES: &[(&str, &str)] = &[
    ("css", "text/css; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("webp", "image/webp"),
];

const LARGEST_LOGO: usize = 256 * 1024;

fn read_logo(file: &Path) -> Result<Asset, BadBrand> {
    let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    if !matches!(ending.as_str(), "svg" | "png" | "jpg" | "jpeg" | "webp") {
        return Err(BadBrand(format!(
            "`brand.logo` is {}; expected a file that ends in .svg, .png, .jpg or .webp",
            file.display()
        )));
    }
    let body = std::fs::read(file).map_err(|error| BadBrand(format!("`brand.logo`: {}: {error}", file.display())))?;
    if body.len() > LARGEST_LOGO {
        return Err(BadBrand(format!("`brand.logo` has {} KiB; expected at most 256 KiB", body.len() / 1024)));
    }
    Ok(Asset::new("logo", &ending, Bytes::from(body)))
}

/// The accent as a rule of the style sheet: legible on the light and on the dark ground, darkened or lightened where
/// it is not (WCAG 2.2, 1.4.3: 4.5 to 1).
fn tint(accent: &str, remarks: &mut Vec<String>) -> Result<String, BadBrand> {
    let given = Colour::parse(accent)
        .ok_or_else(|| BadBrand(format!("`brand.accent` is `{accent}`; expected a colour such as #175c4c")))?;
    let mut legible = |on: Colour, towards: Colour, ground: &str| {
        let shade = (0..=20).map(|step| given.mixed(towards, step)).find(|shade| shade.contrast(on) >= 4.5);
        let shade = shade.unwrap_or(towards);
        if shade != given {
            remarks.push(format!(
                "`brand.accent` {given} has a contrast of {:.1} to 1 on the {ground} ground, where 4.5 is needed; {shade} stands in for it there",
                given.contrast(on),
            ));
        }
        shade
    };
    let light = legible(LIGHT_GROUND, Colour(0, 0, 0), "light");
    let dark = legible(DARK_GROUND, Colour(255, 255, 255), "dark");
    Ok(format!(
        "\n:root{{--accent:{light};--on-accent:#fff}}\n@media (prefers-color-scheme:dark){{:root{{--accent:{dark};--on-accent:{ON_ACCENT_DARK}}}}}\n"
    ))
}

/// `--ground` of the style sheet, light and dark: the least favourable surface that the accent is used on.
const LIGHT_GROUND: Colour = Colour(0xf4, 0xf3, 0xef);
const DARK_GROUND: Colour = Colour(0x21, 0x26, 0x27);
const ON_ACCENT_DARK: Colour = Colour(0x0d, 0x14, 0x13);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Colour(u8, u8, u8);

impl Colour {
    /// `#rrggbb`, or `#rgb` for short.
    fn parse(text: &str) -> Option<Self> {
        let digits: Vec<u8> = text
            .strip_prefix('#')?
            .chars()
            .map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok()))
            .collect::<Option<_>>()?;
        match *digits.as_slice() {
            [r, g, b] => Some(Self(r * 17, g * 17, b * 17)),
            [r, rr, g, gg, b, bb] => Some(Self(r * 16 + rr, g * 16 + gg, b * 16 + bb)),
            _ => None,
        }
    }

    /// So many twentieths of the way to another colour.
    fn mixed(self, other: Self, twentieths: u16) -> Self {
        let mix = |own: u8, other: u8| {
            let sum = u16::from(own) * (20 - twentieths) + u16::from(other) * twentieths;
            u8::try_from(sum / 20).unwrap_or(u8::MAX)
        };
        Self(mix(self.0, other.0), mix(self.1, other.1), mix(self.2, other.2))
    }

    /// WCAG 2.2, "contrast ratio".
    fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// WCAG 2.2, "relative luminance".
    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_by_its_content() {
        let brand = Brand::default();
        let response = brand.serve(brand.sheet());
        assert_eq!(response.headers()[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/css; charset=utf-8");
        assert_eq!(brand.serve("latchkey.css").status(), StatusCode::NOT_FOUND);
        for file in
            [form_script(), password_script(), form_post_script(), signing_out_script(), check_session_script(), icon()]
        {
            assert_eq!(brand.serve(file).status(), StatusCode::OK, "{file}");
        }
    }

    #[test]
    fn another_accent_is_another_sheet() {
        let red = Brand::new("Red", None, Some("#b00020")).unwrap();
        assert_ne!(red.sheet(), Brand::default().sheet());
        assert!(String::from_utf8_lossy(&red.sheet.body).contains("--accent:#b00020"));
    }

    #[test]
    fn an_accent_that_cannot_be_read_is_made_legible_and_said() {
        for accent in ["#ffe600", "#fff", "#000000", "#777", "#0000ff", "#B00020"] {
            let brand = Brand::new("Acme", None, Some(accent)).unwrap();
            let css = String::from_utf8(brand.sheet.body[STYLE_SHEET.len()..].to_vec()).unwrap();
            let shades: Vec<_> =
                css.split(":root{--accent:").skip(1).map(|rest| Colour::parse(&rest[..7]).unwrap()).collect();
            assert!(
                shades[0].contrast(LIGHT_GROUND) >= 4.5 && shades[0].contrast(Colour(255, 255, 255)) >= 4.5,
                "{accent}"
            );
            assert!(shades[1].contrast(DARK_GROUND) >= 4.5 && shades[1].contrast(ON_ACCENT_DARK) >= 4.5, "{accent}");
            assert!(!brand.remarks().is_empty(), "{accent} does not do for both grounds");
        }
    }

    #[test]
    fn a_brand_that_cannot_be_shown_says_why() {
        for (name, logo, accent, part) in [
            (" ", None, None, "brand.name"),
            ("Acme", None, Some("green"), "`green`"),
            ("Acme", None, Some("#12345"), "#12345"),
            ("Acme", None, Some("#123;}"), "#123;}"),
            ("Acme", Some("logo.gif"), None, "logo.gif"),
            ("Acme", Some("/nowhere/logo.svg"), None, "/nowhere/logo.svg"),
        ] {
            let error = Brand::new(name, logo.map(Path::new), accent).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    /// The colours at the top of the style sheet, for light and for dark.
    fn colours(scheme: &str) -> impl Fn(&str) -> Colour {
        let light = STYLE_SHEET.split_once(":root {").expect("colours").1;
        let dark = light.split_once(":root {").expect("colours of the dark").1;
        let own = if scheme == "dark" { dark } else { light }.split_once('}').expect("an end").0.to_owned();
        move |name| {
            let value = own.split_once(&format!("--{name}: ")).unwrap_or_else(|| panic!("no {name}")).1;
            let value = value.split_once(';').expect("an end").0;
            Colour::parse(value).unwrap_or_else(|| panic!("{name} is {value}"))
        }
    }

    #[test]
    fn every_text_and_every_edge_can_be_made_out_in_light_and_in_dark() {
        for scheme in ["light", "dark"] {
            let colour = colours(scheme);
            // WCAG 2.2, 1.4.3: what is written, and what it is written on.
            for (text, grounds) in [
                ("text", &["surface", "ground", "tint", "bad-tint"][..]),
                ("quiet", &["surface", "ground", "tint"]),
                ("accent", &["surface", "ground", "tint"]),
                ("bad", &["surface", "bad-tint"]),
                ("on-accent", &["accent"]),
            ] {
                for ground in grounds {
                    let contrast = colour(text).contrast(colour(ground));
                    assert!(contrast >= 4.5, "{scheme}: {text} on {ground}: {contrast:.2}");
                }
            }
            // 1.4.11: the edges of fields, buttons and choices, the ring around what has the focus, the bars of messages.
            for (edge, grounds) in [
                ("edge", &["surface", "tint"][..]),
                ("accent", &["surface", "ground", "tint"]),
                ("bad", &["surface", "bad-tint"]),
            ] {
                for ground in grounds {
                    let contrast = colour(edge).contrast(colour(ground));
                    assert!(contrast >= 3.0, "{scheme}: {edge} against {ground}: {contrast:.2}");
                }
            }
            // Under the pointer the first button is brighter by an eighth.
            let Colour(r, g, b) = colour("accent");
            let [r, g, b] = [r, g, b].map(|channel| u8::try_from(u16::from(channel) * 112 / 100).unwrap_or(u8::MAX));
            assert!(colour("on-accent").contrast(Colour(r, g, b)) >= 4.5, "{scheme}");
        }
        let dark = colours("dark");
        assert_eq!((colours("light")("ground"), dark("on-accent")), (LIGHT_GROUND, ON_ACCENT_DARK));
        let hardest =
            ["surface", "ground", "tint"].map(dark).into_iter().max_by(|a, b| a.luminance().total_cmp(&b.luminance()));
        assert_eq!(hardest, Some(DARK_GROUND), "an operator's accent is judged on the least favourable ground");
    }

    #[test]
    fn the_style_sheet_stays_small() {
        assert!(STYLE_SHEET.len() < 12 * 1024, "{} bytes", STYLE_SHEET.len());
    }
}
