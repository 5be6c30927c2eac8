//! The choice between JSON and CSV for a list, by the header `Accept` (RFC 9110, section 12.5.1).

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};

/// The media type in which a list is answered. It is JSON if the caller accepts neither, because a list in the
/// usual form helps more than a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListForm {
    /// One page as JSON.
    Json,
    /// All rows as CSV.
    Csv,
}

impl<S: Send + Sync> FromRequestParts<S> for ListForm {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        // HEAD has no body, so it gets JSON, which costs one page instead of a whole export.
        Ok(if parts.method == Method::HEAD {
            Self::Json
        } else {
            Self::from_headers(&parts.headers)
        })
    }
}

impl ListForm {
    fn from_headers(headers: &HeaderMap) -> Self {
        let ranges: Vec<MediaRange> = headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(MediaRange::parse)
            .collect();
        let quality = |kind: &str, subkind: &str| {
            let matching = ranges.iter().filter_map(|range| {
                Some((range.specificity(kind, subkind)?, range.quality_permille))
            });
            // The most specific range decides; of equally specific ones the first.
            matching
                .rev()
                .max_by_key(|(specificity, _)| *specificity)
                .map_or(0, |(_, quality)| quality)
        };
        if quality("text", "csv") > quality("application", "json") {
            Self::Csv
        } else {
            Self::Json
        }
    }
}

/// A media range of `Accept` with its quality.
struct MediaRange {
    kind: String,
    subkind: String,
    quality_permille: u32,
}

impl MediaRange {
    fn parse(text: &str) -> Self {
        let mut parts = text.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default().to_ascii_lowercase();
        let (kind, subkind) = media.split_once('/').unwrap_or_default();
        let quality = parts.find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.eq_ignore_ascii_case("q").then_some(value)
        });
        Self {
            kind: kind.to_owned(),
            subkind: subkind.to_owned(),
            quality_permille: quality.map_or(1000, parse_quality_permille),
        }
    }

    /// Returns how specifically the range matches a media type, or `None` if it does not match.
    fn specificity(&self, kind: &str, subkind: &str) -> Option<u8> {
        match (self.kind.as_str(), self.subkind.as_str()) {
            (k, s) if k == kind && s == subkind => Some(2),
            (k, "*") if k == kind => Some(1),
            ("*", "*") => Some(0),
            _ => None,
        }
    }
}

/// Parses a quality of 0 to 1 with up to three decimals. Anything else counts as 0, not wanted.
fn parse_quality_permille(text: &str) -> u32 {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = decimals.len() <= 3 && decimals.bytes().all(|byte| byte.is_ascii_digit());
    match whole {
        "0" if digits => format!("{decimals:0<3}").parse().unwrap_or(0),
        "1" if digits => 1000,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_is_chosen_only_if_it_is_preferred_to_json() {
        use ListForm::{Csv, Json};
        for (accept, expected) in [
            ("", Json),
            ("*/*", Json),
            ("application/json", Json),
            ("text/csv", Csv),
            ("Text/CSV; charset=utf-8", Csv),
            ("text/*", Csv),
            ("text/csv, */*;q=0.1", Csv),
            ("text/csv;q=0.9, application/json", Json),
            ("application/json;q=0.8, text/csv;q=0.9", Csv),
            ("text/csv;q=0, */*", Json),
            ("text/csv;q=0", Json),
            ("text/csv, application/json", Json),
            ("image/png", Json),
            ("text/csv;q=nonsense", Json),
            (";,/", Json),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().expect("a header"));
            assert_eq!(ListForm::from_headers(&headers), expected, "{accept}");
        }
        assert_eq!(ListForm::from_headers(&HeaderMap::new()), Json);
    }
}
