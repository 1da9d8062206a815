//! A small HTTP/1.1 client: one connection, one request at a time, and no work that is not needed.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

/// A connection that is kept open.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    line: String,
}

/// What came back.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) cookies: Vec<String>,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), line: String::new() })
    }

    /// Send a request as [`get`] and [`post`] write it, and read the answer.
    pub(crate) async fn send(&mut self, request: &str) -> io::Result<Answer> {
        self.stream.get_mut().write_all(request.as_bytes()).await?;
        let mut answer = Answer::default();
        let mut length = None;
        self.read_line().await?;
        answer.status = self.line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        loop {
            self.read_line().await?;
            let Some((name, value)) = self.line.split_once(':') else { break };
            let value = value.trim();
            match () {
                () if name.eq_ignore_ascii_case("content-length") => length = value.parse().ok(),
                () if name.eq_ignore_ascii_case("location") => answer.location = Some(value.to_owned()),
                () if name.eq_ignore_ascii_case("set-cookie") => answer.cookies.push(value.to_owned()),
                () => {}
            }
        }
        let length = length.ok_or_else(|| io::Error::other("the answer has no Content-Length"))?;
        answer.body.resize(length, 0);
        self.stream.read_exact(&mut answer.body).await?;
        Ok(answer)
    }

    async fn read_line(&mut self) -> io::Result<()> {
        self.line.clear();
        if self.stream.read_line(&mut self.line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}

impl Answer {
    /// A member of a JSON object that is a string.
    pub(crate) fn member(&self, name: &str) -> Option<String> {
        let json: serde_json::Value = serde_json::from_slice(&self.body).ok()?;
        json.get(name)?.as_str().map(str::to_owned)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A GET of a path, with header lines that each end in `\r\n`.
pub(crate) fn get(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")
}

/// A POST of a form.
pub(crate) fn post(path: &str, headers: &str, form: &[(&str, &str)]) -> String {
    let body = encode(form);
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {length}\r\n{headers}\r\n{body}"
    )
}

/// `application/x-www-form-urlencoded`.
pub(crate) fn encode(form: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
}
