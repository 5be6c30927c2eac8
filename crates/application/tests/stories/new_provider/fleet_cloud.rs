//! A provider that the product does not have: all that a new one needs is here and in a line of the registry.
//!
//! It logs in with a client id and secret, hands out what has changed by two feeds, and sends records as messages.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use domain::fleet::ProviderType;
use domain::polling::{ErrorClass, Feed, FeedCursor, PollError};
use domain::signals::{DropReason, Signal};
use providers::{
    AccountClient, AccountRate, Capabilities, Coverage, CredentialKind, FeedPosition,
    Interpretation, InvalidSetting, ListedVehicle, NewSession, PollAnswer, PollRequest, Provider,
    ProviderReading, SessionCallError, Settings, Uninterpretable, parse_external_id, parse_message,
    parse_page, parse_signal,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The provider. It has no type of its own in the product, and stands in the place of one without a client.
#[derive(Debug)]
pub struct FleetCloud;

pub const TYPE: ProviderType = ProviderType::Geotab;

const FEEDS: [Feed; 2] = [
    Feed {
        name: "movement",
        restart_after: TimeDelta::hours(1),
    },
    Feed {
        name: "energy",
        restart_after: TimeDelta::hours(1),
    },
];

#[derive(Deserialize)]
struct Token {
    access_token: SecretString,
    expires_in_seconds: i64,
}

#[derive(Deserialize)]
struct FeedPage {
    records: Vec<Box<RawValue>>,
    cursor: String,
    more: bool,
}

#[derive(Deserialize)]
struct Record {
    vehicle: String,
    signal: String,
    value: Box<RawValue>,
    time: DateTime<Utc>,
}

#[derive(Deserialize)]
struct Vehicle {
    id: String,
    vin: String,
}

#[async_trait]
impl Provider for FleetCloud {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            provider_type: TYPE,
            polls: true,
            streams: true,
            credential: CredentialKind::Client,
            account_rate: Some(AccountRate::per_minute(6_000, 100)),
        }
    }

    fn check_settings(&self, settings: &Settings) -> Result<(), InvalidSetting> {
        match settings.get("region") {
            None => Ok(()),
            Some(region) if region == "eu" || region == "us" => Ok(()),
            Some(_) => Err(InvalidSetting {
                member: "region",
                rule: "must be eu or us",
            }),
        }
    }

    fn feeds(&self, _settings: &Settings) -> Vec<Feed> {
        FEEDS.to_vec()
    }

    async fn poll(
        &self,
        client: &AccountClient<'_>,
        request: &PollRequest<'_>,
        answer: &mut PollAnswer,
    ) -> Result<(), PollError> {
        let mut is_from_start = true;
        for feed in FEEDS {
            let cursor = request.cursors.get(feed.name);
            is_from_start &= cursor.is_none();
            read_feed(client, feed, cursor, answer).await?;
        }
        if is_from_start {
            answer.coverage = Coverage::AllVehicles;
        }
        Ok(())
    }

    fn interpret(&self, message: &str) -> Interpretation {
        match read_record(message) {
            Ok(reading) => Interpretation::Readings(vec![reading]),
            Err(malformed) => malformed.into(),
        }
    }

    async fn check(
        &self,
        client: &AccountClient<'_>,
        _request: &PollRequest<'_>,
    ) -> Result<Vec<ListedVehicle>, PollError> {
        let body = fetch(client, &["vehicles"], None).await?;
        let vehicles: Vec<Vehicle> = parse_page(&body)?;
        let listed = vehicles.into_iter().filter_map(|Vehicle { id, vin }| {
            Some(ListedVehicle {
                external_id: parse_external_id(&id).ok()?,
                vin: Some(vin),
                name: None,
            })
        });
        Ok(listed.collect())
    }
}

/// Reads one feed from a cursor to its end. Each page that came counts, whatever becomes of the next.
async fn read_feed(
    client: &AccountClient<'_>,
    feed: Feed,
    from: Option<&FeedCursor>,
    answer: &mut PollAnswer,
) -> Result<(), PollError> {
    let mut cursor = from.cloned();
    for _ in 0..client.max_pages() {
        let body = fetch(client, &["feeds", feed.name], cursor.as_ref()).await?;
        let page: FeedPage = parse_page(&body)?;
        for record in &page.records {
            match read_record(record.get()) {
                Ok(reading) => answer.add_vehicle(reading.external_id.clone(), [reading]),
                Err(malformed) => answer.add_malformed(malformed.detail),
            }
        }
        let next = FeedCursor::try_new(&page.cursor).map_err(|invalid| PollError {
            class: ErrorClass::InvalidResponse,
            detail: format!("the cursor {invalid}"),
        })?;
        answer.positions.retain(|position| position.feed != feed);
        answer.positions.push(FeedPosition {
            feed,
            cursor: next.clone(),
            is_from_start: from.is_none(),
        });
        if !page.more || !client.has_time_for_another_page() {
            break;
        }
        cursor = Some(next);
    }
    Ok(())
}

/// Fetches a page in the account's session.
async fn fetch(
    client: &AccountClient<'_>,
    path: &[&str],
    cursor: Option<&FeedCursor>,
) -> Result<Vec<u8>, PollError> {
    let cursor = cursor.map(|cursor| ("cursor", cursor.as_str()));
    client
        .with_session(
            || log_in(client),
            |session| async move {
                let token = session.secret().expose_secret();
                let request = || client.get(path).query(&cursor.map(|cursor| [cursor]));
                let page = client.fetch(|| request().bearer_auth(token));
                page.await.map_err(SessionCallError::of_status)
            },
        )
        .await
}

async fn log_in(client: &AccountClient<'_>) -> Result<NewSession, PollError> {
    let credential = client.credential().client()?;
    let request = || {
        let secret = credential.secret.expose_secret();
        client
            .post(&["token"])
            .basic_auth(&credential.id, Some(secret))
    };
    let token: Token = parse_page(&client.fetch(request).await?)?;
    Ok(NewSession {
        secret: token.access_token,
        lasts: TimeDelta::seconds(token.expires_in_seconds),
    })
}

fn read_record(text: &str) -> Result<ProviderReading, Uninterpretable> {
    let record: Record = parse_message(text)?;
    let external_id = parse_external_id(&record.vehicle)?;
    let parsed = Signal::named(&record.signal)
        .ok_or(DropReason::UnknownSignal)
        .and_then(|signal| Ok(parse_signal(signal, &record.value)?.map(|value| (signal, value))));
    let mut reading = ProviderReading::new(external_id, Some(record.time));
    reading.add_signal(&record.signal, parsed);
    Ok(reading)
}
