//! Tokens of a real OIDC provider: client credentials, as machines get them.

use std::path::Path;
use std::process::Command;

use reqwest::Url;
use serde_json::Value;
use testkit::{a_device, a_workspace};

use crate::client::client;
use crate::issuer::{Issuer, installed};
use crate::serve::{Serve, Trust};

/// Given as text and not as a file, so that its imports are found where the packages are.
const SCRIPT: &str = include_str!("../../issuers/oidc/issuer.mjs");
const AUDIENCE: &str = "urn:bf:telematics";
const NORTH: &str = "depot-north";

/// Starts the provider with these keys, of which the first signs; port 0 is a free one.
fn provider(place: &Path, keys: &Path, port: &str, names: &[&str]) -> Issuer {
    let mut command = Command::new(place.join("node"));
    command
        .current_dir(place)
        .args(["--input-type=module", "--eval", SCRIPT])
        .arg(keys)
        .arg(port)
        .args(names);
    Issuer::start(&mut command, "listens on ")
}

/// A token by the client-credentials grant.
async fn token(provider: &Issuer, client_id: &str, wanted: &[(&str, &str)]) -> String {
    let fields = [&[("grant_type", "client_credentials")], wanted].concat();
    // A query and a form are written alike.
    let form = Url::parse_with_params(&provider.url, fields).expect("a URL");
    let answer = client()
        .post(format!("{}/token", provider.url))
        .basic_auth(client_id, Some(format!("secret-of-{client_id}")))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form.query().unwrap_or_default().to_owned())
        .send()
        .await
        .expect("an answer");
    let granted: Value = answer.json().await.expect("JSON");
    let token = granted["access_token"].as_str();
    token
        .unwrap_or_else(|| panic!("no token in {granted}"))
        .to_owned()
}

async fn serve(provider: &Issuer) -> Serve {
    let trust = Trust {
        issuer: "http://oidc.test",
        jwks_url: &format!("{}/jwks", provider.url),
        client_ids: &["depot"],
        audience: Some(AUDIENCE),
    };
    Serve::start(a_workspace(NORTH).with(a_device("bus-1")), &trust).await
}

#[tokio::test]
#[ignore = "needs the issuer that .ci/install-issuers installs"]
async fn a_machine_may_do_what_its_scopes_say() {
    let place = installed("oidc");
    let keys = tempfile::tempdir().expect("a directory");
    let provider = provider(&place, keys.path(), "0", &["old"]);
    let serve = serve(&provider).await;

    let ingest = token(&provider, "depot", &[("scope", "telematics/ingest")]).await;
    let (status, answer) = serve.ingest(&ingest, NORTH).await;
    assert_eq!((status, &answer["summary"]["accepted"]), (200, &1.into()));
    assert_eq!(serve.get(&ingest, "/workspaces").await.0, 403);

    let read = token(&provider, "depot", &[("scope", "telematics/read")]).await;
    let (status, answer) = serve.get(&read, "/workspaces").await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["workspaces"][0]["workspace_id"], NORTH);
    assert_eq!(serve.ingest(&read, NORTH).await.0, 403);

    let both = [("scope", "telematics/read telematics/ingest")];
    let both = token(&provider, "depot", &both).await;
    assert_eq!(serve.get(&both, "/workspaces").await.0, 200);
    assert_eq!(serve.ingest(&both, NORTH).await.0, 200);

    // Of scopes that it does not know, this provider grants none and says nothing.
    let none = token(&provider, "depot", &[("scope", "telematics/everything")]).await;
    let (status, answer) = serve.get(&none, "/workspaces").await;
    assert_eq!(
        (status, &answer["type"]),
        (403, &"/problems/forbidden".into())
    );
}

#[tokio::test]
#[ignore = "needs the issuer that .ci/install-issuers installs"]
async fn a_token_for_somebody_else_is_refused() {
    let place = installed("oidc");
    let keys = tempfile::tempdir().expect("a directory");
    let provider = provider(&place, keys.path(), "0", &["old"]);
    let serve = serve(&provider).await;
    let scope = ("scope", "telematics/read");
    let for_billing = [scope, ("resource", "urn:bf:billing")];
    for (case, token) in [
        ("client", token(&provider, "stranger", &[scope]).await),
        ("audience", token(&provider, "depot", &for_billing).await),
    ] {
        let (status, answer) = serve.get(&token, "/workspaces").await;
        assert_eq!(status, 401, "another {case}: {answer}");
    }
    let ours = [scope, ("resource", AUDIENCE)];
    let ours = token(&provider, "depot", &ours).await;
    assert_eq!(serve.get(&ours, "/workspaces").await.0, 200);
}

#[tokio::test]
#[ignore = "needs the issuer that .ci/install-issuers installs"]
async fn a_new_key_counts_as_soon_as_it_signs() {
    let place = installed("oidc");
    let keys = tempfile::tempdir().expect("a directory");
    let scope = [("scope", "telematics/read")];
    let before = provider(&place, keys.path(), "0", &["old"]);
    let serve = serve(&before).await;
    let old = token(&before, "depot", &scope).await;
    assert_eq!(serve.get(&old, "/workspaces").await.0, 200);

    let port = before.port().to_owned();
    before.stop();
    assert_eq!(
        serve.get(&old, "/workspaces").await.0,
        200,
        "while the provider is down"
    );
    let after = provider(&place, keys.path(), &port, &["new", "old"]);
    let new = token(&after, "depot", &scope).await;
    assert_eq!(serve.get(&new, "/workspaces").await.0, 200);
    assert_eq!(
        serve.get(&old, "/workspaces").await.0,
        200,
        "its key is still published"
    );
}
