//! Names of the OpenAPI components that describe ids and vocabularies.
//!
//! The rules of ids and the words of vocabularies are the domain's. The API describes each of these
//! components from there; the types of this crate refer to them by name.

/// Declares types that stand for components of the OpenAPI document, whose schemas are put in later.
#[macro_export]
macro_rules! components {
    ($($name:ident)+) => {
        $(
            #[doc = concat!("Stands for the component `", stringify!($name), "`.")]
            #[derive(Debug)]
            pub struct $name;

            impl ::utoipa::PartialSchema for $name {
                fn schema() -> ::utoipa::openapi::RefOr<::utoipa::openapi::Schema> {
                    ::utoipa::openapi::schema::Object::new().into()
                }
            }

            impl ::utoipa::ToSchema for $name {}
        )+
    };
}

components! {
    CycleId
    CycleStatus
    CycleTrigger
    DeviceId
    DropReason
    EnvelopeId
    EnvelopeOutcome
    ExternalId
    PollErrorClass
    PollOutcome
    ProviderId
    ProviderType
    RejectReason
    SignalName
    Signals
    SkipReason
    UpdateOutcome
    WorkspaceId
}

/// An update as the document shows it.
pub(crate) type DocumentedUpdate = crate::ingest::IngestUpdate<'static, Signals>;
/// An envelope as the document shows it: its message is any JSON.
pub(crate) type DocumentedEnvelope = crate::provider_ingest::ProviderEnvelopeBody<'static, ()>;
