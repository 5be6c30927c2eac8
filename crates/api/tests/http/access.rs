//! Who may do what: every route and every kind of caller, as the contract says it.

use application::sweeps::request_sweep;
use reqwest::Method;
use testkit::{AUTHOR, a_connection, a_device, a_workspace, minutes};

use crate::service::{
    ACCOUNTS, ADMIN, Caller, FORWARD, INGEST, NORTH, POLL, READ, SUPPORT, SYSTEM_ADMIN, Service,
    VIEWER,
};

/// Who the contract says may use a route.
#[derive(Clone, Copy)]
pub enum May {
    Anybody,
    Ingest,
    ProviderIngest,
    PollOrSystemAdmin,
    SweepOrSystemAdmin,
    /// (workspace)
    Workspace,
    /// (workspace admin)
    WorkspaceAdmin,
    /// (staff)
    Staff,
    /// (staff, workspace admin)
    StaffOrWorkspaceAdmin,
    /// (accounts, support)
    StaffPeople,
    /// (system-admin, support)
    SystemAdminOrSupport,
    /// (system-admin)
    SystemAdmin,
}

use May::{
    Anybody, Ingest, PollOrSystemAdmin, ProviderIngest, Staff, StaffOrWorkspaceAdmin, StaffPeople,
    SweepOrSystemAdmin, SystemAdmin, SystemAdminOrSupport, Workspace, WorkspaceAdmin,
};

/// The contract's words in brackets, route by route; paths without `/api/telematics-mvp`.
pub const CONTRACT: &[(&str, &str, May)] = &[
    ("GET", "/livez", Anybody),
    ("GET", "/readyz", Anybody),
    ("GET", "/openapi.json", Anybody),
    ("GET", "/docs", Anybody),
    ("GET", "/docs/{asset}", Anybody),
    ("GET", "/problems", Anybody),
    ("GET", "/problems/{slug}", Anybody),
    ("POST", "/dev/token", Anybody),
    ("GET", "/dev/jwks.json", Anybody),
    ("POST", "/workspaces/{workspace_id}/ingest", Ingest),
    (
        "POST",
        "/workspaces/{workspace_id}/provider-ingest",
        ProviderIngest,
    ),
    ("GET", "/workspaces/{workspace_id}/quarantined", SystemAdmin),
    (
        "POST",
        "/workspaces/{workspace_id}/quarantine/replay",
        SystemAdmin,
    ),
    ("POST", "/poll-cycles", PollOrSystemAdmin),
    ("POST", "/reconciliation-sweeps", SweepOrSystemAdmin),
    (
        "GET",
        "/reconciliation-sweeps/{sweep_id}",
        SweepOrSystemAdmin,
    ),
    ("GET", "/workspaces/{workspace_id}/poll-cycles", Workspace),
    (
        "GET",
        "/workspaces/{workspace_id}/poll-cycles/{cycle_id}",
        Workspace,
    ),
    ("GET", "/workspaces/{workspace_id}/health", Workspace),
    ("GET", "/workspaces/{workspace_id}/issues", Workspace),
    ("GET", "/workspaces/{workspace_id}/snapshots", Workspace),
    (
        "GET",
        "/workspaces/{workspace_id}/snapshots/{device_id}",
        Workspace,
    ),
    (
        "GET",
        "/workspaces/{workspace_id}/vehicles/{vehicle_id}/snapshot",
        Workspace,
    ),
    ("GET", "/workspaces", Staff),
    ("GET", "/workspaces/{workspace_id}", Workspace),
    ("PUT", "/workspaces/{workspace_id}", SystemAdmin),
    ("GET", "/workspaces/{workspace_id}/features", Workspace),
    ("GET", "/workspaces/{workspace_id}/cutover", SystemAdmin),
    ("PUT", "/workspaces/{workspace_id}/cutover", SystemAdmin),
    ("PATCH", "/workspaces/{workspace_id}/cutover", SystemAdmin),
    (
        "POST",
        "/workspaces/{workspace_id}/cutover/rollback",
        SystemAdmin,
    ),
    (
        "GET",
        "/workspaces/{workspace_id}/cutover/history",
        SystemAdmin,
    ),
    ("GET", "/workspaces/{workspace_id}/policy", Workspace),
    ("PUT", "/workspaces/{workspace_id}/policy", WorkspaceAdmin),
    ("GET", "/workspaces/{workspace_id}/devices", Workspace),
    (
        "GET",
        "/workspaces/{workspace_id}/devices/{device_id}",
        Workspace,
    ),
    (
        "PUT",
        "/workspaces/{workspace_id}/devices/{device_id}",
        WorkspaceAdmin,
    ),
    (
        "DELETE",
        "/workspaces/{workspace_id}/devices/{device_id}",
        WorkspaceAdmin,
    ),
    (
        "GET",
        "/workspaces/{workspace_id}/devices/{device_id}/follow-up",
        Workspace,
    ),
    (
        "PUT",
        "/workspaces/{workspace_id}/devices/{device_id}/follow-up",
        StaffPeople,
    ),
    (
        "GET",
        "/workspaces/{workspace_id}/devices/{device_id}/follow-up/history",
        Workspace,
    ),
    (
        "GET",
        "/workspaces/{workspace_id}/provider-connections",
        SystemAdminOrSupport,
    ),
    (
        "GET",
        "/workspaces/{workspace_id}/provider-connections/{provider_id}",
        SystemAdminOrSupport,
    ),
    (
        "PUT",
        "/workspaces/{workspace_id}/provider-connections/{provider_id}",
        SystemAdmin,
    ),
    (
        "DELETE",
        "/workspaces/{workspace_id}/provider-connections/{provider_id}",
        SystemAdmin,
    ),
    (
        "GET",
        "/workspaces/{workspace_id}/rejections",
        StaffOrWorkspaceAdmin,
    ),
    (
        "GET",
        "/workspaces/{workspace_id}/unknown-devices",
        StaffOrWorkspaceAdmin,
    ),
    ("GET", "/workspaces/{workspace_id}/stale-devices", Workspace),
    ("GET", "/follow-ups", Staff),
    ("GET", "/workspaces/{workspace_id}/indicators", Workspace),
    ("GET", "/workspaces/{workspace_id}/events", Staff),
    ("GET", "/overview", Staff),
    ("GET", "/audit", SystemAdmin),
];

pub const FOREIGN_VIEWER: Caller = Caller::Person("workspace:depot-south:viewer");

const FOREIGN_ADMIN: Caller = Caller::Person("workspace:depot-south:admin");

const CALLERS: &[Caller] = &[
    Caller::Nobody,
    Caller::Expired,
    Caller::Forger,
    INGEST,
    POLL,
    READ,
    FORWARD,
    Caller::Machine("telematics/sweep"),
    Caller::Machine("telematics/stream"),
    // Names of scopes and groups count for nothing in the token of the other kind.
    Caller::Machine("system-admin"),
    Caller::Machine("workspace:depot-north:admin"),
    Caller::Person("telematics/ingest"),
    Caller::Person("telematics/read"),
    Caller::Person("workspace:depot-north:owner"),
    VIEWER,
    ADMIN,
    FOREIGN_VIEWER,
    FOREIGN_ADMIN,
    ACCOUNTS,
    SUPPORT,
    SYSTEM_ADMIN,
];

fn allowed(may: May) -> &'static [Caller] {
    match may {
        Anybody => CALLERS,
        Ingest => &[INGEST],
        ProviderIngest => &[FORWARD],
        PollOrSystemAdmin => &[POLL, SYSTEM_ADMIN],
        SweepOrSystemAdmin => &[Caller::Machine("telematics/sweep"), SYSTEM_ADMIN],
        Workspace => &[VIEWER, ADMIN, ACCOUNTS, SUPPORT, SYSTEM_ADMIN, READ],
        WorkspaceAdmin => &[ADMIN, SYSTEM_ADMIN],
        Staff => &[ACCOUNTS, SUPPORT, SYSTEM_ADMIN, READ],
        StaffOrWorkspaceAdmin => &[ADMIN, ACCOUNTS, SUPPORT, SYSTEM_ADMIN, READ],
        StaffPeople => &[ACCOUNTS, SUPPORT, SYSTEM_ADMIN],
        SystemAdminOrSupport => &[SYSTEM_ADMIN, SUPPORT],
        SystemAdmin => &[SYSTEM_ADMIN],
    }
}

/// A workspace in the path that a person has no group for is not there for them.
fn may_know(caller: Caller) -> bool {
    match caller {
        Caller::Machine(_) => true,
        _ => [VIEWER, ADMIN, ACCOUNTS, SUPPORT, SYSTEM_ADMIN].contains(&caller),
    }
}

fn expected(caller: Caller, method: &str, path: &str, may: May) -> u16 {
    if allowed(may).contains(&caller) {
        // Requests are such that whoever may make them gets this, and nothing changes.
        return match method {
            "GET" => 200,
            "DELETE" => 412,
            // It reads no body that could be wrong; there is one sweep, however many ask.
            "POST" if path == "/reconciliation-sweeps" => 202,
            _ => 400,
        };
    }
    match caller {
        Caller::Nobody | Caller::Expired | Caller::Forger => 401,
        _ if path.contains("{workspace_id}") && !may_know(caller) => 404,
        _ => 403,
    }
}

#[tokio::test]
async fn every_route_treats_every_caller_as_the_contract_says() {
    let workspace = a_workspace(NORTH)
        .through(a_connection("sim-main"))
        .through(a_connection("spare"))
        .with(a_device("bus-1").silent_for(minutes(2)));
    let (service, fleet) = Service::with(workspace).await;
    a_workspace("depot-south").create(&service.fixture).await;
    let cycle_id = fleet.trigger(None).await.cycle_id.to_string();
    let sweep_id = request_sweep(&service.fixture.core, AUTHOR)
        .await
        .expect("a sweep")
        .to_string();
    let mut wrong = Vec::new();
    for (method, template, may) in CONTRACT {
        let path = template
            .replace("{workspace_id}", NORTH)
            .replace("{device_id}", "bus-1")
            .replace("{vehicle_id}", "bus-1-vehicle")
            .replace("{provider_id}", "spare")
            .replace("{cycle_id}", &cycle_id)
            .replace("{sweep_id}", &sweep_id)
            .replace("{asset}", "swagger-ui.css")
            .replace("{slug}", "validation");
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        for caller in CALLERS {
            let call = service
                .call(*caller, &method, &path)
                .header("if-match", "\"0\"");
            let answer = match method {
                Method::GET | Method::DELETE => call.send().await,
                _ => call.said_json(r#"{"nope":1}"#).await,
            };
            let expected = expected(*caller, method.as_str(), template, *may);
            if answer.status != expected {
                wrong.push(format!(
                    "{method} {path} by {caller:?}: {} for {expected}",
                    answer.status
                ));
            }
            match answer.status {
                401 => drop(answer.problem(401, "unauthorized")),
                403 => drop(answer.problem(403, "forbidden")),
                404 => drop(answer.problem(404, "not-found")),
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
