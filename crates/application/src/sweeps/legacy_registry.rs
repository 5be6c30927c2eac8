//! The interface to the legacy service's device registry.

use std::error::Error;
use std::fmt;

use futures::future::{BoxFuture, FutureExt, ready};

/// The registry that holds the devices of workspaces with `device_registry_source=legacy_sync`.
pub trait LegacyRegistry: fmt::Debug + Send + Sync {
    /// Copies the registry's devices to core, and returns how many of core's devices differed.
    fn mirror(&self) -> BoxFuture<'_, Result<u32, LegacyRegistryError>>;
}

/// The reason for which none, or not all, of the registry's devices were copied.
#[derive(Debug, thiserror::Error)]
pub enum LegacyRegistryError {
    /// This deployment has no legacy registry.
    #[error("no legacy registry is configured")]
    NotConfigured,
    /// The registry or the store failed.
    #[error("the legacy registry could not be mirrored")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}

/// The stand-in for the registry in a deployment that has none.
#[derive(Clone, Copy, Debug)]
pub struct NoLegacyRegistry;

impl LegacyRegistry for NoLegacyRegistry {
    fn mirror(&self) -> BoxFuture<'_, Result<u32, LegacyRegistryError>> {
        ready(Err(LegacyRegistryError::NotConfigured)).boxed()
    }
}
