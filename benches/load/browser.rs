//! Signs in and consents on the pages, as a browser without JavaScript would, and keeps the cookies.

use std::{collections::BTreeMap, net::SocketAddr};

use super::http::{Answer, Connection, get, post};

/// Cookies, and the connection they are for.
pub(crate) struct Browser {
    connection: Connection,
    issuer: String,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    pub(crate) async fn open(address: SocketAddr, issuer: &str) -> std::io::Result<Self> {
        let connection = Connection::open(address).await?;
        Ok(Self { connection, issuer: issuer.to_owned(), cookies: BTreeMap::new() })
    }

    /// Go on over another connection.
    pub(crate) async fn reconnect(&mut self, address: SocketAddr) -> std::io::Result<()> {
        self.connection = Connection::open(address).await?;
        Ok(())
    }

    /// The header line that carries the cookies.
    pub(crate) fn cookie(&self) -> String {
        let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("Cookie: {}\r\n", pairs.join("; "))
    }

    /// Follow an authorization request through whatever pages it leads to, until it leaves the server: the answer to
    /// the app.
    pub(crate) async fn authorize(&mut self, path: &str, username: &str, password: &str) -> Result<String, String> {
        let mut answer = self.send(&get(path, &self.cookie())).await?;
        for _ in 0..8 {
            if let Some(location) = answer.location {
                match location.strip_prefix(&self.issuer).or(location.strip_prefix('/').map(|_| location.as_str())) {
                    Some(path) => answer = self.send(&get(path, &self.cookie())).await?,
                    None => return Ok(location),
                }
                continue;
            }
            let page = answer.text();
            let (action, mut fields) =
                form(&page).ok_or_else(|| format!("no form on the page (status {}): {page}", answer.status))?;
            if page.contains("name=\"password\"") {
                // Ours asks for the one, node-oidc-provider for the other.
                fields.push(("username".into(), username.into()));
                fields.push(("login".into(), username.into()));
                fields.push(("password".into(), password.into()));
            } else {
                fields.push(("action".into(), "allow".into()));
            }
            let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
            let path = action.strip_prefix(&self.issuer).unwrap_or(&action);
            let headers = format!("{}Origin: {}\r\n", self.cookie(), self.issuer);
            answer = self.send(&post(path, &headers, &fields)).await?;
        }
        Err("the pages lead nowhere".into())
    }

    async fn send(&mut self, request: &str) -> Result<Answer, String> {
        let answer = self.connection.send(request).await.map_err(|error| error.to_string())?;
        for cookie in &answer.cookies {
            let pair = cookie.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.insert(name.trim().to_owned(), value.trim().to_owned());
            }
        }
        Ok(answer)
    }
}

/// The address and the hidden fields of the first form on a page.
fn form(page: &str) -> Option<(String, Vec<(String, String)>)> {
    let (tag, rest) = page.split_once("<form ")?.1.split_once('>')?;
    let inside = rest.split("</form>").next()?;
    let hidden = inside
        .split("<input ")
        .skip(1)
        .filter_map(|input| input.split('>').next())
        .filter(|input| attribute(input, "type").as_deref() == Some("hidden"))
        .filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value")?)))
        .collect();
    Some((attribute(tag, "action")?, hidden))
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    let value = rest.split('"').next()?;
    Some(value.replace("&#38;", "&").replace("&amp;", "&"))
}
