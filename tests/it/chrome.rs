//! A headless Chromium of one test's own, driven by WebDriver.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use axum::http::Method;
use base64::{Engine, engine::general_purpose::STANDARD};
use fantoccini::{
    Client, ClientBuilder, Locator,
    elements::Element,
    wd::{WebDriverCompatibleCommand, WindowHandle},
};
use hyper_util::client::legacy::connect::HttpConnector;
use openidconnect::url::Url;
use serde_json::{Value, json};

/// A browser, its driver and its profile; all gone when it is dropped.
pub(crate) struct Chrome {
    client: Client,
    driver: Driver,
    _profile: tempfile::TempDir,
}

struct Driver {
    process: Child,
    port: u16,
}

impl Chrome {
    /// Start a browser that runs scripts, or one that does not.
    pub(crate) async fn start(runs_scripts: bool) -> Self {
        let driver = Driver::start();
        let profile = tempfile::tempdir().expect("a directory");
        let javascript = if runs_scripts { 1 } else { 2 };
        let options = json!({
            "args": [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-dev-shm-usage", "--no-proxy-server", "--window-size=1100,900", "--lang=en",
                // Hosts that are not this machine, as far as the browser knows.
                "--host-resolver-rules=MAP *.example 127.0.0.1",
                format!("--user-data-dir={}", profile.path().display()),
            ],
            "prefs": {
                "profile.default_content_setting_values.javascript": javascript,
                // Apps can only watch a session where cookies are sent to the frames of other sites.
                "profile.cookie_controls_mode": 0,
            },
        });
        let capabilities = [
            ("goog:chromeOptions".to_owned(), options),
            // Servers of tests sign their own certificates.
            ("acceptInsecureCerts".to_owned(), json!(true)),
            ("timeouts".to_owned(), json!({ "pageLoad": 30_000, "script": 30_000 })),
        ];
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities.into_iter().collect())
            .connect(&format!("http://127.0.0.1:{}", driver.port))
            .await
            .unwrap_or_else(|error| panic!("no browser can be had: {error}"));
        let chrome = Self { client, driver, _profile: profile };
        chrome.go("data:text/html,<p id=p>off</p><script>p.textContent='on'</script>").await;
        assert_eq!(chrome.text("#p").await, if runs_scripts { "on" } else { "off" }, "scripts run as asked");
        chrome
    }

    pub(crate) async fn go(&self, url: &str) {
        self.client.goto(url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    }

    pub(crate) async fn back(&self) {
        self.client.back().await.expect("there is a page before");
    }

    pub(crate) async fn reload(&self) {
        self.client.refresh().await.expect("the page can be loaded again");
    }

    pub(crate) async fn url(&self) -> String {
        self.client.current_url().await.expect("an address").to_string()
    }

    /// The element, as soon as it is there.
    pub(crate) async fn find(&self, css: &str) -> Element {
        match self.client.wait().for_element(Locator::Css(css)).await {
            Ok(element) => element,
            Err(error) => panic!("no {css}: {error}\n{}", self.page().await),
        }
    }

    pub(crate) async fn text(&self, css: &str) -> String {
        self.find(css).await.text().await.expect("an element has a text")
    }

    pub(crate) async fn value(&self, css: &str) -> String {
        self.find(css).await.prop("value").await.expect("a field has a value").unwrap_or_default()
    }

    pub(crate) async fn click(&self, css: &str) {
        self.find(css).await.click().await.unwrap_or_else(|error| panic!("{css} cannot be clicked: {error}"));
    }

    pub(crate) async fn fill(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.clear().await.expect("a field can be cleared");
        field.send_keys(text).await.expect("a field can be typed into");
    }

    /// Wait until the element of that id says so.
    pub(crate) async fn wait_for(&self, id: &str, text: &str) {
        let path = format!("//*[@id='{id}'][contains(normalize-space(.), \"{text}\")]");
        if let Err(error) = self.client.wait().for_element(Locator::XPath(&path)).await {
            panic!("#{id} never says `{text}`: {error}\n{}", self.page().await);
        }
    }

    /// What a script says in the end to its last argument, a function.
    pub(crate) async fn runs(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.client.execute_async(script, arguments).await.expect("the script says something")
    }

    /// The value of a cookie that the page would send.
    pub(crate) async fn cookie(&self, name: &str) -> String {
        let found = self.client.get_named_cookie(name).await;
        found.unwrap_or_else(|error| panic!("no cookie {name}: {error}")).value().to_owned()
    }

    /// Open another window and go on there; the one that was left.
    pub(crate) async fn opens_a_window(&self) -> WindowHandle {
        let left = self.client.window().await.expect("a window");
        let opened = self.client.new_window(false).await.expect("a window can be opened");
        self.turns_to(opened.handle).await;
        left
    }

    /// Go on in a window that is open.
    pub(crate) async fn turns_to(&self, window: WindowHandle) {
        self.client.switch_to_window(window).await.expect("the window is open");
    }

    /// Take pictures of the page, when `LATCHKEY_TEST_SCREENSHOTS` names a directory for them: light and dark, and as
    /// narrow as a telephone. Nothing may stick out sideways there.
    pub(crate) async fn look(&self, name: &str) {
        self.devtools("Emulation.setScrollbarsHidden", json!({ "hidden": true })).await;
        for (kind, width, scheme) in [("light", 1000, "light"), ("narrow", 320, "light"), ("dark", 1000, "dark")] {
            let size = json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false });
            self.devtools("Emulation.setDeviceMetricsOverride", size).await;
            let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
            self.devtools("Emulation.setEmulatedMedia", media).await;
            let layout = self.devtools("Page.getLayoutMetrics", json!({})).await;
            let content = layout["cssContentSize"]["width"].as_f64().expect("a width");
            assert!(content <= f64::from(width), "{name} is {content} wide at {width}");
            if let Ok(directory) = std::env::var("LATCHKEY_TEST_SCREENSHOTS") {
                let picture = json!({ "format": "png", "captureBeyondViewport": true });
                let picture = self.devtools("Page.captureScreenshot", picture).await;
                let picture = STANDARD.decode(picture["data"].as_str().expect("a picture")).expect("base64");
                std::fs::write(format!("{directory}/{name}-{kind}.png"), picture).expect("a file can be written");
            }
        }
        self.devtools("Emulation.clearDeviceMetricsOverride", json!({})).await;
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": [] })).await;
    }

    /// Close the browser, then its driver.
    pub(crate) async fn close(self) {
        let Self { client, driver, _profile } = self;
        client.close().await.expect("the browser closes");
        drop(driver);
    }

    async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let command = DevTools(json!({ "cmd": command, "params": parameters }));
        self.client.issue_cmd(command).await.expect("the browser obeys")
    }

    async fn page(&self) -> String {
        format!("{}:\n{}", self.url().await, self.client.source().await.unwrap_or_default())
    }
}

impl Driver {
    fn start() -> Self {
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed (Debian's chromium-driver)");
        let mut said = BufReader::new(process.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
        let port = said.find_map(|line| {
            line.strip_prefix("ChromeDriver was started successfully on port ")?.trim_end_matches('.').parse().ok()
        });
        // Whatever else it says is read, so that it never waits for a reader.
        std::thread::spawn(move || said.for_each(drop));
        Self { port: port.expect("chromedriver says where it listens"), process }
    }
}

impl Drop for Driver {
    /// Asked politely, the driver takes its browsers along.
    fn drop(&mut self) {
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
            let asked = stream.write_all(b"GET /shutdown HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
            drop(asked.and_then(|()| stream.read_to_end(&mut Vec::new())));
        } else {
            drop(self.process.kill());
        }
        drop(self.process.wait());
    }
}

#[derive(Debug)]
struct DevTools(Value);

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, openidconnect::url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.0.to_string()))
    }
}
