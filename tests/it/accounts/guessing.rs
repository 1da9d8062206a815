//! Guessing passwords: what slows strangers down, and what never keeps the owner out.

use super::*;
use crate::program::{Place, get, post};

#[tokio::test]
async fn unknown_wrong_without_password_and_disabled_look_the_same_and_cost_the_same() {
    let ground = Ground::new().await;
    ground.has("alice").await;
    let dora = ground.has("dora").await;
    accounts::disable(&ground.store, &dora.sub, NOW).await.unwrap();
    ground.creates(NewAccount { username: "ben".into(), ..NewAccount::default() }).await.unwrap();
    for (name, password) in [
        ("alice", "wrong horse battery"),
        ("nobody", PASSWORD),
        ("nobody@example.com", PASSWORD),
        ("dora", PASSWORD),
        ("ben", PASSWORD),
        ("ben", ""),
        ("alice", "nul\0nul\0nul"),
        ("", PASSWORD),
        ("no such @ name", PASSWORD),
    ] {
        let before = ground.passwords.runs();
        assert_eq!(ground.tries(name, password).await, Attempt::Wrong, "{name:?} {password:?}");
        assert_eq!(ground.passwords.runs() - before, 1, "{name:?} {password:?}");
    }
}

#[tokio::test]
async fn guessing_at_one_name_is_slowed_down_whether_anybody_has_it() {
    let ground = Ground::new().await;
    ground.has("alice").await;
    for name in ["alice", "nobody"] {
        for address in ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "2001:db8:1::1"] {
            assert_eq!(ground.tries_from(address, name, "wrong horse battery", None).await, Attempt::Wrong);
        }
        // Blocked, wherever it comes from, though the password is right: nothing is hashed any more.
        let before = ground.passwords.runs();
        assert_eq!(throttled(ground.tries_from("192.0.2.77", name, PASSWORD, None).await), Lifetime(30));
        assert_eq!(ground.passwords.runs(), before);
    }
    // Another spelling is the same name.
    throttled(ground.tries(" ALICE ", PASSWORD).await);
}

#[tokio::test]
async fn each_further_wrong_guess_waits_twice_as_long_and_a_right_one_begins_anew() {
    let ground = Ground::new().await;
    ground.has("alice").await;
    for _ in 0..4 {
        assert_eq!(ground.tries("alice", "wrong horse battery").await, Attempt::Wrong);
    }
    let mut at = Lifetime(0);
    for wait in [30, 60, 120] {
        assert_eq!(ground.tries("alice", "wrong horse battery").await, Attempt::Wrong);
        at = Lifetime(at.0 + wait);
        assert_eq!(throttled(ground.tries("alice", PASSWORD).await), at);
        ground.clock.advance(Lifetime(wait));
    }
    welcomed(ground.tries("alice", PASSWORD).await);
    for _ in 0..5 {
        assert_eq!(ground.tries("alice", "wrong horse battery").await, Attempt::Wrong);
    }
    throttled(ground.tries("alice", PASSWORD).await);
}

#[tokio::test]
async fn what_was_guessed_yesterday_is_forgotten() {
    let ground = Ground::new().await;
    for _ in 0..4 {
        assert_eq!(ground.tries("alice", "wrong horse battery").await, Attempt::Wrong);
    }
    ground.clock.advance(Lifetime::days(1));
    for _ in 0..5 {
        assert_eq!(ground.tries("alice", "wrong horse battery").await, Attempt::Wrong);
    }
    throttled(ground.tries("alice", "wrong horse battery").await);
}

#[tokio::test]
async fn a_restart_forgets_no_guess() {
    let url = crate::world::database_url().await;
    let opened = async || Ground::on(Store::open(&url).await.unwrap());
    let ground = opened().await;
    for _ in 0..5 {
        assert_eq!(ground.tries("alice", "wrong horse battery").await, Attempt::Wrong);
    }
    ground.store.close().await;
    throttled(opened().await.tries("alice", "wrong horse battery").await);
}

#[tokio::test]
async fn parallel_guesses_do_not_slip_through_together() {
    let ground = Arc::new(Ground::new().await);
    ground.has("alice").await;
    let before = ground.passwords.runs();
    let mut guesses = JoinSet::new();
    for _ in 0..40 {
        let ground = ground.clone();
        guesses.spawn(async move { ground.tries("alice", "wrong horse battery").await });
    }
    let attempts = guesses.join_all().await;
    assert_eq!(attempts.iter().filter(|attempt| **attempt == Attempt::Wrong).count(), 5);
    assert_eq!(ground.passwords.runs() - before, 5);
}

#[tokio::test]
async fn one_address_block_cannot_spray_over_many_names() {
    let ground = Ground::new().await;
    ground.has("alice").await;
    for count in 0..50 {
        let address = format!("192.0.2.{count}");
        let name = format!("victim{count}");
        assert_eq!(ground.tries_from(&address, &name, "wrong horse battery", None).await, Attempt::Wrong);
    }
    assert_eq!(throttled(ground.tries_from("192.0.2.200", "alice", PASSWORD, None).await), Lifetime(30));
    welcomed(ground.tries_from("192.0.3.1", "alice", PASSWORD, None).await);
}

#[tokio::test]
async fn a_right_password_gives_an_address_block_only_its_own_try_back() {
    let ground = Ground::new().await;
    ground.has("mallory").await;
    for count in 0..49 {
        assert_eq!(ground.tries(&format!("victim{count}"), "wrong horse battery").await, Attempt::Wrong);
    }
    // The fiftieth try is right: neither does it block, nor does it win a try for another guess.
    welcomed(ground.tries("mallory", PASSWORD).await);
    welcomed(ground.tries("mallory", PASSWORD).await);
    assert_eq!(ground.tries("victim", "wrong horse battery").await, Attempt::Wrong);
    throttled(ground.tries("mallory", PASSWORD).await);
}

#[tokio::test]
async fn nobody_can_lock_a_user_out_of_a_browser_they_have_used() {
    let ground = Ground::new().await;
    let alice = ground.has("alice").await;
    let laptop = ground.remembers(&alice, None).await;
    for _ in 0..5 {
        ground.tries("alice", "wrong horse battery").await;
    }
    throttled(ground.tries("alice", PASSWORD).await);
    welcomed(ground.tries_from("192.0.2.1", "alice", PASSWORD, Some(&laptop)).await);
    // It helps with no other account, and the block for strangers stands.
    let made_up = PlainSecret::new("lkd_made_up");
    throttled(ground.tries_from("192.0.2.1", "alice", PASSWORD, Some(&made_up)).await);
    ground.has("bob").await;
    for _ in 0..5 {
        ground.tries("bob", "wrong horse battery").await;
    }
    throttled(ground.tries_from("192.0.2.1", "bob", PASSWORD, Some(&laptop)).await);
}

#[tokio::test]
async fn a_known_browser_has_tries_of_its_own_and_not_endlessly_many() {
    let ground = Ground::new().await;
    let alice = ground.has("alice").await;
    let laptop = ground.remembers(&alice, None).await;
    for _ in 0..10 {
        let attempt = ground.tries_from("192.0.2.1", "alice", "wrong horse battery", Some(&laptop)).await;
        assert_eq!(attempt, Attempt::Wrong);
    }
    assert_eq!(
        throttled(ground.tries_from("192.0.2.1", "alice", PASSWORD, Some(&laptop)).await),
        Lifetime(30),
        "a stolen laptop does not guess for ever"
    );
    welcomed(ground.tries("alice", PASSWORD).await);
}

#[tokio::test]
async fn a_known_browser_gets_a_new_cookie_at_each_login_and_keeps_the_people_it_knows() {
    let ground = Ground::new().await;
    let (alice, bob) = (ground.has("alice").await, ground.has("bob").await);
    let first = ground.remembers(&alice, None).await;
    let second = ground.remembers(&bob, Some(&first)).await;
    assert!(ground.knows(&alice, &second).await && ground.knows(&bob, &second).await);
    assert!(!ground.knows(&alice, &first).await, "a planted cookie is worth nothing once it has been used");
    ground.clock.advance(devices::KNOWN_FOR);
    assert!(!ground.knows(&alice, &second).await);
}

#[tokio::test]
async fn only_the_newest_browsers_of_a_user_are_known() {
    let ground = Ground::new().await;
    let alice = ground.has("alice").await;
    let first = ground.remembers(&alice, None).await;
    for _ in 0..20 {
        ground.clock.advance(Lifetime(1));
        ground.remembers(&alice, None).await;
    }
    assert!(!ground.knows(&alice, &first).await);
}

#[tokio::test]
async fn an_operator_lets_a_throttled_user_in() {
    let ground = Ground::new().await;
    let alice = ground.has("alice").await;
    for name in ["alice", "alice@example.com"] {
        for _ in 0..5 {
            ground.tries(name, "wrong horse battery").await;
        }
        throttled(ground.tries(name, PASSWORD).await);
    }
    accounts::unlock(&ground.store, &alice).await.unwrap();
    welcomed(ground.tries("alice", PASSWORD).await);
    welcomed(ground.tries("alice@example.com", PASSWORD).await);
}

#[tokio::test]
async fn a_flood_of_logins_is_told_to_come_back_while_a_known_browser_signs_in() {
    let mut ground = Ground::new().await;
    ground.passwords = Passwords::sized(1, 1, 2);
    let alice = ground.has("alice").await;
    let laptop = ground.remembers(&alice, None).await;
    let held = ground.passwords.turn(accounts::Queue::Strangers).await.unwrap();
    let waiting = [(); 2].map(|()| {
        let passwords = ground.passwords.clone();
        tokio::spawn(async move { passwords.turn(accounts::Queue::Strangers).await.map(drop) })
    });
    tokio::task::yield_now().await;
    let password = PlainSecret::new(PASSWORD);
    let credentials =
        Credentials { username: "alice", password: &password, address: "192.0.2.1".parse().unwrap(), device: None };
    let refused = accounts::sign_in(&ground.store, &ground.passwords, credentials, NOW, &ground.random).await;
    assert!(matches!(refused, Err(Error::Refused(refusal)) if refusal.code == ErrorCode::TemporarilyUnavailable));
    welcomed(ground.tries_from("192.0.2.1", "alice", PASSWORD, Some(&laptop)).await);
    drop(held);
    for waiting in waiting {
        waiting.await.unwrap().unwrap();
    }
    welcomed(ground.tries("alice", PASSWORD).await);
}

#[tokio::test]
async fn housekeeping_deletes_what_has_expired_and_nothing_else() {
    let ground = Ground::new().await;
    let alice = ground.has("alice").await;
    let old = ground.remembers(&alice, None).await;
    ground.tries("alice", "wrong horse battery").await;
    ground.clock.advance(devices::KNOWN_FOR);
    let new = ground.remembers(&alice, None).await;
    ground.tries("alice", "wrong horse battery").await;
    let mut tx = ground.store.write().await.unwrap();
    assert_eq!(known_devices::forget(&mut tx, ground.now().0 + 1, 100).await.unwrap(), 1);
    // The counters of that time have been begun anew; nothing is left to delete.
    assert_eq!(login_failures::forget(&mut tx, ground.now().0, 100).await.unwrap(), 0);
    assert_eq!(login_failures::forget(&mut tx, (ground.now() + Lifetime::days(2)).0, 1).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert!(ground.knows(&alice, &new).await && !ground.knows(&alice, &old).await);
}

/// Eight sign-ins at once, on as many threads as the server likes.
#[test]
#[cfg(target_os = "linux")]
fn the_memory_that_passwords_take_to_be_hashed_is_given_back() {
    let place = Place::new();
    let serving = place.serve(&[]);
    let (main, pid) = (serving.main, serving.pid());
    let held = || {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the server runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line on memory");
        line.trim().trim_end_matches(" kB").parse::<i64>().expect("a number of KiB")
    };
    let try_to_sign_in = move |name: usize| {
        let page = get(main, "/login", "");
        let cookie =
            page.header("set-cookie").and_then(|cookie| cookie.split(';').next()).expect("a session").to_owned();
        let csrf = crate::world::field(&page.body, "csrf").expect("a token");
        let form = format!("csrf={csrf}&username=name{name}&password=not+this+one");
        post(main, "/login", &format!("Cookie: {cookie}\r\n"), &form).expect("an answer")
    };
    drop(try_to_sign_in(0));
    let before = held();
    let tries: Vec<_> = (1..9).map(|name| std::thread::spawn(move || try_to_sign_in(name))).collect();
    for attempt in tries {
        let page = attempt.join().expect("no panic");
        assert!(page.body.contains("role=\"alert\""), "{page:?}");
    }
    assert!(held() - before < 19 * 1024, "{} KiB more than the {before} before", held() - before);
}
