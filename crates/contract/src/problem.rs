//! Refusals: the body of every answer with a status of 400 or above (RFC 9457).

use serde::{Deserialize, Serialize};

/// The body of a problem.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(as = Problem, bound = "")
)]
pub struct ProblemBody<Current> {
    /// The kind of problem: `/problems/…`, which is also the path of its page.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schema(example = "/problems/validation"))]
    pub problem_type: String,
    /// The kind in words for people, the same for every problem of the kind.
    #[cfg_attr(feature = "openapi", schema(example = "The request is not valid"))]
    pub title: String,
    /// The HTTP status.
    #[cfg_attr(
        feature = "openapi",
        schema(minimum = 400, maximum = 599, example = 400)
    )]
    pub status: u16,
    /// What is wrong this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The path of the request.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "/api/telematics-mvp/workspaces/depot-north/policy")
    )]
    pub instance: String,
    /// W3C trace id of the request, to be named in a support request.
    #[cfg_attr(
        feature = "openapi",
        schema(
            pattern = "^[0-9a-f]{32}$",
            example = "0af7651916cd43dd8448eb211c80319c"
        )
    )]
    pub trace_id: String,
    /// The members and parameters of the request that are wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// The resource as it is now, if a precondition failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Value>))]
    pub current: Option<Current>,
}

/// One wrong member or parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldError {
    /// RFC 6901 pointer to the wrong member of the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// The name of the wrong path or query parameter or header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// What is wrong, in words for people.
    pub detail: String,
}

impl FieldError {
    /// Names a wrong member of the body.
    pub fn pointer(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: Some(pointer.into()),
            parameter: None,
            detail: detail.into(),
        }
    }

    /// Names a wrong parameter or header.
    pub fn parameter(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: None,
            parameter: Some(name.into()),
            detail: detail.into(),
        }
    }
}
