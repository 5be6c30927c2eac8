//! The page at `/docs`: all of it comes from here.

use crate::service::{Caller, Service};

/// Addresses that the page's elements and its start script name.
fn addresses(text: &str) -> Vec<&str> {
    ["src=\"", "href=\"", "url: \""]
        .iter()
        .flat_map(|before| text.split(before).skip(1))
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

#[tokio::test]
async fn the_page_loads_everything_from_this_service() {
    let service = Service::start().await;
    let page = service.get(Caller::Nobody, "/docs").await;
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    assert!(
        !policy.contains("http") && !policy.contains('*'),
        "{policy}"
    );
    assert!(policy.contains("script-src 'self';"), "{policy}");
    let script = service.get(Caller::Nobody, "/docs/start.js").await.text();
    assert!(
        script.contains("validatorUrl: null"),
        "a badge would come from elsewhere"
    );
    let (page, script) = (page.text(), script);
    let loaded: Vec<&str> = addresses(&page)
        .into_iter()
        .chain(addresses(&script))
        .collect();
    assert_eq!(loaded.len(), 5, "{loaded:?}");
    for address in loaded {
        assert!(
            address.starts_with('/') && !address.starts_with("//"),
            "{address}"
        );
        let answer = service.get(Caller::Nobody, address).await;
        assert_eq!(answer.status, 200, "{address}");
        assert!(!answer.text().is_empty(), "{address}");
    }
}

#[tokio::test]
async fn styles_bring_nothing_from_elsewhere() {
    let service = Service::start().await;
    let styles = service.get(Caller::Nobody, "/docs/swagger-ui.css").await;
    assert_eq!(
        styles.header("content-type"),
        Some("text/css; charset=utf-8")
    );
    let styles = styles.text();
    assert!(!styles.contains("@import"));
    for address in styles.split("url(").skip(1) {
        let address = address.trim_start_matches(['"', '\'']);
        assert!(
            address.starts_with("data:"),
            "{}",
            &address[..40.min(address.len())]
        );
    }
}

#[tokio::test]
async fn only_what_the_page_loads_is_served() {
    let service = Service::start().await;
    for name in [
        "index.html",
        "oauth2-redirect.html",
        "swagger-initializer.js",
        "..%2fstart.js",
        "nope",
    ] {
        let answer = service.get(Caller::Nobody, &format!("/docs/{name}")).await;
        answer.problem(404, "not-found");
    }
}
