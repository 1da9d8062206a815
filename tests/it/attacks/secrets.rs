//! N, case 89: that no secret is left where operators look.

use super::{member, operation::ok};
use crate::{
    authorize::asks,
    program::{Place, Reply, get, post},
    stage::Stage,
    world::{App, PASSWORD, VERIFIER, attribute, encode, field},
};

/// A browser of few words: it sends the cookies it was given.
struct Visitor<'a> {
    address: std::net::SocketAddr,
    cookies: Vec<String>,
    secrets: &'a mut Vec<(&'static str, String)>,
}

impl Visitor<'_> {
    fn goes(&mut self, path: &str, form: Option<&[(&str, &str)]>) -> Reply {
        let path = path.strip_prefix("http://localhost:8080").unwrap_or(path);
        let cookies = format!("Cookie: {}\r\nOrigin: http://localhost:8080\r\n", self.cookies.join("; "));
        let reply = match form {
            None => get(self.address, path, &cookies),
            Some(form) => post(self.address, path, &cookies, &encode(form)).expect("an answer"),
        };
        for cookie in reply.head.lines().filter_map(|line| line.strip_prefix("set-cookie: ")) {
            let pair = cookie.split(';').next().unwrap().to_owned();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.retain(|own| !own.starts_with(&format!("{name}=")));
            self.secrets.push(("cookie", value.to_owned()));
            self.cookies.push(pair);
        }
        if let Some(csrf) = field(&reply.body, "csrf") {
            self.secrets.push(("csrf", csrf));
        }
        reply
    }

    fn follows(&mut self, mut reply: Reply) -> Reply {
        while let Some(location) = reply.header("location").filter(|to| to.starts_with("http://localhost:8080")) {
            let location = location.to_owned();
            reply = self.goes(&location, None);
        }
        reply
    }
}

#[tokio::test]
async fn case_89_a_whole_life_leaves_no_secret_in_log_metrics_or_words() {
    let place = Place::new().env("LATCHKEY_LOG_LEVEL", "trace");
    let url = format!("sqlite:{}", place.path("latchkey.db").display());
    let stage = Stage::new(place, &url, 1).await;
    let serving = stage.place.serve(&[]);
    let mut secrets = vec![
        ("password", PASSWORD.to_owned()),
        ("password", encode(&[("", PASSWORD)])),
        ("verifier", VERIFIER.to_owned()),
    ];
    let mut words = String::new();
    let made = stage.place.run(&[
        "client",
        "create",
        "--name",
        "spy",
        "--id",
        "spy",
        "--redirect-uri",
        "https://spy.example/cb",
        "--json",
    ]);
    words.push_str(&made.err);
    let client = made.json();
    let secret = member(&client, "client_secret");
    secrets.push(("client secret", secret.clone()));
    secrets.push(("client secret", stage.app.secret.clone().unwrap()));
    let app = App { id: "spy".to_owned(), secret: Some(secret), redirect_uri: "https://spy.example/cb".to_owned() };
    let new_password = "an even better horse CANARY";
    secrets.push(("password", new_password.to_owned()));
    {
        let mut visitor = Visitor { address: serving.main, cookies: Vec::new(), secrets: &mut secrets };
        let params = asks(
            &app,
            "openid email offline_access",
            &[("state", "STATE-CANARY"), ("nonce", "NONCE-CANARY"), ("login_hint", "HINT-CANARY")],
        );
        let page = visitor.goes(&format!("/authorize?{}", encode(&params)), None);
        let page = visitor.follows(page);
        let csrf = field(&page.body, "csrf").expect("a form");
        let action = attribute(&page.body, "<form", "action").unwrap();
        visitor.goes(&action, Some(&[("csrf", &csrf), ("username", "alice"), ("password", "WRONG-CANARY")]));
        visitor.goes(&action, Some(&[("csrf", "FORGED-CANARY"), ("username", "USER-CANARY"), ("password", PASSWORD)]));
        visitor.goes(&action, Some(&[("csrf", &csrf), ("username", PASSWORD), ("password", "alice")]));
        let page = visitor.goes(&action, Some(&[("csrf", &csrf), ("username", "alice"), ("password", PASSWORD)]));
        let page = visitor.follows(page);
        assert!(page.body.contains("consent-allow"), "{page:?}");
        let csrf = field(&page.body, "csrf").expect("a form");
        let action = attribute(&page.body, "<form", "action").unwrap();
        let content = page.body.split("<form").nth(1).unwrap().to_owned();
        let hidden: Vec<(String, String)> = content
            .split("<input")
            .filter(|input| input.contains("type=\"hidden\""))
            .filter_map(|input| {
                let tag = format!("<input{input}");
                Some((attribute(&tag, "<input", "name")?, attribute(&tag, "<input", "value")?))
            })
            .filter(|(name, _)| name != "csrf")
            .collect();
        let mut form: Vec<(&str, &str)> = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        form.extend([("csrf", csrf.as_str()), ("action", "allow")]);
        let done = visitor.goes(&action, Some(&form));
        let location = done.header("location").expect("a redirect").to_owned();
        let code =
            url::Url::parse(&location).unwrap().query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
        visitor.secrets.push(("code", code.clone()));
        let account = visitor.goes("/account", None);
        let csrf = field(&account.body, "csrf").expect("a form");
        let change = [
            ("csrf", csrf.as_str()),
            ("action", "change_password"),
            ("password", PASSWORD),
            ("new_password", new_password),
        ];
        let caller = crate::stage::Caller::of(&app, serving.main);
        let tokens = ok(caller.redeems(&code));
        let next = ok(caller.refreshes(&member(&tokens, "refresh_token")));
        for tokens in [&tokens, &next] {
            for name in ["access_token", "refresh_token", "id_token"] {
                let token = member(tokens, name);
                caller.asks("/introspect", &[("token", &token)]);
                get(serving.main, "/userinfo", &format!("Authorization: Bearer {token}\r\n"));
                get(serving.main, &format!("/userinfo?access_token={token}"), "");
                if name != "id_token" {
                    visitor.goes(&format!("/logout?id_token_hint={token}&state=STATE-CANARY"), None);
                }
                words.push_str(&{
                    let done = stage.place.run(&["token", "inspect", &token]);
                    done.err
                });
                visitor.secrets.push((name, token));
            }
        }
        // Used twice, which is an event.
        caller.redeems(&code);
        caller.refreshes(&member(&tokens, "refresh_token"));
        let done = visitor.goes("/account", Some(&change));
        assert_eq!(done.status, 303, "{done:?}");
        visitor.goes("/account", None);
        let hint = member(&next, "id_token");
        visitor.goes(&format!("/logout?id_token_hint={hint}&state=STATE-CANARY"), None);
        visitor.goes("/nothing/PATH-CANARY?x=QUERY-CANARY", None);
    }
    let rotated = stage.place.run(&["client", "rotate-secret", "spy", "--json"]);
    words.push_str(&rotated.err);
    secrets.push(("client secret", member(&rotated.json(), "client_secret")));
    for command in [
        &["doctor"][..],
        &["config", "show"],
        &["client", "show", "spy"],
        &["user", "show", "alice", "--json"],
        &["session", "list", "alice"],
        &["grant", "list", "alice"],
        &["key", "list"],
    ] {
        let done = stage.place.run(command);
        words.push_str(&done.out);
        words.push_str(&done.err);
    }
    secrets.push(("master key", crate::world::MASTER_KEY.to_owned()));
    let metrics = serving.get("/metrics").body;
    let log = serving.stop();
    assert!(log.contains("\"route\":\"/consent\"") && metrics.contains("latchkey_http_requests"), "{log}");
    for (where_it_is, text) in [("the log", &log), ("the metrics", &metrics), ("what commands say", &words)] {
        assert!(!text.contains("CANARY"), "{where_it_is}: {}", around(text, "CANARY"));
        for (what, secret) in &secrets {
            // The signature of a token is what makes it one.
            let essence = secret.rsplit('.').next().unwrap();
            assert!(essence.len() > 7 && !text.contains(essence), "{what} in {where_it_is}: {}", around(text, essence));
        }
    }
    // Nor do files lie about that others could read.
    for file in std::fs::read_dir(stage.place.path(".")).unwrap() {
        let file = file.unwrap();
        if file.file_type().unwrap().is_file() {
            assert_eq!(crate::program::mode(&file.path()), 0o600, "{:?}", file.path());
        }
    }
}

fn around(text: &str, at: &str) -> String {
    text.lines().filter(|line| line.contains(at)).take(3).collect::<Vec<_>>().join("\n")
}
