//! The HTTP client of all stories.

use reqwest::Client;

use crate::running::PATIENCE;

/// Returns a client that gives up on an answer only when the story has failed.
pub fn client() -> Client {
    let client = Client::builder().timeout(PATIENCE).build();
    client.expect("a client")
}
