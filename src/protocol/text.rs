//! Text from elsewhere that people will read.

/// Whether a character acts on what stands around it, or hides, instead of being read: controls, the marks that turn the
/// direction of text (Unicode's `Bidi_Control`), line breaks under other names, and what takes no room at all. In a name or a
/// line of a log it could make a sentence of ours read as another (Unicode TR 36; "Trojan Source"). The joiners of Persian
/// and of emoji are not among them.
#[must_use]
pub fn is_active(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}'
                | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_turns_text_around_or_hides_in_it_is_told_from_what_is_read() {
        for c in "\0\n\u{1b}\u{85}\u{61c}\u{200b}\u{200f}\u{2028}\u{202e}\u{2060}\u{2069}\u{feff}".chars() {
            assert!(is_active(c), "{c:?}");
        }
        for c in "aé 日\u{301}\u{200c}\u{200d}\u{1f511}\u{a0}".chars() {
            assert!(!is_active(c), "{c:?}");
        }
    }
}
