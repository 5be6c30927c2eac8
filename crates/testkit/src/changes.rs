//! Methods that change the configuration of a workspace.

use application::commands::{
    CutoverCommand, Precondition, change_cutover, change_policy, put_connection, put_workspace,
};
use domain::fleet::Policy;

use crate::{AUTHOR, ConnectionBuilder, Fleet};

impl Fleet {
    /// Configures a connection, new or changed.
    ///
    /// # Panics
    /// If that is refused.
    pub async fn connect(&self, connection: ConnectionBuilder) {
        let (id, spec) = connection.build();
        put_connection(&self.core, AUTHOR, &self.id, &id, spec, &Precondition::None)
            .await
            .expect("a connection");
    }

    /// Activates or deactivates the workspace.
    ///
    /// # Panics
    /// If that is refused.
    pub async fn set_active(&self, active: bool) {
        let name = self.record().await.workspace.name;
        put_workspace(
            &self.core,
            AUTHOR,
            &self.id,
            &name,
            active,
            None,
            &Precondition::None,
        )
        .await
        .expect("a workspace");
    }

    /// Changes the workspace's flags.
    ///
    /// # Panics
    /// If that is refused.
    pub async fn change_flags(&self, command: CutoverCommand) {
        change_cutover(
            &self.core,
            AUTHOR,
            &self.id,
            command,
            None,
            &Precondition::None,
        )
        .await
        .expect("flags");
    }

    /// Changes the workspace's policy.
    ///
    /// # Panics
    /// If that is refused.
    pub async fn change_policy(&self, policy: Policy) {
        change_policy(&self.core, AUTHOR, &self.id, policy, &Precondition::None)
            .await
            .expect("a policy");
    }
}
