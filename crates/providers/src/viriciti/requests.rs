//! The wire: `POST {base}/api/v2/state`, some vehicles a request, and `GET {base}/api/v1/my/assets`.

use std::collections::BTreeMap;

use domain::ids::ExternalId;
use domain::polling::PollError;
use reqwest::RequestBuilder;
use reqwest::header::HeaderValue;
use secrecy::ExposeSecret;

use super::label::Label;
use crate::account::AccountClient;

/// The name of the header that carries the key: an address, where the key could be as well, is written into logs
/// on its way.
const KEY_HEADER: &str = "x-api-key";

/// Fetches the last values of these vehicles: an object by vehicle and label.
pub(super) async fn fetch_state(
    client: &AccountClient<'_>,
    vehicles: &[ExternalId],
) -> Result<Vec<u8>, PollError> {
    let labels: Vec<_> = Label::polled().map(|(label, _)| label.name).collect();
    let asked: BTreeMap<_, _> = vehicles
        .iter()
        .map(|vehicle| (vehicle.as_str(), &labels))
        .collect();
    fetch(client, || client.post(&["api", "v2", "state"]).json(&asked)).await
}

/// Fetches the list of vehicles that the key may see.
pub(super) async fn fetch_assets(client: &AccountClient<'_>) -> Result<Vec<u8>, PollError> {
    fetch(client, || client.get(&["api", "v1", "my", "assets"])).await
}

async fn fetch(
    client: &AccountClient<'_>,
    request: impl Fn() -> RequestBuilder,
) -> Result<Vec<u8>, PollError> {
    let key = client.credential().key()?.expose_secret();
    let mut key = HeaderValue::from_bytes(key.as_bytes())
        .expect("a credential is one line of text without control characters");
    // Keeps the key out of logs that print headers.
    key.set_sensitive(true);
    let body = client.fetch(|| request().header(KEY_HEADER, key.clone()));
    Ok(body.await?)
}
