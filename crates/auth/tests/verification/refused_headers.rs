//! Tokens that are badly made or badly signed.

use auth::InvalidReason::{
    Algorithm, CriticalExtension, Malformed, NoKeyId, Signature, TokenType, TooLong, UnknownKey,
};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
    RsaEncoding,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::issuer::{
    Answer, FIRST, STRANGER, World, base64url, header, jwk, machine, signed, signed_by,
    signed_by_rsa, token, token_with_kid, with,
};

#[tokio::test]
async fn what_is_no_token_is_malformed() {
    let world = World::new().await;
    let good = token(&machine());
    let parts: Vec<&str> = good.split('.').collect();
    let (head, payload, signature) = (parts[0], parts[1], parts[2]);
    let cases = [
        ("empty", String::new()),
        ("one part", head.into()),
        ("two parts", format!("{head}.{payload}")),
        ("four parts", format!("{good}.{signature}")),
        ("only dots", "..".into()),
        ("with its scheme", format!("Bearer {good}")),
        ("a trailing line end", format!("{good}\n")),
        ("padded base64", format!("{head}=.{payload}.{signature}")),
        (
            "base64 that is not url-safe",
            format!("{head}.{payload}.+/{signature}"),
        ),
        (
            "header no JSON",
            signed("{", &machine().to_string(), &FIRST),
        ),
        (
            "header no object",
            signed(r#"["RS256"]"#, &machine().to_string(), &FIRST),
        ),
        (
            "payload no JSON",
            signed(&header().to_string(), "ada", &FIRST),
        ),
        (
            "payload no object",
            signed(&header().to_string(), "[]", &FIRST),
        ),
        (
            "payload with a tail",
            signed(&header().to_string(), &format!("{} 1", machine()), &FIRST),
        ),
        (
            "payload nested absurdly",
            signed(&header().to_string(), &"[".repeat(3000), &FIRST),
        ),
    ];
    for (case, token) in cases {
        world.refuses(&token, Malformed, case).await;
    }
}

#[tokio::test]
async fn a_token_is_at_most_8_kib_long() {
    let world = World::new().await;
    let fits = token(&with(machine(), "filler", "x".repeat(5_000)));
    assert!(fits.len() > 7_000 && fits.len() <= 8_192);
    assert!(world.verify(&fits).await.is_ok());
    let too_long = token(&with(machine(), "filler", "x".repeat(6_000)));
    assert!(too_long.len() > 8_192);
    world.refuses(&too_long, TooLong, "well signed").await;
    world.refuses(&"a".repeat(9_216), TooLong, "rubbish").await;
}

#[tokio::test]
async fn only_rs256_is_an_algorithm() {
    let world = World::new().await;
    for alg in [
        "none", "None", "nOnE", "RS384", "RS512", "PS256", "ES256", "HS256", "rs256", "",
    ] {
        let header = with(header(), "alg", alg).to_string();
        let well_signed = signed(&header, &machine().to_string(), &FIRST);
        world.refuses(&well_signed, Algorithm, alg).await;
        let unsigned = signed_by(&header, &machine().to_string(), |_| Vec::new());
        world.refuses(&unsigned, Algorithm, alg).await;
    }
    for alg in [Value::Null, json!(256), json!(["RS256"])] {
        let header = with(header(), "alg", alg.clone()).to_string();
        let token = signed(&header, &machine().to_string(), &FIRST);
        world.refuses(&token, Algorithm, &alg.to_string()).await;
    }
}

#[tokio::test]
async fn the_public_key_is_no_shared_secret() {
    let world = World::new().await;
    let public = FIRST.public_key();
    let spki = public.as_der().expect("a public key in DER");
    let body = STANDARD.encode(spki.as_ref());
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n");
    let modulus = public.modulus().big_endian_without_leading_zero().to_vec();
    for secret in [
        modulus,
        public.as_ref().to_vec(),
        spki.as_ref().to_vec(),
        pem.into_bytes(),
    ] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        let sign = |message: &[u8]| hmac::sign(&key, message).as_ref().to_vec();
        for (alg, reason) in [("HS256", Algorithm), ("RS256", Signature)] {
            let header = with(header(), "alg", alg).to_string();
            let token = signed_by(&header, &machine().to_string(), sign);
            world.refuses(&token, reason, alg).await;
        }
    }
}

#[tokio::test]
async fn a_good_signature_of_another_kind_does_not_hold() {
    let world = World::new().await;
    let payload = machine().to_string();
    let encodings: [(&str, &'static dyn RsaEncoding); 2] =
        [("PS256", &RSA_PSS_SHA256), ("RS512", &RSA_PKCS1_SHA512)];
    for (alg, encoding) in encodings {
        let token = signed_by_rsa(&header().to_string(), &payload, &FIRST, encoding);
        world.refuses(&token, Signature, "announced as RS256").await;
        let announced = with(header(), "alg", alg).to_string();
        let token = signed_by_rsa(&announced, &payload, &FIRST, encoding);
        world.refuses(&token, Algorithm, alg).await;
    }

    let elliptic = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a P-256 key");
    let point = elliptic.public_key().as_ref();
    let elliptic_jwk = json!({
        "kty": "EC", "crv": "P-256", "kid": "ec", "use": "sig", "alg": "ES256",
        "x": base64url(&point[1..33]), "y": base64url(&point[33..]),
    });
    world.jwks.answers(Answer::Keys(
        json!({"keys": [elliptic_jwk, jwk("first", &FIRST)]}),
    ));
    let sign = |message: &[u8]| {
        let signature = elliptic
            .sign(&SystemRandom::new(), message)
            .expect("a signature");
        signature.as_ref().to_vec()
    };
    for (alg, reason) in [("ES256", Algorithm), ("RS256", UnknownKey)] {
        let header = json!({"alg": alg, "kid": "ec"}).to_string();
        world
            .refuses(&signed_by(&header, &payload, sign), reason, alg)
            .await;
    }
}

#[tokio::test]
async fn a_token_names_its_key_and_that_key_signed_it() {
    let world = World::new().await;
    for kid in [
        Value::Null,
        json!(1),
        json!(["first"]),
        json!(""),
        json!({"kid": "first"}),
    ] {
        let header = with(header(), "kid", kid.clone()).to_string();
        let token = signed(&header, &machine().to_string(), &FIRST);
        world.refuses(&token, NoKeyId, &kid.to_string()).await;
    }
    world
        .refuses(
            &token_with_kid("first", &STRANGER),
            Signature,
            "another key's",
        )
        .await;
    world
        .refuses(
            &token_with_kid("FIRST", &FIRST),
            UnknownKey,
            "the kid in another case",
        )
        .await;
}

#[tokio::test]
async fn no_character_of_a_token_can_be_changed() {
    let world = World::new().await;
    let good = token(&machine());
    assert!(world.verify(&good).await.is_ok());
    for at in 0..good.len() {
        let mut bytes = good.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(bytes).expect("ASCII");
        assert!(world.verify(&altered).await.is_err(), "character {at}");
        assert!(world.verify(&good[..at]).await.is_err(), "cut at {at}");
    }
    assert!(world.verify(&format!("{good}A")).await.is_err());
}

#[tokio::test]
async fn a_payload_cannot_be_moved_under_another_signature() {
    let world = World::new().await;
    let good = token(&machine());
    let richer = token(&with(machine(), "scope", "telematics/sweep"));
    let (message, _) = richer.rsplit_once('.').expect("a token");
    let (_, signature) = good.rsplit_once('.').expect("a token");
    world
        .refuses(&format!("{message}.{signature}"), Signature, "spliced")
        .await;
    world
        .refuses(&format!("{message}."), Signature, "signature taken away")
        .await;
}

#[tokio::test]
async fn a_token_cannot_bring_its_own_key() {
    let world = World::new().await;
    let url = world.jwks.url();
    for (member, value) in [
        ("jwk", jwk("first", &STRANGER)),
        ("jku", url.clone().into()),
        ("x5u", url.into()),
        ("x5c", json!(["MIIB"])),
    ] {
        let header = with(header(), member, value).to_string();
        let token = signed(&header, &machine().to_string(), &STRANGER);
        world.refuses(&token, Signature, member).await;
    }
    assert_eq!(world.jwks.fetches(), 1, "the configured address, once");
}

#[tokio::test]
async fn unknown_demands_and_other_types_are_refused() {
    let world = World::new().await;
    let refused = [
        ("crit", json!(["b64"]), CriticalExtension),
        ("crit", json!([]), CriticalExtension),
        ("crit", json!("exp"), CriticalExtension),
        ("typ", json!("dpop+jwt"), TokenType),
        ("typ", json!("id_token+jwt"), TokenType),
        ("typ", json!(1), TokenType),
    ];
    for (member, value, reason) in refused {
        let case = format!("{member} {value}");
        let header = with(header(), member, value).to_string();
        world
            .refuses(
                &signed(&header, &machine().to_string(), &FIRST),
                reason,
                &case,
            )
            .await;
    }
}

#[tokio::test]
async fn a_member_may_not_come_twice() {
    let world = World::new().await;
    let payload = machine().to_string();
    for header in [
        r#"{"alg":"RS256","alg":"RS256","kid":"first"}"#,
        r#"{"alg":"none","alg":"RS256","kid":"first"}"#,
        r#"{"alg":"RS256","kid":"second","kid":"first"}"#,
    ] {
        world
            .refuses(&signed(header, &payload, &FIRST), Malformed, header)
            .await;
    }
    let open = payload.strip_suffix('}').expect("an object");
    for again in [
        r#""scope":"telematics/sweep""#,
        r#""exp":9999999999"#,
        r#""\u0065xp":9999999999"#,
        r#""x":{"y":1,"y":1}"#,
    ] {
        let token = signed(&header().to_string(), &format!("{open},{again}}}"), &FIRST);
        world.refuses(&token, Malformed, again).await;
    }
}
