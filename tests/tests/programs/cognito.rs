//! Tokens of an emulated Amazon Cognito: a user pool's people, who sign in by password.

use std::process::Command;

use serde_json::{Value, json};
use testkit::{a_device, a_workspace};

use crate::client::client;
use crate::issuer::{Issuer, installed};
use crate::serve::{Serve, Trust};

const SERVE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/issuers/cognito/serve.py");
/// The emulator tells service and region by it, and does not look at the rest.
const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/cognito-idp/aws4_request, SignedHeaders=host, Signature=0";
const PASSWORD: &str = "Correct-horse-9";
const NORTH: &str = "depot-north";

/// Starts the emulator on this port; port 0 is a free one.
pub fn emulator(port: &str) -> Issuer {
    let mut command = Command::new(installed("cognito").join("bin/python"));
    command.args(["-u", SERVE, port]);
    Issuer::start(&mut command, "Running on http://127.0.0.1:")
}

/// A user pool with an app client.
pub struct Pool<'a> {
    cognito: &'a Issuer,
    id: String,
    client_id: String,
}

impl<'a> Pool<'a> {
    pub async fn create(cognito: &'a Issuer, name: &str) -> Self {
        let pool = call(cognito, "CreateUserPool", json!({"PoolName": name})).await;
        let id = text(&pool["UserPool"]["Id"]);
        let flows = ["ALLOW_ADMIN_USER_PASSWORD_AUTH"];
        let client = json!({"UserPoolId": id, "ClientName": "web", "ExplicitAuthFlows": flows});
        let client = call(cognito, "CreateUserPoolClient", client).await;
        Self {
            cognito,
            id,
            client_id: text(&client["UserPoolClient"]["ClientId"]),
        }
    }

    pub fn jwks_url(&self) -> String {
        format!("{}/{}/.well-known/jwks.json", self.cognito.url, self.id)
    }

    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    pub fn issuer(&self) -> String {
        format!("https://cognito-idp.eu-west-1.amazonaws.com/{}", self.id)
    }

    /// Somebody in these groups signs in: the access token and the id token.
    pub async fn signs_in(&self, username: &str, groups: &[&str]) -> (String, String) {
        let of_user = |more: Value| {
            let mut body = json!({"UserPoolId": self.id, "Username": username});
            let members = more.as_object().cloned().unwrap_or_default();
            body.as_object_mut().expect("an object").extend(members);
            body
        };
        call(self.cognito, "AdminCreateUser", of_user(json!({}))).await;
        let password = json!({"Password": PASSWORD, "Permanent": true});
        call(self.cognito, "AdminSetUserPassword", of_user(password)).await;
        for group in groups {
            let made = json!({"UserPoolId": self.id, "GroupName": group});
            call(self.cognito, "CreateGroup", made).await;
            let member = of_user(json!({"GroupName": group}));
            call(self.cognito, "AdminAddUserToGroup", member).await;
        }
        let sign_in = json!({
            "UserPoolId": self.id, "ClientId": self.client_id, "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
            "AuthParameters": {"USERNAME": username, "PASSWORD": PASSWORD},
        });
        let answer = call(self.cognito, "AdminInitiateAuth", sign_in).await;
        let tokens = &answer["AuthenticationResult"];
        (text(&tokens["AccessToken"]), text(&tokens["IdToken"]))
    }
}

async fn call(cognito: &Issuer, operation: &str, body: Value) -> Value {
    let target = format!("AWSCognitoIdentityProviderService.{operation}");
    let answer = client()
        .post(&cognito.url)
        .header("authorization", SIGNED)
        .header("x-amz-target", target)
        .header("content-type", "application/x-amz-json-1.1")
        .body(body.to_string())
        .send()
        .await
        .expect("an answer");
    let status = answer.status();
    let text = answer.text().await.expect("a whole answer");
    assert!(status.is_success(), "{operation}: {status} {text}");
    serde_json::from_str(&text).expect("JSON")
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

#[tokio::test]
#[ignore = "needs the issuer that .ci/install-issuers installs"]
async fn people_are_let_in_by_their_groups_and_with_access_tokens_only() {
    let cognito = emulator("0");
    let ours = Pool::create(&cognito, "ours").await;
    let another = Pool::create(&cognito, "another").await;
    let trust = Trust {
        issuer: &ours.issuer(),
        jwks_url: &ours.jwks_url(),
        // Both, so that the other pool's tokens fail by their issuer and by nothing else: the emulator
        // has one key for all pools.
        client_ids: &[&ours.client_id, &another.client_id],
        audience: None,
    };
    let serve = Serve::start(a_workspace(NORTH).with(a_device("bus-1")), &trust).await;
    let health = "/workspaces/depot-north/health";

    let (viewer, id_token) = ours
        .signs_in("vera", &["workspace:depot-north:viewer"])
        .await;
    let (status, answer) = serve.get(&viewer, health).await;
    assert_eq!((status, &answer["workspace_id"]), (200, &NORTH.into()));
    assert_eq!(
        serve.get(&viewer, "/workspaces/depot-south/health").await.0,
        404
    );
    assert_eq!(serve.get(&viewer, "/workspaces").await.0, 403);
    assert_eq!(serve.ingest(&viewer, NORTH).await.0, 403);
    assert_eq!(serve.get(&id_token, health).await.0, 401, "an id token");

    let (admin, _) = ours.signs_in("ada", &["system-admin"]).await;
    assert_eq!(serve.get(&admin, "/workspaces").await.0, 200);
    assert_eq!(
        serve.get(&admin, "/workspaces/depot-north/cutover").await.0,
        200
    );
    assert_eq!(serve.ingest(&admin, NORTH).await.0, 403, "a machine's");

    let (nobody, _) = ours.signs_in("noah", &[]).await;
    assert_eq!(serve.get(&nobody, "/workspaces").await.0, 403);
    assert_eq!(serve.get(&nobody, health).await.0, 404);

    let (foreign, _) = another.signs_in("ada", &["system-admin"]).await;
    assert_eq!(serve.get(&foreign, "/workspaces").await.0, 401);
}
