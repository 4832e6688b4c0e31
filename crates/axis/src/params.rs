//! The parameters of a call: members of the signed JSON object. Loose headers are never looked at: HTTP
//! libraries write their names in small letters, and so `docId` and `docid` become one.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;

use crate::limits::PARAMS_MAX;
use crate::refusal::{Number, Refusal};

/// What the names begin with.
const PREFIX: &str = "XroadVnpt-";

/// Names without the prefix, each spelled as it came, with its value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(BTreeMap<String, String>);

impl Params {
    /// Reads the signed text.
    ///
    /// # Errors
    /// [`Number::Account`]: not a JSON object, a name twice, or too many.
    pub fn read(text: &[u8]) -> Result<Self, Refusal> {
        serde_json::from_slice(text).map_err(|e| {
            Refusal::new(Number::Account, format!("sign-header is not a JSON object of texts: {e}"))
        })
    }

    /// The parameter spelled exactly so.
    pub fn exact(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The parameter spelled so, or else in other letters of either case. An empty value is none.
    pub fn any(&self, name: &str) -> Option<&str> {
        let other = || self.0.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v);
        let value = self.0.get(name).filter(|v| !v.is_empty()).or_else(other)?;
        Some(value.trim()).filter(|v| !v.is_empty())
    }
}

impl<'de> Deserialize<'de> for Params {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Params;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Params, A::Error> {
        let mut params = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if params.len() == PARAMS_MAX {
                return Err(A::Error::custom(format!("more than {PARAMS_MAX} members")));
            }
            let long = name.get(..PREFIX.len()).is_some_and(|p| p.eq_ignore_ascii_case(PREFIX));
            let name = if long { name[PREFIX.len()..].to_owned() } else { name };
            let value = match value {
                Value::String(text) => text,
                Value::Null => String::new(),
                other => other.to_string(),
            };
            // Which of two would count is nobody's to guess.
            if params.insert(name, value).is_some() {
                return Err(A::Error::custom("a member is there twice"));
            }
        }
        Ok(Params(params))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_is_kept_and_found_in_either_case() {
        let params =
            Params::read(br#"{"XroadVnpt-docId":"new","XroadVnpt-docid":"old","pagesize":20}"#)
                .unwrap();
        assert_eq!((params.exact("docId"), params.exact("docid")), (Some("new"), Some("old")));
        assert_eq!(params.any("docId"), Some("new"));
        assert_eq!(params.any("pageSize"), Some("20"));
        assert_eq!(params.any("status"), None);
    }

    #[test]
    fn what_is_no_object_or_says_something_twice_is_refused() {
        for bad in [
            &b""[..],
            b"[]",
            b"\"x\"",
            b"{\"a\":\"1\",\"a\":\"2\"}",
            b"{\"a\":\"1\",\"XroadVnpt-a\":\"2\"}",
            b"{\"a\":\"1\"} x",
            b"{\"a\":\"\xff\"}",
        ] {
            assert!(Params::read(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
        let many: String = (0..200).map(|i| format!("\"m{i}\":\"\",")).collect();
        assert!(Params::read(format!("{{{}}}", many.trim_end_matches(',')).as_bytes()).is_err());
    }
}
