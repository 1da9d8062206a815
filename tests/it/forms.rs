//! Forms as they stand in HTML, filled in the way a browser does.

use url::form_urlencoded;

/// What a browser sends of a form, and where.
#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) action: String,
    pub(crate) filled: String,
}

/// The form that holds the element of that id, its fields with those that were typed in place of their own.
#[track_caller]
pub(crate) fn form(html: &str, id: &str, typed: &[(&str, &str)]) -> Form {
    let at = html.find(&format!("id=\"{id}\"")).unwrap_or_else(|| panic!("no #{id} on {html}"));
    let from = html[..at].rfind("<form").expect("a button stands in a form");
    let form = &html[from..];
    let form = &form[..form.find("</form>").expect("a form ends")];
    let action = attribute(&form[..form.find('>').expect("a tag ends")], "action").unwrap_or_default();
    let mut fields: Vec<(String, String)> = Vec::new();
    for piece in form.split("<input").skip(1) {
        let tag = &piece[..piece.find('>').expect("a tag ends")];
        let is_choice = matches!(attribute(tag, "type").as_deref(), Some("radio" | "checkbox"));
        if let Some(name) = attribute(tag, "name").filter(|_| !is_choice || tag.contains("checked")) {
            fields.push((name, attribute(tag, "value").unwrap_or_default()));
        }
    }
    let tag_from = html[..at].rfind('<').expect("an attribute stands in a tag");
    let tag = &html[tag_from..tag_from + html[tag_from..].find('>').expect("a tag ends")];
    if let Some(name) = attribute(tag, "name") {
        fields.push((name, attribute(tag, "value").unwrap_or_default()));
    }
    fields.retain(|(name, _)| !typed.iter().any(|(own, _)| own == name));
    let typed = typed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let all = fields.into_iter().chain(typed);
    Form { action, filled: form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish() }
}

/// The value of an attribute of a tag.
pub(crate) fn attribute(tag: &str, name: &str) -> Option<String> {
    let from = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    Some(plain(tag[from..].split('"').next().unwrap_or_default()))
}

/// The text of HTML, tags left out and entities resolved.
pub(crate) fn plain(html: &str) -> String {
    let mut text = String::new();
    let mut is_in_tag = false;
    for c in html.chars() {
        match c {
            '<' => is_in_tag = true,
            '>' => is_in_tag = false,
            c if !is_in_tag => text.push(c),
            _ => {}
        }
    }
    for (entity, c) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ] {
        text = text.replace(entity, c);
    }
    text
}
