//! Which addresses core may call: a connection's base URL is configuration, and configuration must
//! not reach into our own network.

use reqwest::Url;

/// The rule by which a connection's base URL is accepted.
#[derive(Clone, Debug, Default)]
pub struct AddressPolicy {
    /// The hosts that may be named: exact names in lower case.
    pub allowed_hosts: Vec<String>,
    /// Whether `http` to a loopback address is allowed as well: for the simulator, in `dev` only.
    pub loopback_http: bool,
}

/// Why a base URL is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressRefusal {
    /// The text is not an absolute URL.
    #[error("must be an absolute URL")]
    NotAUrl,
    /// The URL has user information, a query or a fragment.
    #[error("must have no user information, query or fragment")]
    Decorated,
    /// The URL is not https.
    #[error("must be https")]
    NotHttps,
    /// The host is not on the list.
    #[error("must name a host on PROVIDER_ALLOWED_HOSTS")]
    HostNotAllowed,
}

impl AddressPolicy {
    /// Checks a base URL and parses it.
    ///
    /// # Errors
    /// [`AddressRefusal`].
    pub fn check(&self, base_url: &str) -> Result<Url, AddressRefusal> {
        let url = Url::parse(base_url).map_err(|_| AddressRefusal::NotAUrl)?;
        let host = url.host_str().ok_or(AddressRefusal::NotAUrl)?;
        if !url.username().is_empty()
            || url.password().is_some()
            || url.query().is_some()
            || url.fragment().is_some()
        {
            return Err(AddressRefusal::Decorated);
        }
        if self.loopback_http && url.scheme() == "http" && is_loopback(host) {
            return Ok(url);
        }
        if url.scheme() != "https" {
            return Err(AddressRefusal::NotHttps);
        }
        if self
            .allowed_hosts
            .iter()
            .any(|allowed| allowed.eq_ignore_ascii_case(host))
        {
            Ok(url)
        } else {
            Err(AddressRefusal::HostNotAllowed)
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host
            .parse()
            .is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_named_hosts_over_https_and_loopback_only_in_dev() {
        use AddressRefusal::{Decorated, HostNotAllowed, NotAUrl, NotHttps};
        let production = AddressPolicy {
            allowed_hosts: vec!["my.geotab.com".into()],
            loopback_http: false,
        };
        let dev = AddressPolicy {
            loopback_http: true,
            ..production.clone()
        };
        for (url, in_production, in_dev) in [
            ("https://my.geotab.com/apiv1", None, None),
            ("https://MY.GEOTAB.COM:8443", None, None),
            (
                "https://my.geotab.com.evil.example",
                Some(HostNotAllowed),
                Some(HostNotAllowed),
            ),
            (
                "https://169.254.169.254/latest",
                Some(HostNotAllowed),
                Some(HostNotAllowed),
            ),
            (
                "https://user:pass@my.geotab.com",
                Some(Decorated),
                Some(Decorated),
            ),
            (
                "https://my.geotab.com?x=1",
                Some(Decorated),
                Some(Decorated),
            ),
            ("http://my.geotab.com", Some(NotHttps), Some(NotHttps)),
            ("http://127.0.0.1:8090/accounts/a", Some(NotHttps), None),
            ("http://localhost:1", Some(NotHttps), None),
            ("http://[::1]:1", Some(NotHttps), None),
            (
                "http://127.0.0.1.evil.example",
                Some(NotHttps),
                Some(NotHttps),
            ),
            ("file:///etc/passwd", Some(NotAUrl), Some(NotAUrl)),
            ("not a url", Some(NotAUrl), Some(NotAUrl)),
        ] {
            assert_eq!(production.check(url).err(), in_production, "{url}");
            assert_eq!(dev.check(url).err(), in_dev, "{url} in dev");
        }
    }
}
