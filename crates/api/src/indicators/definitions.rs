//! What figures count, beside the figures.

use std::collections::BTreeMap;

use domain::indicators::FigureDefinition;
use serde::Serialize;
use utoipa::ToSchema;

/// What a figure counts, in words.
#[derive(Serialize, ToSchema)]
pub(crate) struct DefinitionView {
    /// What is counted or measured.
    #[schema(example = "Scheduled minutes whose cycle completed.")]
    numerator: &'static str,
    /// Of what.
    #[schema(example = "Scheduled minutes that ended.")]
    denominator: &'static str,
    /// What is left out.
    #[schema(example = "Skipped minutes, which were not core's to poll.")]
    excluded: &'static str,
}

/// By figure.
pub(crate) fn definitions(of: &[FigureDefinition]) -> BTreeMap<&'static str, DefinitionView> {
    of.iter()
        .map(|definition| {
            let view = DefinitionView {
                numerator: definition.numerator,
                denominator: definition.denominator,
                excluded: definition.excluded,
            };
            (definition.figure, view)
        })
        .collect()
}
