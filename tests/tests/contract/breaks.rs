//! What of a changed OpenAPI document would break a client that was written against the one before.

use serde_json::Value;

/// Every break of `new` against `old`, each with its place.
pub fn breaks(old: &Value, new: &Value) -> Vec<String> {
    let mut comparison = Comparison {
        old,
        new,
        found: Vec::new(),
        within: Vec::new(),
    };
    for (path, item) in members(&old["paths"]) {
        for (method, operation) in members(item) {
            let place = format!("{} {path}", method.to_uppercase());
            match new["paths"][path].get(method) {
                Some(kept) => comparison.operation(&place, operation, kept),
                None => comparison.report(&place, "is gone"),
            }
        }
    }
    comparison.found
}

/// Who writes what a schema describes: clients, who must still be understood, or the service, whom they
/// must still understand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Written {
    ByClients,
    ByService,
}

pub struct Comparison<'d> {
    pub old: &'d Value,
    pub new: &'d Value,
    pub found: Vec<String>,
    /// Pairs of components under comparison: a schema may hold itself.
    pub within: Vec<(String, String)>,
}

impl<'d> Comparison<'d> {
    pub fn report(&mut self, place: &str, what: &str) {
        self.found.push(format!("{place} {what}"));
    }

    fn operation(&mut self, place: &str, old: &'d Value, new: &'d Value) {
        if is_open(old) && !is_open(new) {
            self.report(place, "needs a token");
        }
        self.parameters(place, old, new);
        self.body(place, &old["requestBody"], &new["requestBody"]);
        for (status, response) in
            members(&old["responses"]).filter(|(status, _)| status.starts_with('2'))
        {
            let place = format!("{place} {status}");
            match new["responses"].get(status) {
                Some(kept) => self.response(&place, response, kept),
                None => self.report(&place, "is gone"),
            }
        }
    }

    fn parameters(&mut self, place: &str, old: &'d Value, new: &'d Value) {
        let before = parameters(self.old, old);
        let after = parameters(self.new, new);
        for (key, was) in &before {
            let place = format!("{place} parameter {key}");
            let Some((_, is)) = after.iter().find(|(kept, _)| kept == key) else {
                self.report(&place, "is gone");
                continue;
            };
            if is["required"] == true && was["required"] != true {
                self.report(&place, "is required");
            }
            self.schema(&place, &was["schema"], &is["schema"], Written::ByClients);
        }
        for (key, parameter) in &after {
            if parameter["required"] == true && before.iter().all(|(known, _)| known != key) {
                self.report(&format!("{place} parameter {key}"), "is new and required");
            }
        }
    }

    fn body(&mut self, place: &str, old: &'d Value, new: &'d Value) {
        let (old, new) = (resolved(self.old, old), resolved(self.new, new));
        let place = format!("{place} body");
        if new["required"] == true && old["required"] != true {
            self.report(&place, "is required");
        }
        self.content(&place, old, new, Written::ByClients);
    }

    fn response(&mut self, place: &str, old: &'d Value, new: &'d Value) {
        let (old, new) = (resolved(self.old, old), resolved(self.new, new));
        for (name, header) in members(&old["headers"]) {
            let sent = &new["headers"][name];
            let was_certain = resolved(self.old, header)["required"] == true;
            if sent.is_null() || was_certain && resolved(self.new, sent)["required"] != true {
                self.report(&format!("{place} header {name}"), "is gone");
            }
        }
        self.content(place, old, new, Written::ByService);
    }

    fn content(&mut self, place: &str, old: &'d Value, new: &'d Value, written: Written) {
        for (media_type, media) in members(&old["content"]) {
            let place = format!("{place} {media_type}");
            match new["content"].get(media_type) {
                Some(kept) => self.schema(&place, &media["schema"], &kept["schema"], written),
                None => self.report(&place, "is gone"),
            }
        }
    }
}

pub fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, member)| (name.as_str(), member))
}

/// What a reference leads to in its document; anything else is itself.
pub fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    match value["$ref"]
        .as_str()
        .and_then(|reference| document.pointer(reference.trim_start_matches('#')))
    {
        Some(target) => resolved(document, target),
        None => value,
    }
}

fn is_open(operation: &Value) -> bool {
    operation["security"].as_array().is_none_or(Vec::is_empty)
}

/// Parameters by place and name.
fn parameters<'d>(document: &'d Value, operation: &'d Value) -> Vec<(String, &'d Value)> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    parameters
        .map(|parameter| resolved(document, parameter))
        .map(|parameter| {
            (
                format!("{} {}", parameter["in"], parameter["name"]),
                parameter,
            )
        })
        .collect()
}
