//! An event as one JSON object: its own fields and those of the spans around it, side by side, so that
//! `trace_id` is found in one place whoever wrote the line.

use std::error::Error;
use std::fmt::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::{LookupSpan, Scope};

/// The format; spans must keep their fields as JSON (`JsonFields`).
pub struct JsonLine;

/// A line. Line breaks and other control characters of a value are escaped by JSON itself, so that no
/// value can end the line or begin another.
#[derive(Serialize)]
struct Line<'a> {
    timestamp: String,
    level: &'a str,
    target: &'a str,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        let mut fields = Map::new();
        for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
            let extensions = span.extensions();
            let of_span = extensions
                .get::<FormattedFields<N>>()
                .and_then(|formatted| serde_json::from_str::<Map<_, _>>(formatted).ok());
            fields.extend(of_span.unwrap_or_default());
        }
        event.record(&mut Fields(&mut fields));
        let metadata = event.metadata();
        let line = Line {
            timestamp,
            level: metadata.level().as_str(),
            target: metadata.target(),
            fields,
        };
        let line = serde_json::to_string(&line).map_err(|_| fmt::Error)?;
        writeln!(writer, "{line}")
    }
}

/// Takes an event's fields, the innermost word on each name.
struct Fields<'a>(&'a mut Map<String, Value>);

impl Fields<'_> {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    /// With what it comes from: the first words alone seldom say what to do.
    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut chain = value.to_string();
        let mut source = value.source();
        while let Some(error) = source {
            // Writing to a text does not fail.
            let _ = write!(chain, ": {error}");
            source = error.source();
        }
        self.put(field, chain);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::MakeWriter;
    use tracing_subscriber::fmt::format::JsonFields;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("lines").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Lines {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    fn logged(act: impl FnOnce()) -> Vec<Value> {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::fmt()
            .fmt_fields(JsonFields::new())
            .event_format(JsonLine)
            .with_writer(lines.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, act);
        let written = lines.0.lock().expect("lines").clone();
        let text = String::from_utf8(written).expect("text");
        text.lines()
            .map(|line| serde_json::from_str(line).expect("one object a line"))
            .collect()
    }

    #[test]
    fn a_line_has_the_fields_of_its_spans_beside_its_own() {
        let lines = logged(|| {
            let outer = tracing::error_span!("request", trace_id = "t1", "http.route" = "/a/{b}");
            outer.in_scope(|| {
                let inner = tracing::error_span!("inner", cycle_id = %7, trace_id = "t2");
                inner.in_scope(|| tracing::info!(accepted = 3, ok = true, "done"));
                tracing::warn!("degraded");
            });
        });
        assert_eq!(lines.len(), 2);
        let expected = serde_json::json!({
            "level": "INFO", "message": "done", "trace_id": "t2", "http.route": "/a/{b}",
            "cycle_id": "7", "accepted": 3, "ok": true});
        for (name, value) in expected.as_object().expect("an object") {
            assert_eq!(lines[0][name], *value, "{name}");
        }
        assert_eq!(lines[1]["trace_id"], "t1");
        assert_eq!(lines[1].get("cycle_id"), None);
        let time = lines[1]["timestamp"].as_str().expect("a time");
        chrono::DateTime::parse_from_rfc3339(time).expect("RFC 3339");
    }

    #[test]
    fn no_value_ends_its_line() {
        let hostile = "a\nb\r\n{\"level\":\"ERROR\"}\u{2028}\u{1b}[31m\0\"\\";
        let lines = logged(|| {
            tracing::error_span!("request", path = hostile)
                .in_scope(|| tracing::info!(id = hostile, shown = ?hostile, "{hostile}"));
        });
        assert_eq!(lines.len(), 1);
        for name in ["path", "id", "message"] {
            assert_eq!(lines[0][name], hostile, "{name}");
        }
    }

    #[test]
    fn an_error_says_where_it_comes_from() {
        let error = anyhow::anyhow!("refused").context("no connection");
        let lines = logged(|| tracing::warn!(error = &*error, "degraded"));
        assert_eq!(lines[0]["error"], "no connection: refused");
    }
}
