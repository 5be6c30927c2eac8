//! Definitions of the figures, in words.

/// The definition of a figure. The denominator of a figure that is no share says what the figure is taken
/// from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FigureDefinition {
    /// The name of the figure in the answer.
    pub figure: &'static str,
    /// The things that are counted or measured.
    pub numerator: &'static str,
    /// The things that the figure is a share of, or is taken from.
    pub denominator: &'static str,
    /// The things that are left out.
    pub excluded: &'static str,
}

/// The definitions of a workspace's indicators.
pub const DEFINITIONS: [FigureDefinition; 7] = [
    FigureDefinition {
        figure: "cycles",
        numerator: "Scheduled minutes by what became of them: completed, partial, failed, skipped, expired and abandoned as their cycle ended, missed where no trigger came in time. A missed minute counts as missed alone, also when a recovery cycle made up for it; open are those whose cycle still waits or runs.",
        denominator: "scheduled: the minutes within the window that have a record, each once, however often it was triggered, retried or taken over.",
        excluded: "Cycles that were asked for by hand; minutes before core began to poll the workspace, and those of an outage that lie more than 24 hours before its end, which have no record.",
    },
    FigureDefinition {
        figure: "success_percent",
        numerator: "Scheduled minutes whose cycle completed: every connection that was asked answered.",
        denominator: "Scheduled minutes that ended completed, partial, failed, missed, expired or abandoned.",
        excluded: "Skipped minutes, which were not core's to poll; minutes whose cycle has not ended.",
    },
    FigureDefinition {
        figure: "age_seconds",
        numerator: "Whole seconds since core last accepted an update of a device, now: the same in every window. Percentiles are nearest ranks.",
        denominator: "Active devices with an accepted update since their activation.",
        excluded: "Devices that have not reported since their activation.",
    },
    FigureDefinition {
        figure: "lag_seconds",
        numerator: "Whole seconds between the newest observation held of a device and the acceptance of its latest update, now: the same in every window. Percentiles are nearest ranks.",
        denominator: "Active devices with an accepted update since their activation.",
        excluded: "Devices that have not reported since their activation.",
    },
    FigureDefinition {
        figure: "start_deviation_seconds",
        numerator: "Seconds from the due time of a scheduled minute's cycle to when an instance first took it. Percentiles are nearest ranks.",
        denominator: "Scheduled minutes within the window whose cycle was taken.",
        excluded: "Recovery cycles, whose minutes count as missed; cycles that were asked for by hand.",
    },
    FigureDefinition {
        figure: "coverage_percent",
        numerator: "Devices that the provider's answers named, summed over the polls of connections.",
        denominator: "Active devices of the connections when they were polled, summed over the polls that ended within the window, in cycles of any trigger.",
        excluded: "Connections that were not asked: switched off, of a type that is not polled or not admitted. One that is left alone because it keeps failing counts, as not answering.",
    },
    FigureDefinition {
        figure: "within_5_minutes_percent",
        numerator: "Device-time in which the device's latest accepted update was at most 300 s old.",
        denominator: "Device-time of active devices, from the end of one cycle to the end of the next, over the cycles that ended within the window, and from the last one to now. The first such span can begin before the window, by 7 days at most.",
        excluded: "Time before a device's first accepted update, within its grace period; a device's span that ended with a cycle in which its provider was unavailable, and for the time since the last cycle, that one; time in which core did not poll the workspace; devices that were not active when the span ended.",
    },
];

/// The definitions of the figures in the overview of all workspaces.
pub const OVERVIEW_DEFINITIONS: [FigureDefinition; 3] = [
    FigureDefinition {
        figure: "within_5_minutes_percent",
        numerator: "Devices whose latest accepted update is at most 300 s old, now.",
        denominator: "Active devices.",
        excluded: "Devices that await their first data; devices that are not healthy while their provider is unavailable.",
    },
    FigureDefinition {
        figure: "cycle_success_percent_24h",
        numerator: "Scheduled minutes whose cycle completed: every connection that was asked answered.",
        denominator: "Scheduled minutes that ended completed, partial, failed, missed, expired or abandoned, in the present hour (UTC) and the 23 before it. A minute that nothing triggered in time is missed, also when a recovery cycle made up for it.",
        excluded: "Skipped minutes, which were not core's to poll; minutes whose cycle has not ended; cycles that were asked for by hand.",
    },
    FigureDefinition {
        figure: "p95_age_seconds",
        numerator: "Whole seconds since core last accepted an update of a device, now: the nearest rank of 95 in a hundred.",
        denominator: "Active devices with an accepted update since their activation.",
        excluded: "Devices that have not reported since their activation.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_figure_is_defined_once_and_in_full() {
        defined(&DEFINITIONS);
        defined(&OVERVIEW_DEFINITIONS);
    }

    fn defined(definitions: &[FigureDefinition]) {
        for definition in definitions {
            let same = definitions
                .iter()
                .filter(|other| other.figure == definition.figure);
            assert_eq!(same.count(), 1, "{}", definition.figure);
            for text in [
                definition.numerator,
                definition.denominator,
                definition.excluded,
            ] {
                assert!(text.ends_with('.'), "{}", definition.figure);
            }
        }
    }
}
