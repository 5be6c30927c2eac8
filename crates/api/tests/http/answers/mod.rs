//! Each shape of the contract, as one whole answer.
//!
//! A member that comes, goes or changes its type shows here; what the members mean is told by the other
//! files. `INSTA_UPDATE=new cargo test` writes the new answers beside these files, as `cargo insta` reads
//! them.

mod configuration;
mod cutover;
mod cycles;
mod health;
mod ingest;
mod issues;
mod overview;
mod problems;
mod provider_ingest;
mod quarantine;
mod records;
mod snapshots;
mod vehicle_snapshots;
mod worklists;

use serde_json::Value;

/// Members that advise or define in sentences; what these say is told elsewhere.
const ADVICE: [&str; 4] = ["next_step", "numerator", "denominator", "excluded"];

/// Writes an answer as JSON, with words in place of ids that are new each time. The same id is the same
/// word, so that the answer still says what is one and the same.
fn shape(answer: &Value) -> String {
    let mut text = String::new();
    write_json(&mut text, &Words::default().in_place_of_ids(answer), 0);
    text
}

/// Writes what fits a line into one, and of anything longer a line for each member.
fn write_json(text: &mut String, value: &Value, indent: usize) {
    const WIDTH: usize = 110;
    let line = in_one_line(value);
    let (open, close, items): (_, _, Vec<(String, &Value)>) = match value {
        Value::Object(members) if line.len() + indent > WIDTH => {
            let named = members
                .iter()
                .map(|(name, member)| (format!("\"{name}\": "), member));
            ('{', '}', named.collect())
        }
        Value::Array(items) if line.len() + indent > WIDTH => (
            '[',
            ']',
            items.iter().map(|item| (String::new(), item)).collect(),
        ),
        _ => return text.push_str(&line),
    };
    text.push(open);
    for (at, (name, item)) in items.iter().enumerate() {
        text.push_str(if at == 0 { "\n" } else { ",\n" });
        text.push_str(&" ".repeat(indent + 2));
        text.push_str(name);
        write_json(text, item, indent + 2);
    }
    text.push('\n');
    text.push_str(&" ".repeat(indent));
    text.push(close);
}

fn in_one_line(value: &Value) -> String {
    let list = |items: Vec<String>| items.join(", ");
    match value {
        Value::Object(members) => {
            let named = members
                .iter()
                .map(|(name, member)| format!("\"{name}\": {}", in_one_line(member)));
            format!("{{{}}}", list(named.collect()))
        }
        Value::Array(items) => format!("[{}]", list(items.iter().map(in_one_line).collect())),
        other => other.to_string(),
    }
}

/// Ids met so far, in their order.
#[derive(Default)]
struct Words {
    uuids: Vec<String>,
    traces: Vec<String>,
}

impl Words {
    fn in_place_of_ids(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) if is_uuid(text) => word("uuid", &mut self.uuids, text),
            Value::String(text) if is_trace(text) => word("trace", &mut self.traces, text),
            Value::Array(items) => items
                .iter()
                .map(|item| self.in_place_of_ids(item))
                .collect(),
            Value::Object(members) => members
                .iter()
                .map(|(name, member)| {
                    let is_advice = member.is_string() && ADVICE.contains(&name.as_str());
                    let member = if is_advice {
                        "<text>".into()
                    } else {
                        self.in_place_of_ids(member)
                    };
                    (name.clone(), member)
                })
                .collect::<serde_json::Map<_, _>>()
                .into(),
            other => other.clone(),
        }
    }
}

fn word(kind: &str, met: &mut Vec<String>, id: &str) -> Value {
    let at = met.iter().position(|known| known == id).unwrap_or_else(|| {
        met.push(id.to_owned());
        met.len() - 1
    });
    format!("<{kind} {}>", at + 1).into()
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::parse_str(text).is_ok()
}

fn is_trace(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
