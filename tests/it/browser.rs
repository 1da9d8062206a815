//! The demo in a real browser: what a newcomer does, with scripts and without.

use std::path::Path;

use latchkey::demo::{self, Options, Ports, Running};

use crate::chrome::Chrome;

async fn start(data: &Path) -> Running {
    let options = Options { data: data.to_owned(), fresh: false, ports: Ports::ANY };
    demo::start(options).await.unwrap_or_else(|failure| panic!("{failure}"))
}

async fn sign_in(chrome: &Chrome, demo: &Running, username: &str) {
    chrome.fill("#username", username).await;
    chrome.fill("#password", &demo.memory.users[username]).await;
    chrome.click("#login-submit").await;
}

/// Nobody gets stuck who goes back, loads again, says no, or comes with two tabs.
async fn detours(chrome: &Chrome, demo: &Running) {
    chrome.go(&demo.memory.app).await;
    chrome.click("#sign-in").await;
    chrome.find("#login-submit").await;
    chrome.reload().await;
    chrome.find("#login-submit").await;
    chrome.back().await;
    chrome.click("#sign-in").await;
    sign_in(chrome, demo, "carol").await;
    chrome.find("#consent-deny").await;
    chrome.reload().await;
    chrome.click("#consent-deny").await;
    chrome.wait_for("code", "access_denied").await;
    chrome.look("app-denied").await;
    // Who said no has a way on: the session at the server is still there.
    chrome.click("#sign-in").await;
    chrome.click("#consent-allow").await;
    chrome.wait_for("name", "Carol Cooper").await;
    chrome.wait_for("membership", "bound to no organisation").await;
    chrome.click("#call-read").await;
    chrome.wait_for("verdict", "bound to no organisation").await;
    // Back over the answer of the server: the app is still signed in, and the code counts no second time.
    chrome.back().await;
    chrome.go(&demo.memory.app).await;
    chrome.wait_for("name", "Carol Cooper").await;
    // In between they put their name right.
    chrome.go(&format!("{}/account", demo.memory.issuer)).await;
    chrome.look("account").await;
    chrome.click(".edit > summary").await;
    chrome.fill("#name", "Carol Carter").await;
    chrome.click("button[value=change_details]").await;
    assert_eq!(chrome.text(".notice").await, "Your details are saved.");
    assert_eq!(chrome.text(".facts dd").await, "Carol Carter");
    chrome.look("account-changed").await;
    chrome.go(&demo.memory.app).await;
    chrome.click("#switch-account").await;
    chrome.look("pick-account").await;
    chrome.back().await;
    chrome.click("#sign-out").await;
    chrome.wait_for("signed-out", "ending your session there").await;
    chrome.go(&demo.memory.resource_server).await;
    chrome.look("api").await;
    chrome.go(&format!("{}/nowhere", demo.memory.app)).await;
    assert_eq!(chrome.text("h1").await, "Nothing here");
}

/// Login, consent, a call that is allowed and one that the role refuses, refresh, logout.
async fn the_main_job(chrome: &Chrome, demo: &Running) {
    chrome.go(&demo.memory.app).await;
    chrome.look("app-home").await;
    chrome.click("#sign-in").await;
    assert_eq!(chrome.text("h1").await, "Sign in");
    assert!(chrome.url().await.starts_with(&demo.memory.issuer), "the server asks for the password, not the app");

    chrome.fill("#username", "bob").await;
    chrome.fill("#password", "not-his-password").await;
    chrome.click("#login-submit").await;
    assert_eq!(chrome.value("#username").await, "bob", "the name stays after a mistake");
    chrome.look("login-mistake").await;
    sign_in(chrome, demo, "bob").await;

    chrome.find("#consent-allow").await;
    chrome.look("consent").await;
    chrome.click("#consent-allow").await;
    chrome.wait_for("name", "Bob Baker").await;
    chrome.wait_for("membership", "for acme, as editor").await;

    chrome.click("#call-read").await;
    chrome.wait_for("verdict", "Allowed: the access token carries kb:read").await;
    chrome.wait_for("response", "HTTP/1.1 200 OK").await;
    chrome.click("#call-delete").await;
    chrome.wait_for("verdict", "You are bound to acme as editor").await;
    chrome.wait_for("response", "HTTP/1.1 403 Forbidden").await;
    chrome.click("#call-mistake").await;
    chrome.wait_for("response", "HTTP/1.1 401 Unauthorized").await;
    chrome.look("app-refused").await;

    chrome.click("#refresh-now").await;
    chrome.wait_for("refreshed", "New tokens came, and a new refresh token").await;
    chrome.look("app-dashboard").await;
    // A reload does none of it again, and going back does not either.
    chrome.reload().await;
    chrome.wait_for("refreshed", "New tokens came").await;

    chrome.click("#sign-out").await;
    chrome.wait_for("signed-out", "ending your session there").await;
    chrome.look("app-signed-out").await;
    chrome.click("#sign-in").await;
    assert_eq!(chrome.text("h1").await, "Sign in", "the session at the server is over, too");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium and its driver: tests/run brings them and runs it"]
async fn somebody_signs_in_calls_refreshes_and_signs_out() {
    let data = tempfile::tempdir().expect("a directory");
    let (demo, chrome) = (start(data.path()).await, Chrome::start(true).await);
    the_main_job(&chrome, &demo).await;
    chrome.close().await;
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium and its driver: tests/run brings them and runs it"]
async fn detours_end_well() {
    let data = tempfile::tempdir().expect("a directory");
    let (demo, chrome) = (start(data.path()).await, Chrome::start(true).await);
    detours(&chrome, &demo).await;
    chrome.close().await;
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium and its driver: tests/run brings them and runs it"]
async fn everything_works_without_scripts() {
    let data = tempfile::tempdir().expect("a directory");
    let (demo, chrome) = (start(data.path()).await, Chrome::start(false).await);
    the_main_job(&chrome, &demo).await;
    chrome.close().await;
    demo.stop().await;
}
