//! Parsing JSON that may be larger than anybody needs: what is beyond a bound is never held in memory.

use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::JsonText;

/// Deserializes a list of at most `MOST` elements.
///
/// # Errors
/// The deserializer's, and when there are more elements.
pub fn deserialize_bounded_list<'de, const MOST: usize, T, D>(
    deserializer: D,
) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    struct AtMost<const MOST: usize, T>(PhantomData<T>);
    impl<'de, const MOST: usize, T: Deserialize<'de>> Visitor<'de> for AtMost<MOST, T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {MOST}")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
            let mut elements = Vec::new();
            while let Some(element) = list.next_element()? {
                if elements.len() == MOST {
                    return Err(A::Error::invalid_length(MOST + 1, &self));
                }
                elements.push(element);
            }
            Ok(elements)
        }
    }
    deserializer.deserialize_seq(AtMost::<MOST, T>(PhantomData))
}

/// Returns the members of a JSON object whose names are wanted, not parsed yet. Of members of one name the last
/// counts.
///
/// # Errors
/// When the bytes are not one JSON object.
pub fn select_members(
    json: &[u8],
    wanted: impl Fn(&str) -> bool,
) -> Result<HashMap<String, &RawValue>, serde_json::Error> {
    struct Members<F>(F);
    impl<'de, F: Fn(&str) -> bool> Visitor<'de> for Members<F> {
        type Value = HashMap<String, &'de RawValue>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
            let mut members = HashMap::new();
            while let Some(JsonText(name)) = object.next_key()? {
                if (self.0)(&name) {
                    members.insert(name.into_owned(), object.next_value()?);
                } else {
                    object.next_value::<IgnoredAny>()?;
                }
            }
            Ok(members)
        }
    }
    impl<'de, F: Fn(&str) -> bool> DeserializeSeed<'de> for Members<F> {
        type Value = HashMap<String, &'de RawValue>;

        fn deserialize<D: Deserializer<'de>>(
            self,
            deserializer: D,
        ) -> Result<Self::Value, D::Error> {
            deserializer.deserialize_map(self)
        }
    }
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let members = Members(wanted).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Three(#[serde(deserialize_with = "deserialize_bounded_list::<3, _, _>")] Vec<u8>);

    #[test]
    fn a_list_has_an_end() {
        let read = |json: &str| serde_json::from_str::<Three>(json).map(|Three(list)| list.len());
        assert_eq!(read("[]").ok(), Some(0));
        assert_eq!(read("[1,2,3]").ok(), Some(3));
        assert!(read("[1,2,3,4]").is_err());
        assert!(read("{}").is_err());
    }

    #[test]
    fn only_what_is_wanted_is_held() {
        let read = |json: &str| -> Option<Vec<(String, String)>> {
            let members = select_members(json.as_bytes(), |name| name.starts_with('a')).ok()?;
            let mut members: Vec<_> = members
                .into_iter()
                .map(|(name, json)| (name, json.get().to_owned()))
                .collect();
            members.sort();
            Some(members)
        };
        let held = |pairs: &[(&str, &str)]| {
            let owned = |(name, json): &(&str, &str)| ((*name).to_owned(), (*json).to_owned());
            Some(pairs.iter().map(owned).collect::<Vec<_>>())
        };
        assert_eq!(read("{}"), held(&[]));
        assert_eq!(
            read(r#" {"a":1,"b":{"a":2},"\u0061b":[3],"a":4} "#),
            held(&[("a", "4"), ("ab", "[3]")])
        );
        for json in ["", "[]", "null", r#"{"b":}"#, r#"{"a":1} 2"#, r#"{"b":1"#] {
            assert_eq!(read(json), None, "{json}");
        }
    }
}
