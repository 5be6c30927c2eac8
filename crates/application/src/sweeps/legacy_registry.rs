//! The port to the legacy service's device registry.

use std::error::Error;
use std::fmt;

use futures::future::{BoxFuture, FutureExt, ready};

/// Where workspaces with `device_registry_source=legacy_sync` have their devices.
pub trait LegacyRegistry: fmt::Debug + Send + Sync {
    /// Brings core's devices in line with the registry's; answers how many were not.
    fn mirror(&self) -> BoxFuture<'_, Result<u32, LegacyRegistryError>>;
}

/// Why nothing was mirrored, or not all.
#[derive(Debug, thiserror::Error)]
pub enum LegacyRegistryError {
    /// This deployment has none.
    #[error("no legacy registry is configured")]
    NotConfigured,
    /// It, or the store, failed.
    #[error("the legacy registry could not be mirrored")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}

/// A deployment without one.
#[derive(Clone, Copy, Debug)]
pub struct NoLegacyRegistry;

impl LegacyRegistry for NoLegacyRegistry {
    fn mirror(&self) -> BoxFuture<'_, Result<u32, LegacyRegistryError>> {
        ready(Err(LegacyRegistryError::NotConfigured)).boxed()
    }
}
