//! The `prompt` parameter (OIDC Core §3.1.2.1).

use super::{ErrorCode, Refusal};

/// What the client wants the user to be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    /// Nothing at all: answer, or say why not.
    pub none: bool,
    /// To authenticate again.
    pub login: bool,
    /// To consent again.
    pub consent: bool,
    /// To choose an account.
    pub select_account: bool,
}

impl Prompt {
    /// Every value, in the order they are advertised.
    pub const VALUES: &[&str] = &["none", "login", "consent", "select_account"];

    /// Read the parameter; absent means that the server decides.
    ///
    /// # Errors
    /// `invalid_request` for an unknown value, or `none` beside another.
    pub fn parse(text: Option<&str>) -> Result<Self, Refusal> {
        let mut prompt = Self::default();
        for value in text.unwrap_or_default().split(' ').filter(|value| !value.is_empty()) {
            match value {
                "none" => prompt.none = true,
                // Initiating User Registration 1.0: without registration, the login page is where one begins.
                "login" | "create" => prompt.login = true,
                "consent" => prompt.consent = true,
                "select_account" => prompt.select_account = true,
                other => {
                    return Err(Refusal::new(
                        ErrorCode::InvalidRequest,
                        format!("`prompt` is `{other}`; this server takes {}", Self::VALUES.join(", ")),
                    ));
                }
            }
        }
        if prompt.none && (prompt.login || prompt.consent || prompt.select_account) {
            return Err(Refusal::new(ErrorCode::InvalidRequest, "`prompt` is none and something else at once"));
        }
        Ok(prompt)
    }
}
