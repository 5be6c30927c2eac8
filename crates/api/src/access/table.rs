//! The access table. A route without a row is refused, and fails a test.

use auth::{Principal, WorkspaceRole};
use axum::http::Method;
use domain::ids::WorkspaceId;

/// The callers who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody, without a token.
    Open,
    /// A machine with this scope.
    Scope(&'static str),
    /// A machine with this scope, or a system administrator.
    ScopeOrSystemAdmin(&'static str),
    /// Everybody who may see the workspace: its viewers and admins, staff, and machines that read.
    Workspace,
    /// The workspace's admins, and system administrators.
    WorkspaceAdmin,
    /// Staff, and machines that read.
    Staff,
    /// Staff, machines that read, and the workspace's admins.
    StaffOrWorkspaceAdmin,
    /// Staff, but no machine: a person must answer for the change.
    StaffPeople,
    /// System administrators and support.
    SystemAdminOrSupport,
    /// System administrators.
    SystemAdmin,
}

/// The body that a route accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyRule {
    /// No body. A body that is sent anyway is not read.
    None,
    /// JSON of at most 256 KiB.
    Json,
    /// JSON of at most 8 MiB.
    LargeJson,
}

impl BodyRule {
    /// The most bytes that a body may have after decompression. Returns `None` if no body is read.
    pub(crate) const fn limit(self) -> Option<usize> {
        match self {
            Self::None => None,
            Self::Json => Some(crate::request::BODY_LIMIT),
            Self::LargeJson => Some(crate::ingest::BODY_LIMIT),
        }
    }
}

/// A row of the access table.
#[derive(Clone, Debug)]
pub struct Route {
    /// The method. `HEAD` has the row of `GET`.
    pub method: Method,
    /// The path as the router writes it.
    pub path: &'static str,
    /// The callers who may use the route.
    pub access: Access,
    /// The body that the route accepts.
    pub body: BodyRule,
}

macro_rules! table {
    ($($method:ident $path:literal $access:expr, $body:ident;)+) => {
        &[$(Route { method: Method::$method, path: $path, access: $access, body: BodyRule::$body },)+]
    };
}

use Access::{
    Open, Scope, ScopeOrSystemAdmin, Staff, StaffOrWorkspaceAdmin, StaffPeople, SystemAdmin,
    SystemAdminOrSupport, Workspace, WorkspaceAdmin,
};

/// Every route of the service.
pub const TABLE: &[Route] = table! {
    GET "/livez" Open, None;
    GET "/readyz" Open, None;
    GET "/openapi.json" Open, None;
    GET "/docs" Open, None;
    GET "/docs/{asset}" Open, None;
    GET "/problems" Open, None;
    GET "/problems/{slug}" Open, None;
    POST "/dev/token" Open, Json;
    GET "/dev/jwks.json" Open, None;
    POST "/api/telematics-mvp/workspaces/{workspace_id}/ingest" Scope("telematics/ingest"), LargeJson;
    POST "/api/telematics-mvp/workspaces/{workspace_id}/provider-ingest" Scope("telematics/provider-ingest"), LargeJson;
    GET "/api/telematics-mvp/workspaces/{workspace_id}/quarantined" SystemAdmin, None;
    POST "/api/telematics-mvp/workspaces/{workspace_id}/quarantine/replay" SystemAdmin, Json;
    POST "/api/telematics-mvp/poll-cycles" ScopeOrSystemAdmin("telematics/poll"), Json;
    GET "/api/telematics-mvp/workspaces/{workspace_id}/poll-cycles" Workspace, None;
    GET "/api/telematics-mvp/workspaces/{workspace_id}/poll-cycles/{cycle_id}" Workspace, None;
    GET "/api/telematics-mvp/workspaces/{workspace_id}/health" Workspace, None;
    GET "/api/telematics-mvp/workspaces/{workspace_id}/issues" Workspace, None;
    GET "/api/telematics-mvp/workspaces/{workspace_id}/snapshots" Workspace, None;
    GET "/api/telematics-mvp/workspaces/{workspace_id}/snapshots/{device_id}" Workspace, None;
    GET "/api/telematics-mvp/workspaces/{workspace_id}/vehicles/{vehicle_id}/snapshot" Workspace, None;
    GET "/api/telematics-mvp/workspaces" Staff, None;
    GET "/api/telematics-mvp/workspaces/{workspace_id}" Workspace, None;
    PUT "/api/telematics-mvp/workspaces/{workspace_id}" SystemAdmin, Json;
    GET "/api/telematics-mvp/workspaces/{workspace_id}/cutover" SystemAdmin, None;
    PUT "/api/telematics-mvp/workspaces/{workspace_id}/cutover" SystemAdmin, Json;
    PATCH "/api/telematics-mvp/workspaces/{workspace_id}/cutover" SystemAdmin, Json;
    POST "/api/telematics-mvp/workspaces/{workspace_id}/cutover/rollback" SystemAdmin, Json;
    GET "/api/telematics-mvp/workspaces/{workspace_id}/cutover/history" SystemAdmin, None;
    GET "/api/telematics-mvp/workspaces/{workspace_id}/policy" Workspace, None;
    PUT "/api/telematics-mvp/workspaces/{workspace_id}/policy" WorkspaceAdmin, Json;
    GET "/api/telematics-mvp/workspaces/{workspace_id}/devices" Workspace, None;
    GET "/api/telematics-mvp/workspaces/{workspace_id}/devices/{device_id}" Workspace, None;
    PUT "/api/telematics-mvp/workspaces/{workspace_id}/devices/{device_id}" WorkspaceAdmin, Json;
    DELETE "/api/telematics-mvp/workspaces/{workspace_id}/devices/{device_id}" WorkspaceAdmin, None;
    GET "/api/telematics-mvp/workspaces/{workspace_id}/devices/{device_id}/follow-up" Workspace, None;
    PUT "/api/telematics-mvp/workspaces/{workspace_id}/devices/{device_id}/follow-up" StaffPeople, Json;
    GET "/api/telematics-mvp/workspaces/{workspace_id}/devices/{device_id}/follow-up/history" Workspace, None;
    GET "/api/telematics-mvp/workspaces/{workspace_id}/provider-connections" SystemAdminOrSupport, None;
    GET "/api/telematics-mvp/workspaces/{workspace_id}/provider-connections/{provider_id}" SystemAdminOrSupport, None;
    PUT "/api/telematics-mvp/workspaces/{workspace_id}/provider-connections/{provider_id}" SystemAdmin, Json;
    DELETE "/api/telematics-mvp/workspaces/{workspace_id}/provider-connections/{provider_id}" SystemAdmin, None;
    GET "/api/telematics-mvp/workspaces/{workspace_id}/features" Workspace, None;
    GET "/api/telematics-mvp/workspaces/{workspace_id}/rejections" StaffOrWorkspaceAdmin, None;
    GET "/api/telematics-mvp/workspaces/{workspace_id}/unknown-devices" StaffOrWorkspaceAdmin, None;
    GET "/api/telematics-mvp/workspaces/{workspace_id}/stale-devices" Workspace, None;
    GET "/api/telematics-mvp/follow-ups" Staff, None;
    GET "/api/telematics-mvp/workspaces/{workspace_id}/indicators" Workspace, None;
    GET "/api/telematics-mvp/workspaces/{workspace_id}/events" Staff, None;
    GET "/api/telematics-mvp/overview" Staff, None;
    GET "/api/telematics-mvp/audit" SystemAdmin, None;
    POST "/api/telematics-mvp/reconciliation-sweeps" ScopeOrSystemAdmin("telematics/sweep"), None;
    GET "/api/telematics-mvp/reconciliation-sweeps/{sweep_id}" ScopeOrSystemAdmin("telematics/sweep"), None;
};

impl Route {
    /// Finds the row of a matched path and method.
    pub fn find(method: &Method, path: &str) -> Option<&'static Self> {
        let method = if method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        TABLE
            .iter()
            .find(|route| route.method == *method && route.path == path)
    }

    /// Whether a request of this route may have an `Idempotency-Key`.
    pub fn takes_idempotency_key(&self) -> bool {
        self.method == Method::POST && self.access != Open
    }

    /// The methods of a matched path, which are none if the path has no row.
    pub fn methods(path: &str) -> Vec<&'static str> {
        let of_path = TABLE.iter().filter(|route| route.path == path);
        let mut methods: Vec<&str> = of_path.map(|route| route.method.as_str()).collect();
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods
    }

    /// Whether a path needs no token, whatever the method.
    pub fn is_open(path: &str) -> bool {
        TABLE
            .iter()
            .any(|route| route.path == path && route.access == Open)
    }
}

impl Access {
    /// Whether a verified caller may use a route with this access, for the workspace that the path names.
    pub fn allows(self, caller: &Principal, workspace_id: Option<&WorkspaceId>) -> bool {
        let role = workspace_id.and_then(|id| caller.workspace_role(id.as_str()));
        let system_admin = caller.is_in_group("system-admin");
        match self {
            Open => true,
            Scope(scope) => caller.has_scope(scope),
            ScopeOrSystemAdmin(scope) => caller.has_scope(scope) || system_admin,
            Workspace => role.is_some() || caller.is_staff() || caller.has_scope("telematics/read"),
            WorkspaceAdmin => role == Some(WorkspaceRole::Admin) || system_admin,
            Staff => caller.is_staff() || caller.has_scope("telematics/read"),
            StaffOrWorkspaceAdmin => {
                Staff.allows(caller, workspace_id) || WorkspaceAdmin.allows(caller, workspace_id)
            }
            StaffPeople => caller.is_staff(),
            SystemAdminOrSupport => system_admin || caller.is_in_group("support"),
            SystemAdmin => system_admin,
        }
    }
}
