//! `GET /stream-connections` and their leases: what a stream transport asks the API for.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// The stream connections of all workspaces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StreamConnectionList<'a, Settings> {
    /// The connections, in order of workspace and provider id.
    #[serde(borrow)]
    pub connections: Vec<StreamConnection<'a, Settings>>,
}

/// A connection that a transport may hold open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StreamConnection<'a, Settings> {
    /// The workspace of the connection.
    pub workspace_id: Cow<'a, str>,
    /// The connection's id in its workspace.
    pub provider_id: Cow<'a, str>,
    /// The protocol that the provider speaks.
    pub provider_type: Cow<'a, str>,
    /// Where the provider is reached.
    pub base_url: Cow<'a, str>,
    /// Where the credential is found: never the credential itself.
    pub credential_ref: Option<Cow<'a, str>>,
    /// What only the provider's protocol knows.
    pub settings: Settings,
    /// The connection's active devices, as the provider names them.
    pub external_ids: Vec<Cow<'a, str>>,
    /// The lease under which a transport holds the connection now, if one does.
    pub lease: Option<StreamLease<'a>>,
}

/// Who holds a stream connection, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamLease<'a> {
    /// The transport instance that holds the lease.
    pub instance_id: Cow<'a, str>,
    /// When the lease ends unless it is renewed.
    pub expires_at: Cow<'a, str>,
}

/// `POST /stream-connections/{workspace_id}/{provider_id}/lease`: takes a lease or renews it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
pub struct StreamLeaseRequest<'a> {
    /// The transport instance that asks.
    #[serde(borrow)]
    pub instance_id: Cow<'a, str>,
    /// The token of the lease that is to be renewed; null takes a new one.
    #[serde(borrow, default, deserialize_with = "crate::borrowed::optional_text")]
    pub token: Option<Cow<'a, str>>,
    /// How the stream is: `connected`, `disconnected`, `silent` or `refused`.
    #[serde(borrow)]
    pub state: Cow<'a, str>,
    /// When the provider last sent anything.
    #[serde(borrow, default, deserialize_with = "crate::borrowed::optional_text")]
    pub last_frame_at: Option<Cow<'a, str>>,
}

/// The answer to who has the lease now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamLeaseAnswer<'a> {
    /// The token that renews the lease.
    pub token: Cow<'a, str>,
    /// When the lease ends unless it is renewed.
    pub expires_at: Cow<'a, str>,
}
