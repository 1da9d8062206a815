//! The way of a user through sign-in and consent to the app.

use crate::world::World;

#[tokio::test]
async fn a_user_signs_in_says_yes_and_arrives_at_the_app_with_a_code() {
    let world = World::new().await;
    world.user("alice").await;
    let app = world.app("wiki").await;
    let mut browser = world.browser();
    let page = browser.authorizes(&app.asks("openid email")).await;
    assert!(page.body.contains("<h1"), "{}", page.body);
    assert!(page.body.contains("The wiki"), "{}", page.body);
    let page = browser.signs_in(&page, "alice").await;
    assert!(page.body.contains("alice@example.com"), "{}", page.body);
    let answer = browser.allows(&page).await;
    assert!(answer.location().starts_with("https://wiki.example/cb?code=lkc_"), "{}", answer.location());
    assert_eq!(answer.param("state").as_deref(), Some("s-t-a-t-e"));
    assert_eq!(answer.param("iss").as_deref(), Some(crate::world::ISSUER));
}
