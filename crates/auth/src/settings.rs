//! The settings of a verifier.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use reqwest::Url;

/// The issuer to trust and the app clients to accept, checked on construction.
#[derive(Clone, Debug)]
pub struct VerifierSettings {
    pub(crate) issuer: String,
    pub(crate) jwks_url: Url,
    pub(crate) client_ids: BTreeSet<String>,
    pub(crate) audience: Option<String>,
}

/// The reason why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The issuer is blank.
    #[error("the issuer is blank")]
    BlankIssuer,
    /// The audience is given but blank.
    #[error("the audience is blank; leave it out for none")]
    BlankAudience,
    /// The JWKS address is not a URL.
    #[error("the JWKS URL cannot be read: {0}")]
    UnreadableJwksUrl(String),
    /// The JWKS address is not safe: somebody between here and there could replace the keys.
    #[error("the JWKS URL must be https (http only on loopback) and hold no user name")]
    UnsafeJwksUrl,
    /// The HTTP client could not be made, for want of a TLS backend or root certificates.
    #[error("the HTTP client for the JWKS cannot be made")]
    HttpClient(#[source] reqwest::Error),
}

impl VerifierSettings {
    /// Checks and combines the settings. `issuer` is compared with `iss` character by character. `issuer` and
    /// `jwks_url` are two settings because an emulated Cognito issues under the real name and serves its keys
    /// elsewhere.
    ///
    /// Blank `client_ids` are dropped; if none is left, every token is refused. If there is an `audience`, a
    /// token that has `aud` must contain it there. If there is none, `aud` may only name accepted clients.
    /// Cognito's access tokens have no `aud` unless a resource was asked for.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn try_new<S: Into<String>>(
        issuer: &str,
        jwks_url: &str,
        client_ids: impl IntoIterator<Item = S>,
        audience: Option<&str>,
    ) -> Result<Self, SettingsError> {
        if issuer.trim().is_empty() {
            return Err(SettingsError::BlankIssuer);
        }
        if audience.is_some_and(|audience| audience.trim().is_empty()) {
            return Err(SettingsError::BlankAudience);
        }
        let jwks_url = Url::parse(jwks_url)
            .map_err(|error| SettingsError::UnreadableJwksUrl(error.to_string()))?;
        if !is_safe(&jwks_url) {
            return Err(SettingsError::UnsafeJwksUrl);
        }
        let mut client_ids: BTreeSet<String> = client_ids.into_iter().map(Into::into).collect();
        client_ids.retain(|id| !id.trim().is_empty());
        Ok(Self {
            issuer: issuer.to_owned(),
            jwks_url,
            client_ids,
            audience: audience.map(str::to_owned),
        })
    }
}

fn is_safe(url: &Url) -> bool {
    let transport_is_safe = match url.scheme() {
        "https" => true,
        "http" => is_loopback(url),
        _ => false,
    };
    transport_is_safe && url.username().is_empty() && url.password().is_none()
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let ipv6 = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    host == "localhost"
        || host
            .parse()
            .is_ok_and(|address: Ipv4Addr| address.is_loopback())
        || ipv6.is_some_and(|host| host.parse().is_ok_and(|ip: Ipv6Addr| ip.is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_url(jwks_url: &str) -> Result<VerifierSettings, SettingsError> {
        VerifierSettings::try_new("https://issuer", jwks_url, ["web"], None)
    }

    #[test]
    fn keys_are_fetched_by_https_or_from_this_machine() {
        for url in [
            "https://cognito-idp.eu-central-1.amazonaws.com/pool/.well-known/jwks.json",
            "http://127.0.0.1:8080/dev/jwks.json",
            "http://127.9.9.9/jwks",
            "http://localhost:8080/jwks",
            "http://[::1]:8080/jwks",
        ] {
            assert!(with_url(url).is_ok(), "{url}");
        }
        for url in [
            "http://example.com/jwks",
            "http://localhost.example.com/jwks",
            "http://127.0.0.1.example.com/jwks",
            "http://10.0.0.1/jwks",
            "http://[::2]/jwks",
            "https://user:secret@example.com/jwks",
            "file:///etc/jwks.json",
            "ftp://127.0.0.1/jwks",
        ] {
            assert!(
                matches!(with_url(url), Err(SettingsError::UnsafeJwksUrl)),
                "{url}"
            );
        }
        assert!(matches!(
            with_url("jwks.json"),
            Err(SettingsError::UnreadableJwksUrl(_))
        ));
    }

    #[test]
    fn a_blank_name_is_not_a_name() {
        let url = "https://issuer/jwks";
        let blank_issuer = VerifierSettings::try_new(" ", url, ["web"], None);
        assert!(matches!(blank_issuer, Err(SettingsError::BlankIssuer)));
        let blank_audience = VerifierSettings::try_new("https://issuer", url, ["web"], Some(""));
        assert!(matches!(blank_audience, Err(SettingsError::BlankAudience)));
        let blank_client = VerifierSettings::try_new("https://issuer", url, ["", " "], None);
        assert!(blank_client.expect("usable settings").client_ids.is_empty());
    }
}
