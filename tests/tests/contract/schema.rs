//! What of a changed schema would break whoever reads or writes by it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::breaks::{Comparison, Written, members, resolved};

impl<'d> Comparison<'d> {
    pub fn schema(&mut self, place: &str, old: &'d Value, new: &'d Value, written: Written) {
        let pair = (old["$ref"].to_string(), new["$ref"].to_string());
        let named = pair.0 != "null" && pair.1 != "null";
        if named && self.within.contains(&pair) {
            return;
        }
        if named {
            self.within.push(pair);
        }
        let (old, new) = (resolved(self.old, old), resolved(self.new, new));
        self.types(place, old, new, written);
        self.words(place, old, new, written);
        self.limits(place, old, new, written);
        self.choices(place, old, new, written);
        self.members(place, old, new, written);
        if !old["items"].is_null() {
            self.schema(
                &format!("{place}/items"),
                &old["items"],
                &new["items"],
                written,
            );
        }
        if named {
            self.within.pop();
        }
    }

    /// The writer may become more definite, never the reader.
    fn types(&mut self, place: &str, old: &Value, new: &Value, written: Written) {
        let (before, after) = (types(old), types(new));
        let (said, understood) = match written {
            Written::ByClients => (before, after),
            Written::ByService => (after, before),
        };
        let fits = |one: &str| {
            understood.contains(one) || one == "integer" && understood.contains("number")
        };
        let unlimited = understood.is_empty();
        if !unlimited && (said.is_empty() || !said.iter().all(|one| fits(one))) {
            self.report(
                place,
                &format!("has the type {} where it had {}", new["type"], old["type"]),
            );
        }
        if old["format"] != new["format"]
            && (written == Written::ByService || !new["format"].is_null())
        {
            self.report(
                place,
                &format!(
                    "has the format {} where it had {}",
                    new["format"], old["format"]
                ),
            );
        }
    }

    fn words(&mut self, place: &str, old: &Value, new: &Value, written: Written) {
        let (said, understood) = match written {
            Written::ByClients => (old, new),
            Written::ByService => (new, old),
        };
        let Some(understood) = understood["enum"].as_array() else {
            return;
        };
        match said["enum"].as_array() {
            Some(said) if said.iter().all(|word| understood.contains(word)) => {}
            _ => self.report(
                place,
                &format!("has the words {} where it had {}", new["enum"], old["enum"]),
            ),
        }
    }

    /// What clients write may not be narrowed; what the service writes may.
    fn limits(&mut self, place: &str, old: &Value, new: &Value, written: Written) {
        if written == Written::ByService {
            return;
        }
        for (limit, is_upper) in [
            ("minimum", false),
            ("minLength", false),
            ("minItems", false),
            ("maximum", true),
            ("maxLength", true),
            ("maxItems", true),
        ] {
            let Some(after) = new[limit].as_f64() else {
                continue;
            };
            let kept = old[limit].as_f64().is_some_and(|before| {
                if is_upper {
                    after >= before
                } else {
                    after <= before
                }
            });
            if !kept {
                self.report(
                    place,
                    &format!("has the {limit} {after} where it had {}", old[limit]),
                );
            }
        }
        // Which of two patterns is wider is not told here.
        if !new["pattern"].is_null() && new["pattern"] != old["pattern"] {
            self.report(place, "has another pattern");
        }
    }

    fn choices(&mut self, place: &str, old: &'d Value, new: &'d Value, written: Written) {
        for choice in ["oneOf", "anyOf", "allOf"] {
            let (Some(before), Some(after)) = (old[choice].as_array(), new[choice].as_array())
            else {
                if old[choice].is_array() || new[choice].is_array() {
                    self.report(place, &format!("has another {choice}"));
                }
                continue;
            };
            let swapped = written == Written::ByService && choice != "allOf";
            let (said, understood) = if swapped {
                (after, before)
            } else {
                (before, after)
            };
            for one in said {
                let fits = understood.iter().any(|other| {
                    let (was, is) = if swapped { (other, one) } else { (one, other) };
                    self.apart(was, is, written).is_empty()
                });
                if !fits {
                    self.report(place, &format!("has another {choice}"));
                }
            }
        }
    }

    /// What a comparison of two schemas finds, on its own.
    fn apart(&self, old: &'d Value, new: &'d Value, written: Written) -> Vec<String> {
        let mut comparison = Comparison {
            found: Vec::new(),
            within: self.within.clone(),
            ..*self
        };
        comparison.schema("", old, new, written);
        comparison.found
    }

    fn members(&mut self, place: &str, old: &'d Value, new: &'d Value, written: Written) {
        let (before, after) = (required(old), required(new));
        for (name, member) in members(&old["properties"]) {
            let place = format!("{place}/{name}");
            match new["properties"].get(name) {
                Some(kept) => self.schema(&place, member, kept, written),
                None => self.report(&place, "is gone"),
            }
            if written == Written::ByService && before.contains(name) && !after.contains(name) {
                self.report(&place, "may be absent");
            }
        }
        if written == Written::ByClients {
            for name in after.difference(&before) {
                self.report(&format!("{place}/{name}"), "is required");
            }
            if new["additionalProperties"] == false && old["additionalProperties"] != false {
                self.report(place, "takes no other members");
            }
        }
        if let (Some(Value::Object(_)), Some(Value::Object(_))) = (
            old.get("additionalProperties"),
            new.get("additionalProperties"),
        ) {
            let place = format!("{place}/*");
            self.schema(
                &place,
                &old["additionalProperties"],
                &new["additionalProperties"],
                written,
            );
        }
    }
}

/// The types that a schema names; none is any.
fn types(schema: &Value) -> BTreeSet<&str> {
    match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

fn required(schema: &Value) -> BTreeSet<&str> {
    schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}
