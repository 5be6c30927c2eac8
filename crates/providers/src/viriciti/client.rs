//! The wire: `POST {base}/api/v2/state`, some vehicles a request.

use std::collections::BTreeMap;

use domain::ids::ExternalId;
use reqwest::RequestBuilder;
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
    session.fetch(|| request(session).json(&asked)).await
}

fn request(session: &Session<'_>) -> RequestBuilder {
    session
        .http
        .post(session.url(&["api", "v2", "state"]))
        .header(KEY, session.key.expose_secret().as_bytes())
}
