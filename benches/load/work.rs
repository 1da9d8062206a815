//! What the clients ask for, over and over.

use super::http::{Answer, Connection, encode, get, post};

/// Where everything is, by discovery alone.
#[derive(Clone)]
pub(crate) struct Endpoints {
    pub(crate) authorize: String,
    pub(crate) token: String,
    pub(crate) introspect: String,
    pub(crate) userinfo: String,
    pub(crate) jwks: String,
}

impl Endpoints {
    /// Read the metadata. Paths are enough, since everything is on one host.
    pub(crate) async fn discover(connection: &mut Connection, issuer: &str) -> Result<Self, String> {
        let metadata = expect(connection, &get(DISCOVERY, ""), 200).await?;
        let path = |name: &str| {
            let url = metadata.member(name).ok_or_else(|| format!("the metadata has no {name}"))?;
            url.strip_prefix(issuer).map(str::to_owned).ok_or_else(|| format!("{name} is elsewhere: {url}"))
        };
        Ok(Self {
            authorize: path("authorization_endpoint")?,
            token: path("token_endpoint")?,
            introspect: path("introspection_endpoint")?,
            userinfo: path("userinfo_endpoint")?,
            jwks: path("jwks_uri")?,
        })
    }

    /// The authorization request of the app.
    pub(crate) fn authorization_request(&self, scope: &str) -> String {
        let query = encode(&[
            ("response_type", "code"),
            ("client_id", CLIENT_ID),
            ("redirect_uri", REDIRECT_URI),
            ("scope", scope),
            ("state", "af0ifjsldkj"),
            ("nonce", "n-0S6_WzA2Mj"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        format!("{}?{query}", self.authorize)
    }

    /// The exchange of the code in an authorization response.
    pub(crate) fn exchange(&self, response: &str, basic: &str) -> Result<String, String> {
        let code = response.split(['?', '&']).find_map(|pair| pair.strip_prefix("code="));
        let code = code.ok_or_else(|| format!("the answer to the app has no code: {response}"))?;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", VERIFIER),
        ];
        Ok(post(&self.token, basic, &form))
    }

    /// The refresh of a token.
    pub(crate) fn refresh(&self, token: &str, basic: &str) -> String {
        post(&self.token, basic, &[("grant_type", "refresh_token"), ("refresh_token", token)])
    }
}

/// What one connection does.
pub(crate) enum Work {
    /// The same request each time.
    Same(String),
    /// An authorization request of a browser that is signed in and has consented, and the exchange of its code.
    Code { endpoints: Endpoints, authorize: String, basic: String },
    /// A refresh with the token of the last.
    Refresh { endpoints: Endpoints, token: String, basic: String },
}

impl Work {
    pub(crate) async fn once(&mut self, connection: &mut Connection) -> Result<(), String> {
        match self {
            Self::Same(request) => expect(connection, request, 200).await.map(drop),
            Self::Code { endpoints, authorize, basic } => {
                let answer = expect(connection, authorize, 303).await?;
                let exchange = endpoints.exchange(answer.location.as_deref().unwrap_or_default(), basic)?;
                expect(connection, &exchange, 200).await.map(drop)
            }
            Self::Refresh { endpoints, token, basic } => {
                let answer = expect(connection, &endpoints.refresh(token, basic), 200).await?;
                *token = answer.member("refresh_token").ok_or("the answer has no refresh token")?;
                Ok(())
            }
        }
    }
}

/// Send a request whose answer has to have this status.
pub(crate) async fn expect(connection: &mut Connection, request: &str, status: u16) -> Result<Answer, String> {
    let answer = connection.send(request).await.map_err(|error| error.to_string())?;
    if answer.status == status {
        return Ok(answer);
    }
    let asked = request.lines().next().unwrap_or_default();
    Err(format!("{asked}: status {}, not {status}: {}", answer.status, answer.text()))
}

pub(crate) const DISCOVERY: &str = "/.well-known/openid-configuration";
pub(crate) const CLIENT_ID: &str = "bench";
pub(crate) const REDIRECT_URI: &str = "http://127.0.0.1:9/callback";
// The example of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
