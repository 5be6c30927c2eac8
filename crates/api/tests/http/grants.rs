//! Well-signed tokens whose scopes and groups look as if they granted something, and do not.
//!
//! Whatever a token says of its caller, it is the access table that is asked, so one read, one write
//! and one trigger stand for all of their kind.

use auth::DEV_CLIENT_ID;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{a_device, a_workspace};

use crate::service::{Caller, ISSUER, NORTH, Service};

const HEALTH: &str = "/workspaces/depot-north/health";
const INGEST: &str = "/workspaces/depot-north/ingest";
const CUTOVER: &str = "/workspaces/depot-north/cutover";

/// A service, and what its callers' tokens say.
struct Tokens {
    service: Service,
}

impl Tokens {
    async fn new() -> Self {
        let (service, _) = Service::with(a_workspace(NORTH).with(a_device("bus-1"))).await;
        Self { service }
    }

    fn claims(&self, more: Value) -> Value {
        let now = self.service.fixture.clock.now().timestamp();
        let mut claims = json!({
            "iss": ISSUER, "client_id": DEV_CLIENT_ID, "sub": DEV_CLIENT_ID, "token_use": "access",
            "version": 2, "jti": "j", "auth_time": now, "iat": now, "exp": now + 3600,
        });
        if let (Value::Object(members), Value::Object(more)) = (&mut claims, more) {
            members.extend(more);
        }
        claims
    }

    /// What a machine whose token says this is answered.
    async fn machine(&self, more: Value, method: &Method, path: &str) -> u16 {
        self.ask(&self.claims(more), method, path).await
    }

    /// What a person whose token says this is answered.
    async fn person(&self, more: Value, method: &Method, path: &str) -> u16 {
        let mut claims = self.claims(more);
        claims["sub"] = "9f6c2c1e-0001".into();
        claims["username"] = "ada".into();
        self.ask(&claims, method, path).await
    }

    async fn ask(&self, claims: &Value, method: &Method, path: &str) -> u16 {
        let token = self.service.signed(claims);
        let call = self.service.call(Caller::Nobody, method, path);
        let call = call.header("authorization", format!("Bearer {token}"));
        // Good enough for whoever may: nothing of it is an item's fault.
        let body = match path {
            INGEST => {
                json!({"updates": [{"device_id": "bus-1", "observed_at": "2026-01-01T00:00:00Z", "signals": {"speed_kmh": 1}}]})
            }
            _ => json!({"workspace_id": NORTH}),
        };
        let answer = if *method == Method::GET {
            call.send().await
        } else {
            call.json(&body).await
        };
        match answer.status {
            401 => drop(answer.problem(401, "unauthorized")),
            403 => drop(answer.problem(403, "forbidden")),
            404 => drop(answer.problem(404, "not-found")),
            _ => {}
        }
        answer.status
    }
}

#[tokio::test]
async fn a_scope_is_granted_by_its_whole_name() {
    let tokens = Tokens::new().await;
    let read = async |scope| {
        let said = json!({"scope": scope});
        tokens.machine(said, &Method::GET, HEALTH).await
    };
    let poll = async |scope| {
        let said = json!({"scope": scope});
        tokens.machine(said, &Method::POST, "/poll-cycles").await
    };
    assert_eq!(read("telematics/read").await, 200);
    assert_eq!(read("openid telematics/read telematics/poll").await, 200);
    assert_eq!(poll("telematics/poll").await, 202);
    for scope in [
        // Another resource server's.
        "billing/read billing/poll",
        "telematics-staging/read telematics-staging/poll",
        // Part of a name, and a name that is part of another.
        "telematics/readx telematics/pollx",
        "xtelematics/read xtelematics/poll",
        "telematics/rea telematics/pol",
        "telematics/ telematics",
        "telematics/*",
        // Without the resource server.
        "read poll",
        // In another case, or nearly the same letters.
        "telematics/Read Telematics/Poll TELEMATICS/READ",
        "t\u{435}lematics/read t\u{435}lematics/poll",
        // Between them is a space and nothing else.
        "telematics/read,telematics/poll",
        "telematics/read\ttelematics/poll",
        "",
    ] {
        assert_eq!(read(scope).await, 403, "{scope:?}");
        assert_eq!(poll(scope).await, 403, "{scope:?}");
    }
}

#[tokio::test]
async fn scopes_of_another_form_than_text_are_none() {
    let tokens = Tokens::new().await;
    for scope in [
        json!(["telematics/read"]),
        json!({"telematics/read": true}),
        json!(true),
        json!(1),
        Value::Null,
    ] {
        let said = json!({"scope": scope});
        let status = tokens.machine(said, &Method::GET, HEALTH).await;
        assert_eq!(status, 403, "{scope}");
    }
    // RFC 8693 has a member of this name elsewhere; ours is `scope`.
    let said = json!({"scp": ["telematics/read"], "scopes": "telematics/read"});
    assert_eq!(tokens.machine(said, &Method::GET, HEALTH).await, 403);
}

#[tokio::test]
async fn a_scope_opens_its_own_routes_only() {
    let tokens = Tokens::new().await;
    for (scope, ingest, poll, read) in [
        ("telematics/ingest", 200, 403, 403),
        ("telematics/poll", 403, 202, 403),
        ("telematics/read", 403, 403, 200),
        ("telematics/sweep telematics/stream", 403, 403, 403),
    ] {
        let said = json!({"scope": scope});
        let post = &Method::POST;
        let at_ingest = tokens.machine(said.clone(), post, INGEST).await;
        let at_poll = tokens.machine(said.clone(), post, "/poll-cycles").await;
        let at_read = tokens.machine(said, &Method::GET, HEALTH).await;
        assert_eq!(
            (at_ingest, at_poll, at_read),
            (ingest, poll, read),
            "{scope}"
        );
    }
}

#[tokio::test]
async fn a_group_is_granted_by_its_whole_name_in_a_list() {
    let tokens = Tokens::new().await;
    let status = async |groups: &Value, path| {
        let said = json!({"cognito:groups": groups});
        tokens.person(said, &Method::GET, path).await
    };
    let admin = json!(["everyone", "system-admin"]);
    assert_eq!(status(&admin, CUTOVER).await, 200);
    assert_eq!(
        status(&json!(["workspace:depot-north:viewer"]), HEALTH).await,
        200
    );
    for groups in [
        json!("system-admin"),
        json!("workspace:depot-north:admin"),
        json!("[\"system-admin\"]"),
        json!([]),
        json!([["system-admin"]]),
        json!([{"name": "system-admin"}]),
        json!({"system-admin": true}),
        json!(["System-Admin", "SYSTEM-ADMIN", "Support"]),
        json!([
            "system-admin ",
            " system-admin",
            "system-admin\u{0}",
            "system_admin"
        ]),
        json!(["system-admin,support", "system-admin support"]),
        json!(["system\u{2010}admin", "syst\u{435}m-admin", "supp\u{43e}rt"]),
        json!([
            "workspace:Depot-North:admin",
            "workspace:depot-north",
            "workspace:*:admin"
        ]),
        json!([
            "workspace:depot-north:owner",
            "workspace:depot-north:admin:x",
            "depot-north:admin"
        ]),
        Value::Null,
    ] {
        // Without a group they may not even know that the workspace is there.
        assert_eq!(status(&groups, HEALTH).await, 404, "{groups}");
        assert_eq!(status(&groups, "/workspaces").await, 403, "{groups}");
    }
    // Another claim than the one that the issuer keeps is anybody's to write.
    for claim in ["groups", "custom:groups", "roles", "cognito:roles"] {
        let said = json!({claim: ["system-admin"]});
        let status = tokens.person(said, &Method::GET, "/workspaces").await;
        assert_eq!(status, 403, "{claim}");
    }
}

#[tokio::test]
async fn a_machine_has_no_groups_and_a_person_no_scopes() {
    let tokens = Tokens::new().await;
    let groups = json!(["system-admin", "workspace:depot-north:admin"]);
    let forged = json!({"scope": "telematics/ingest", "cognito:groups": groups});
    for path in [HEALTH, CUTOVER, "/workspaces"] {
        let status = tokens.machine(forged.clone(), &Method::GET, path).await;
        assert_eq!(status, 403, "{path}");
    }
    assert_eq!(tokens.machine(forged, &Method::POST, INGEST).await, 200);

    let forged = json!({
        "scope": "aws.cognito.signin.user.admin telematics/ingest telematics/poll telematics/read",
        "cognito:groups": ["workspace:depot-north:viewer"],
    });
    for path in [INGEST, "/poll-cycles"] {
        let status = tokens.person(forged.clone(), &Method::POST, path).await;
        assert_eq!(status, 403, "{path}");
    }
    assert_eq!(
        tokens
            .person(forged.clone(), &Method::GET, "/workspaces")
            .await,
        403
    );
    assert_eq!(tokens.person(forged, &Method::GET, HEALTH).await, 200);
}

/// Cognito puts this scope into the token of everybody who signs in.
#[tokio::test]
async fn having_signed_in_grants_nothing() {
    let tokens = Tokens::new().await;
    let said = json!({"scope": "aws.cognito.signin.user.admin"});
    assert_eq!(tokens.person(said.clone(), &Method::GET, HEALTH).await, 404);
    assert_eq!(
        tokens
            .person(said.clone(), &Method::GET, "/workspaces")
            .await,
        403
    );
    assert_eq!(
        tokens.person(said.clone(), &Method::POST, INGEST).await,
        404
    );
    assert_eq!(
        tokens.person(said, &Method::POST, "/poll-cycles").await,
        403
    );
}
