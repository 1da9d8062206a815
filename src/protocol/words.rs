//! Enums each of whose values has a word of its own on the wire.

/// Declare such an enum, value by value with its word. That is the only list there is: what is offered, what is read and
/// what is told to whoever sent another word are all made from it.
macro_rules! words {
    ($(#[$about:meta])* $vis:vis enum $name:ident { $($(#[$meaning:meta])* $value:ident = $word:literal,)+ }) => {
        $(#[$about])*
        $vis enum $name {
            $($(#[$meaning])* $value,)+
        }

        impl $name {
            /// All of them, in the order they are told.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];

            /// Its word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $word),+
                }
            }

            /// The one of that word.
            #[must_use]
            pub fn of(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|own| own.as_str() == word)
            }

            /// Every word, for a sentence that says what is taken.
            #[must_use]
            pub fn listed() -> String {
                Self::ALL.iter().map(|own| own.as_str()).collect::<Vec<_>>().join(", ")
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use words;
