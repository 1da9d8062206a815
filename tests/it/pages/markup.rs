//! Reading our own markup: tags, attributes, and the bones of a page.

/// A start tag: its name, and its attributes with their values as they stand in the source.
pub(crate) struct Tag<'a> {
    pub(crate) name: &'a str,
    pub(crate) attributes: Vec<(&'a str, &'a str)>,
}

impl<'a> Tag<'a> {
    pub(crate) fn get(&self, attribute: &str) -> Option<&'a str> {
        self.attributes.iter().find(|(name, _)| *name == attribute).map(|(_, value)| *value)
    }
}

/// The start and end tags of a page, in order. Our templates quote every value, so a quote that got through unescaped
/// shows as an attribute more.
pub(crate) fn tags(html: &str) -> Vec<Tag<'_>> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let end = rest.find(|c: char| c.is_whitespace() || c == '>').expect("a tag ends");
        let mut tag = Tag { name: &rest[..end], attributes: Vec::new() };
        rest = rest[end..].trim_start();
        while !rest.starts_with('>') {
            let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | '>')).expect("an attribute ends");
            let name = &rest[..end];
            rest = &rest[end..];
            let mut value = "";
            if let Some(quoted) = rest.strip_prefix("=\"") {
                let end = quoted.find('"').expect("a value is closed");
                (value, rest) = (&quoted[..end], &quoted[end + 1..]);
            }
            tag.attributes.push((name, value));
            rest = rest.trim_start();
        }
        tags.push(tag);
    }
    tags
}

/// The bones of a page: tags and attribute names, without any text.
pub(crate) fn skeleton(html: &str) -> Vec<String> {
    let bones = |tag: Tag<'_>| {
        let names: Vec<&str> = tag.attributes.iter().map(|(name, _)| *name).collect();
        format!("{} {}", tag.name, names.join(" "))
    };
    tags(html).into_iter().map(bones).collect()
}
