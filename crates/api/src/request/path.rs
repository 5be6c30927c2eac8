//! Extractors for the ids in the path of a request.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use domain::ids::{CycleId, DeviceId, ProviderId, SweepId, VehicleId, WorkspaceId};

use super::parameter::ParameterValue;
use crate::problem::{FieldError, Problem};

/// An id that stands in braces in routes.
pub trait PathId: ParameterValue {
    /// The name in the braces, such as `workspace_id`.
    const PARAMETER: &'static str;
}

macro_rules! path_ids {
    ($($id:ident = $parameter:literal;)+) => {
        $(impl PathId for $id {
            const PARAMETER: &'static str = $parameter;
        })+
    };
}

path_ids! {
    WorkspaceId = "workspace_id";
    DeviceId = "device_id";
    VehicleId = "vehicle_id";
    ProviderId = "provider_id";
    CycleId = "cycle_id";
    SweepId = "sweep_id";
}

/// The id of a path that has one.
pub struct Path1<A>(pub A);

/// The ids of a path that has two.
pub struct Path2<A, B>(pub A, pub B);

impl<S: Send + Sync, A: PathId> FromRequestParts<S> for Path1<A> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = decode_path(parts, state).await?;
        Ok(Self(
            parse_id::<A>(&params).map_err(|error| Problem::invalid(vec![error]))?,
        ))
    }
}

impl<S: Send + Sync, A: PathId, B: PathId> FromRequestParts<S> for Path2<A, B> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = decode_path(parts, state).await?;
        match (parse_id::<A>(&params), parse_id::<B>(&params)) {
            (Ok(a), Ok(b)) => Ok(Self(a, b)),
            (a, b) => Err(Problem::invalid(
                a.err().into_iter().chain(b.err()).collect(),
            )),
        }
    }
}

async fn decode_path<S: Send + Sync>(
    parts: &mut Parts,
    state: &S,
) -> Result<RawPathParams, Problem> {
    RawPathParams::from_request_parts(parts, state)
        .await
        .map_err(|_| {
            Problem::invalid(vec![FieldError::parameter(
                "path",
                "must be percent-encoded UTF-8",
            )])
        })
}

fn parse_id<A: PathId>(params: &RawPathParams) -> Result<A, FieldError> {
    let text = params
        .iter()
        .find(|(name, _)| *name == A::PARAMETER)
        .map_or("", |(_, text)| text);
    A::parse(text).ok_or_else(|| FieldError::parameter(A::PARAMETER, A::rule()))
}
