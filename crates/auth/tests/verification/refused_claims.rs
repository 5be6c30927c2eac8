//! Well-signed tokens that say something that is not accepted.

use auth::InvalidReason::{
    Audience, Claims, Client, Expired, IssuedInFuture, Issuer, NotYetValid, TokenUse,
};
use serde_json::{Value, json};

use crate::issuer::{
    CLIENT, FIRST, ISSUER, NOW, World, header, machine, person, signed, token, with,
};

#[tokio::test]
async fn each_claim_has_its_rule() {
    let world = World::new().await;
    let other_pool = ISSUER.replace("Pool00001", "Pool00002");
    let cases = [
        ("exp", json!(NOW - 30), Expired),
        ("exp", json!(NOW - 3600), Expired),
        ("exp", json!(0), Expired),
        ("exp", Value::Null, Claims),
        ("exp", json!(format!("{}", NOW + 3600)), Claims),
        ("exp", json!(1_793_624_400.5), Claims),
        ("exp", json!(1_793_624_400.0), Claims),
        ("exp", json!(-1), Claims),
        ("exp", json!(253_402_300_800_i64), Claims),
        ("exp", json!(u64::MAX), Claims),
        ("exp", json!(1e300), Claims),
        ("exp", json!(true), Claims),
        ("exp", json!([NOW + 3600]), Claims),
        ("nbf", json!(NOW + 31), NotYetValid),
        ("nbf", json!("soon"), Claims),
        ("nbf", json!(-5), Claims),
        ("iat", json!(NOW + 61), IssuedInFuture),
        ("iat", json!(0.5), Claims),
        ("iss", json!(other_pool), Issuer),
        (
            "iss",
            json!(ISSUER.replace("eu-central-1", "us-east-1")),
            Issuer,
        ),
        ("iss", json!(format!("{ISSUER}/")), Issuer),
        ("iss", json!(ISSUER.replace("https", "http")), Issuer),
        ("iss", json!(ISSUER.to_uppercase()), Issuer),
        ("iss", Value::Null, Claims),
        ("iss", json!([ISSUER]), Claims),
        ("iss", json!(""), Claims),
        ("token_use", json!("id"), TokenUse),
        ("token_use", json!("Access"), TokenUse),
        ("token_use", json!(["access"]), TokenUse),
        ("token_use", Value::Null, TokenUse),
        ("client_id", json!("another-client"), Client),
        ("client_id", json!(CLIENT.to_uppercase()), Client),
        ("client_id", json!(format!("{CLIENT} ")), Client),
        ("client_id", json!([CLIENT]), Claims),
        ("client_id", Value::Null, Claims),
        ("username", json!(""), Claims),
        ("username", json!(7), Claims),
    ];
    for (name, value, reason) in cases {
        let case = format!("{name}: {value}");
        world
            .refuses(&token(&with(machine(), name, value)), reason, &case)
            .await;
    }
    assert!(
        world.verify(&token(&machine())).await.is_ok(),
        "unchanged it is accepted"
    );
}

#[tokio::test]
async fn a_claim_that_is_null_is_not_a_claim_that_is_missing() {
    let world = World::new().await;
    for (name, reason) in [
        ("exp", Claims),
        ("nbf", Claims),
        ("aud", Audience),
        ("username", Claims),
    ] {
        let mut claims = machine();
        claims[name] = Value::Null;
        let token = signed(&header().to_string(), &claims.to_string(), &FIRST);
        world.refuses(&token, reason, name).await;
    }
}

#[tokio::test]
async fn a_person_without_a_subject_cannot_be_named() {
    let world = World::new().await;
    for subject in [Value::Null, json!(""), json!(1)] {
        let claims = with(person(&["support"]), "sub", subject.clone());
        world
            .refuses(&token(&claims), Claims, &subject.to_string())
            .await;
    }
}

#[tokio::test]
async fn an_audience_that_is_not_us_is_refused() {
    let configured = World::with_audience(Some("urn:bf:telematics")).await;
    let not_configured = World::new().await;
    for audience in [
        json!("urn:other"),
        json!(["urn:other"]),
        json!("urn:bf:telematics/"),
        json!("URN:BF:TELEMATICS"),
        json!([]),
        json!(""),
        json!(1),
        json!({"aud": "urn:bf:telematics"}),
        json!(["urn:bf:telematics", 1]),
    ] {
        let token = token(&with(machine(), "aud", audience.clone()));
        configured
            .refuses(&token, Audience, &format!("configured: {audience}"))
            .await;
        not_configured
            .refuses(&token, Audience, &format!("not configured: {audience}"))
            .await;
    }
    let of_the_client = token(&with(machine(), "aud", CLIENT));
    configured
        .refuses(&of_the_client, Audience, "configured: the client")
        .await;
    let with_others = token(&with(machine(), "aud", json!([CLIENT, "urn:other"])));
    not_configured
        .refuses(
            &with_others,
            Audience,
            "not configured: the client and others",
        )
        .await;
}

#[tokio::test]
async fn an_empty_allow_list_lets_nobody_in() {
    let world = World::with_clients(&[], None).await;
    world.refuses(&token(&machine()), Client, "a machine").await;
    world
        .refuses(&token(&person(&["system-admin"])), Client, "a person")
        .await;
    let blank = World::with_clients(&["", CLIENT], None).await;
    blank
        .refuses(
            &token(&with(machine(), "client_id", "")),
            Claims,
            "a blank client",
        )
        .await;
}

#[tokio::test]
async fn an_id_token_is_no_access_token() {
    let world = World::new().await;
    let id_token = json!({
        "iss": ISSUER, "sub": "9f6c2c1e-0001", "aud": CLIENT, "token_use": "id",
        "cognito:username": "ada", "cognito:groups": ["system-admin"], "email": "ada@example.com",
        "auth_time": NOW, "iat": NOW, "exp": NOW + 3600,
    });
    world
        .refuses(&token(&id_token), TokenUse, "as Cognito makes it")
        .await;
}
