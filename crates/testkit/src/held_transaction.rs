//! A transaction of somebody else, which a test holds open with the locks that it has taken.

use std::ops::{Deref, DerefMut};

use sqlx::{PgConnection, Postgres, Transaction};

use crate::TestDatabase;

/// An open transaction on a connection of its own. Dropping it rolls it back.
#[derive(Debug)]
pub struct HeldTransaction(Transaction<'static, Postgres>);

impl TestDatabase {
    /// Begins a transaction, runs a statement in it, and leaves the transaction open.
    ///
    /// # Panics
    /// If the statement fails.
    pub async fn hold(&self, statement: &'static str) -> HeldTransaction {
        let begun = self.another_store().pool().begin().await;
        let mut held = HeldTransaction(begun.expect("a transaction"));
        sqlx::raw_sql(statement)
            .execute(&mut *held)
            .await
            .expect(statement);
        held
    }
}

impl HeldTransaction {
    /// Commits the transaction, which releases its locks.
    ///
    /// # Panics
    /// If the database does not confirm.
    pub async fn commit(self) {
        self.0.commit().await.expect("a commit");
    }

    /// Rolls the transaction back, which releases its locks.
    ///
    /// # Panics
    /// If the database does not confirm.
    pub async fn roll_back(self) {
        self.0.rollback().await.expect("a rollback");
    }
}

impl Deref for HeldTransaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.0
    }
}

impl DerefMut for HeldTransaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.0
    }
}
