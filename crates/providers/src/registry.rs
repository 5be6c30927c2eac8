//! The one list of providers.

use std::borrow::Cow;
use std::sync::Arc;

use domain::fleet::{Connection, ProviderType};
use domain::polling::Feed;
use serde_json::value::RawValue;

use crate::depot_sim::DepotSim;
use crate::message::{Interpretation, Uninterpretable, text_of_message};
use crate::provider::{InvalidSetting, Provider, Settings};
use crate::viriciti::Viriciti;

/// The providers that this deployment knows, at most one a type. A type without a provider can be configured;
/// it is neither polled nor understood. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ProviderRegistry {
    providers: Arc<[Arc<dyn Provider>]>,
}

impl Default for ProviderRegistry {
    /// Every provider of the product.
    fn default() -> Self {
        Self::new(vec![Arc::new(DepotSim), Arc::new(Viriciti)])
    }
}

impl ProviderRegistry {
    /// Makes a registry of these providers. Of several of one type the first counts.
    pub fn new(providers: Vec<Arc<dyn Provider>>) -> Self {
        Self {
            providers: providers.into(),
        }
    }

    /// Returns the provider of a type.
    pub fn get(&self, provider_type: ProviderType) -> Option<&dyn Provider> {
        let mut providers = self.providers.iter().map(AsRef::as_ref);
        providers.find(|provider| provider.capabilities().provider_type == provider_type)
    }

    /// Returns whether connections of a type are polled.
    pub fn polls(&self, provider_type: ProviderType) -> bool {
        self.get(provider_type)
            .is_some_and(|provider| provider.capabilities().polls)
    }

    /// Returns the types whose connections a stream transport listens to.
    pub fn streamed_types(&self) -> Vec<ProviderType> {
        let capabilities = self
            .providers
            .iter()
            .map(|provider| provider.capabilities());
        let streamed = capabilities.filter(|capabilities| capabilities.streams);
        streamed
            .map(|capabilities| capabilities.provider_type)
            .collect()
    }

    /// Returns the feeds by which a connection is read; none where every poll reads everything.
    pub fn feeds(&self, connection: &Connection) -> Vec<Feed> {
        self.get(connection.provider_type)
            .map_or_else(Vec::new, |provider| provider.feeds(&connection.settings))
    }

    /// Checks the settings of a connection of a type. Those of a type without a provider are not checked.
    ///
    /// # Errors
    /// The first member that the provider refuses.
    pub fn check_settings(
        &self,
        provider_type: ProviderType,
        settings: &Settings,
    ) -> Result<(), InvalidSetting> {
        self.get(provider_type)
            .map_or(Ok(()), |provider| provider.check_settings(settings))
    }

    /// Interprets one raw message of a provider: a JSON value, or a string that holds what the provider sent
    /// as text. The same message always says the same, whatever came before it.
    pub fn interpret(&self, provider_type: ProviderType, raw_message: &RawValue) -> Interpretation {
        let message: Cow<'_, str> = text_of_message(raw_message);
        match self.get(provider_type) {
            Some(provider) => provider.interpret(&message),
            None => Uninterpretable::unsupported(provider_type).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).expect("JSON")
    }

    fn reason(provider_type: ProviderType, json: &str) -> &'static str {
        match ProviderRegistry::default().interpret(provider_type, &raw(json)) {
            Interpretation::Readings(readings) => panic!("{readings:?}"),
            Interpretation::Ignored { reason } | Interpretation::NotUnderstood { reason, .. } => {
                reason
            }
        }
    }

    #[test]
    fn a_type_without_a_provider_is_neither_polled_nor_understood() {
        for provider_type in [
            ProviderType::Geotab,
            ProviderType::Samsara,
            ProviderType::Rfms,
        ] {
            let registry = ProviderRegistry::default();
            assert!(!registry.polls(provider_type), "{provider_type}");
            assert_eq!(reason(provider_type, "{}"), "unsupported_provider_type");
        }
    }

    #[test]
    fn each_type_has_at_most_one_provider() {
        let registry = ProviderRegistry::default();
        for provider_type in ProviderType::ALL {
            let of_type = registry
                .providers
                .iter()
                .filter(|provider| provider.capabilities().provider_type == *provider_type);
            assert!(of_type.count() <= 1, "{provider_type}");
        }
        assert_eq!(registry.streamed_types(), [ProviderType::Viriciti]);
    }

    #[test]
    fn a_message_is_a_json_object_or_the_text_of_one() {
        let registry = ProviderRegistry::default();
        let vehicle = r#"{"id":"bus-1","signals":[{"name":"speed_kmh","value":3,"time":"2026-11-23T08:00:00Z"}]}"#;
        let as_text = serde_json::to_string(vehicle).expect("JSON");
        let as_json = registry.interpret(ProviderType::DepotSim, &raw(vehicle));
        assert!(
            matches!(as_json, Interpretation::Readings(_)),
            "{as_json:?}"
        );
        let as_text = registry.interpret(ProviderType::DepotSim, &raw(&as_text));
        assert_eq!(as_json, as_text);
        for (json, expected) in [
            (r#""pong""#, "not_json"),
            (r#""""#, "not_json"),
            (r#""{\"id\":""#, "not_json"),
            (r#""\ud800""#, "not_json"),
            ("null", "unknown_shape"),
            ("[]", "unknown_shape"),
            (r#"["bus-1",[]]"#, "unknown_shape"),
            ("7", "unknown_shape"),
            ("{}", "unknown_shape"),
        ] {
            assert_eq!(reason(ProviderType::DepotSim, json), expected, "{json}");
        }
    }
}
