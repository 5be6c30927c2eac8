//! Types of parameters. How a text is read, what a refusal says and what the document says are declared together.

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

/// A type whose values parameters have.
pub trait ParameterValue: Sized {
    /// Reads the decoded text of a parameter; `None` if it is not a value of the type.
    fn parse(text: &str) -> Option<Self>;

    /// Says what the text must be, as a refusal puts it.
    fn rule() -> Cow<'static, str>;

    /// Describes the texts that can be parsed.
    fn schema() -> RefOr<Schema>;
}

/// Builds the schema of a text that is one of some words.
pub fn words_schema<'w>(words: impl IntoIterator<Item = &'w str>) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(words))
}

/// Writes the rule of a text that is one of some words.
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

/// A time needs an offset. What is finer than a microsecond is cut off, as at every edge.
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
