//! The definitions of figures, which answers show beside the figures.

use std::collections::BTreeMap;

use domain::indicators::FigureDefinition;
use serde::Serialize;
use utoipa::ToSchema;

/// The definition of a figure in words.
#[derive(Serialize, ToSchema)]
pub(crate) struct DefinitionView {
    /// What is counted or measured.
    #[schema(example = "Scheduled minutes whose cycle completed.")]
    numerator: &'static str,
    /// The whole that the numerator is a part of.
    #[schema(example = "Scheduled minutes that ended.")]
    denominator: &'static str,
    /// What is not counted.
    #[schema(example = "Skipped minutes, which were not core's to poll.")]
    excluded: &'static str,
}

/// Renders the definitions, by the name of the figure.
pub(crate) fn render_definitions(
    definitions: &[FigureDefinition],
) -> BTreeMap<&'static str, DefinitionView> {
    definitions
        .iter()
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
