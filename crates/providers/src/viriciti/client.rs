//! The wire: `POST {base}/api/v2/state`, some vehicles a request.

use std::collections::BTreeMap;

use domain::ids::ExternalId;
use reqwest::header::HeaderValue;
use secrecy::ExposeSecret;

use super::label::Label;
use crate::fetch::{FetchError, Fetched};
use crate::session::Session;

/// The key goes into a header: what is in an address is written into logs on its way.
const KEY: &str = "x-api-key";

/// The last values of these vehicles, an object by vehicle and label.
pub(super) async fn state(
    session: &Session<'_>,
    vehicles: &[ExternalId],
) -> Result<Fetched, FetchError> {
    let labels: Vec<_> = Label::polled().map(|(label, _)| label.name).collect();
    let asked: BTreeMap<_, _> = vehicles
        .iter()
        .map(|vehicle| (vehicle.as_str(), &labels))
        .collect();
    let mut key = HeaderValue::from_str(session.key.expose_secret())
        .expect("a credential is one line of text without control characters");
    // Whoever writes headers into a log leaves this one out.
    key.set_sensitive(true);
    let url = session.url(&["api", "v2", "state"]);
    session
        .fetch(|| {
            let request = session.http.post(url.clone()).json(&asked);
            request.header(KEY, key.clone())
        })
        .await
}
