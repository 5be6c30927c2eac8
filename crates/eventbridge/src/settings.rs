//! The settings of EventBridge, which are checked before anything is requested from AWS.

use domain::schedules::ScheduleName;

/// The group of the schedules, and the parts of AWS that each of them names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventBridgeSettings {
    /// The schedule group, which belongs to one deployment and contains nothing else.
    pub group: ScheduleName,
    /// The event bus that schedules put events on.
    pub bus_arn: String,
    /// The role in which the Scheduler puts events on the bus.
    pub role_arn: String,
    /// The queue of events that could not be put on the bus.
    pub dlq_arn: String,
    /// The AWS region, such as `eu-central-1`.
    pub region: String,
    /// The address of an emulator, instead of the region's own address.
    pub endpoint_url: Option<String>,
}

/// A setting that AWS would refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{member} must be {rule}")]
pub struct InvalidSettings {
    /// The field of [`EventBridgeSettings`].
    pub member: &'static str,
    /// The rule that the field breaks.
    pub rule: &'static str,
}

impl EventBridgeSettings {
    /// Checks each setting.
    ///
    /// # Errors
    /// The first setting that AWS would refuse.
    pub fn try_new(
        group: &str,
        bus_arn: &str,
        role_arn: &str,
        dlq_arn: &str,
        region: &str,
        endpoint_url: Option<&str>,
    ) -> Result<Self, InvalidSettings> {
        let wrong = |member, rule| Err(InvalidSettings { member, rule });
        let Ok(group) = ScheduleName::try_new(group) else {
            return wrong("group", "1 to 64 of A-Z a-z 0-9 - _ .");
        };
        // Every account has the group `default`, and schedules of others may be in it.
        if group.as_str() == "default" {
            return wrong("group", "a group of this deployment's own, not default");
        }
        if !is_arn(bus_arn, "events", "event-bus/") {
            return wrong("bus_arn", "arn:aws:events:REGION:ACCOUNT:event-bus/NAME");
        }
        if !is_arn(role_arn, "iam", "role/") {
            return wrong("role_arn", "arn:aws:iam::ACCOUNT:role/NAME");
        }
        if !is_arn(dlq_arn, "sqs", "") {
            return wrong("dlq_arn", "arn:aws:sqs:REGION:ACCOUNT:NAME");
        }
        let is_region = region.contains('-')
            && region
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !is_region {
            return wrong("region", "a region such as eu-central-1");
        }
        Ok(Self {
            group,
            bus_arn: bus_arn.to_owned(),
            role_arn: role_arn.to_owned(),
            dlq_arn: dlq_arn.to_owned(),
            region: region.to_owned(),
            endpoint_url: endpoint_url.map(str::to_owned),
        })
    }
}

/// Whether a text has the form `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`, for a service and the start of its
/// resource.
fn is_arn(text: &str, service: &str, resource_starts: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [arn, partition, of, region, account, resource] = parts[..] else {
        return false;
    };
    arn == "arn"
        && partition.starts_with("aws")
        && of == service
        && region.is_empty() == (service == "iam")
        && account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && resource
            .strip_prefix(resource_starts)
            .is_some_and(|name| !name.is_empty())
        && resource
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_./+=,@".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [&str; 5] = [
        "bf-telematics-poll-prod",
        "arn:aws:events:eu-central-1:123456789012:event-bus/bf-telematics",
        "arn:aws:iam::123456789012:role/bf-telematics-scheduler",
        "arn:aws:sqs:eu-central-1:123456789012:bf-telematics-poll-dlq",
        "eu-central-1",
    ];

    fn member(position: usize, value: &str) -> Option<&'static str> {
        let mut members = GOOD;
        members[position] = value;
        let [group, bus, role, dlq, region] = members;
        EventBridgeSettings::try_new(group, bus, role, dlq, region, None)
            .err()
            .map(|invalid| invalid.member)
    }

    #[test]
    fn a_setting_that_aws_would_refuse_is_refused() {
        assert_eq!(member(0, GOOD[0]), None);
        for (position, name, wrong) in [
            (0, "group", &["", "default", "a/b", "a b"][..]),
            (
                1,
                "bus_arn",
                &[
                    "",
                    "bf-telematics",
                    "arn:aws:events:eu-central-1:123456789012:rule/x",
                    "arn:aws:events:eu-central-1:12345:event-bus/x",
                    "arn:aws:events:eu-central-1:123456789012:event-bus/",
                    "arn:aws:sqs:eu-central-1:123456789012:event-bus/x",
                ],
            ),
            (
                2,
                "role_arn",
                &["arn:aws:iam:eu-central-1:123456789012:role/x"],
            ),
            (
                3,
                "dlq_arn",
                &["https://sqs.eu-central-1.amazonaws.com/123456789012/x"],
            ),
            (4, "region", &["", "Frankfurt", "eu central 1"]),
        ] {
            for value in wrong {
                assert_eq!(member(position, value), Some(name), "{value}");
            }
        }
    }
}
