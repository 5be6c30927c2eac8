//! The types of query and path parameters. Each declares in one place how its text is parsed, what a refusal says
//! and what the OpenAPI document says.

use std::borrow::Cow;

use chrono::{DateTime, SubsecRound, Utc};
use domain::acceptance::RejectReason;
use domain::events::EventType;
use domain::health::{HealthState, IssueCode, Reason, Responsibility, SignalFreshness};
use domain::ids::{CycleId, DeviceId, ProviderId, SweepId, VehicleId, WorkspaceId};
use domain::signals::Signal;
use serde_json::{Value, json};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{Ref, RefOr};

/// A type of parameter values.
pub trait ParameterValue: Sized {
    /// Parses the decoded text of a parameter; returns `None` if it is not a value of the type.
    fn parse(text: &str) -> Option<Self>;

    /// Returns the rule that the text must follow, in the words of a refusal: "must be …".
    fn rule() -> Cow<'static, str>;

    /// Returns the schema of the texts that can be parsed.
    fn schema() -> RefOr<Schema>;
}

/// Builds the schema of a text that is one of the given words.
pub fn words_schema<'w>(words: impl IntoIterator<Item = &'w str>) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(words))
}

/// Builds the rule of a text that is one of the given words.
pub fn words_rule<'w>(words: impl IntoIterator<Item = &'w str>) -> Cow<'static, str> {
    let words: Vec<&str> = words.into_iter().collect();
    format!("must be one of {}", words.join(" ")).into()
}

macro_rules! named_ids {
    ($($id:ident)+) => {
        $(impl ParameterValue for $id {
            fn parse(text: &str) -> Option<Self> {
                Self::try_new(text).ok()
            }

            fn rule() -> Cow<'static, str> {
                Self::RULE.into()
            }

            fn schema() -> RefOr<Schema> {
                Ref::from_schema_name(stringify!($id)).into()
            }
        })+
    };
}

named_ids! { WorkspaceId DeviceId VehicleId ProviderId }

macro_rules! minted_ids {
    ($($id:ident)+) => {
        $(impl ParameterValue for $id {
            fn parse(text: &str) -> Option<Self> {
                text.parse().ok().map(Self)
            }

            fn rule() -> Cow<'static, str> {
                "must be a UUID".into()
            }

            fn schema() -> RefOr<Schema> {
                Ref::from_schema_name(stringify!($id)).into()
            }
        })+
    };
}

minted_ids! { CycleId SweepId }

macro_rules! vocabularies {
    ($($name:ident: $all:expr;)+) => {
        $(impl ParameterValue for $name {
            fn parse(text: &str) -> Option<Self> {
                Self::parse(text)
            }

            fn rule() -> Cow<'static, str> {
                words_rule($all.iter().map(|word| word.as_str()))
            }

            fn schema() -> RefOr<Schema> {
                words_schema($all.iter().map(|word| word.as_str())).into()
            }
        })+
    };
}

vocabularies! {
    HealthState: HealthState::ALL;
    Reason: Reason::ALL;
    Responsibility: Responsibility::ALL;
    IssueCode: IssueCode::all();
    SignalFreshness: SignalFreshness::ALL;
    RejectReason: RejectReason::ALL;
    EventType: EventType::ALL;
}

impl ParameterValue for Signal {
    fn parse(text: &str) -> Option<Self> {
        Self::named(text)
    }

    fn rule() -> Cow<'static, str> {
        "must be a signal of the catalogue".into()
    }

    fn schema() -> RefOr<Schema> {
        words_schema(Self::all().map(Self::name)).into()
    }
}

impl ParameterValue for bool {
    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn rule() -> Cow<'static, str> {
        "must be true or false".into()
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Boolean).into()
    }
}

/// A time needs an offset. It is truncated to microseconds, as every time that enters the service.
impl ParameterValue for DateTime<Utc> {
    fn parse(text: &str) -> Option<Self> {
        let time = DateTime::parse_from_rfc3339(text).ok()?;
        Some(time.to_utc().trunc_subsecs(6))
    }

    fn rule() -> Cow<'static, str> {
        "must be an RFC 3339 time with an offset".into()
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .examples([json!("2026-11-23T08:00:00Z")])
            .into()
    }
}

/// Builds the schema of a whole number between two limits.
pub fn number_schema(minimum: i64, maximum: i64, example: Value) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(minimum))
        .maximum(Some(maximum))
        .examples([example])
}
