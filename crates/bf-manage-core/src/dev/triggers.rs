//! What the in-process scheduler needs of this process.

use std::sync::Arc;

use auth::{DevIssuer, MintRequest};
use clock::Clock;
use domain::ids::WorkspaceId;
use domain::polling::Schedule;
use persistence::{Page, StorageError, Store};
use scheduling::{Schedules, TokenSource};

/// Workspaces read at once.
const PAGE: i64 = 1_000;

/// Schedules as the database has them.
pub struct StoredSchedules(pub Store);

impl Schedules for StoredSchedules {
    type Error = StorageError;

    async fn active(&self) -> Result<Vec<(WorkspaceId, Schedule)>, StorageError> {
        let mut active = Vec::new();
        let mut page = Page {
            after: None,
            limit: PAGE,
        };
        loop {
            let records = self.0.workspaces(&page).await?;
            let Some(last) = records.last() else {
                return Ok(active);
            };
            page.after = Some(last.workspace.id.to_string());
            let workspaces = records
                .into_iter()
                .map(|record| record.workspace)
                .filter(|workspace| workspace.active);
            active.extend(workspaces.map(|workspace| (workspace.id.clone(), workspace.schedule())));
        }
    }
}

/// Tokens of the local issuer.
pub struct DevTokens {
    pub issuer: Arc<DevIssuer>,
    pub clock: Clock,
}

impl TokenSource for DevTokens {
    fn token(&self) -> String {
        self.issuer
            .mint(&MintRequest::machine(["telematics/poll"]), self.clock.now())
    }
}
