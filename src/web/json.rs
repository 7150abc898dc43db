//! JSON read strictly: no repeated keys, no lists for objects, and the places of text that Postgres can't store. Must not know any schema.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// A JSON value whose objects have no key twice.
pub(crate) struct UniqueKeys(pub(crate) Value);

impl<'de> Deserialize<'de> for UniqueKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor).map(UniqueKeys)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    /// A number without a fraction is whole however it is written: `1.0` is an integer to JSON Schema (6.1.1).
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        if let Ok(whole) = value.to_string().parse::<i64>() {
            return Ok(whole.into());
        }
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(UniqueKeys(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((key, UniqueKeys(value))) = members.next_entry::<String, UniqueKeys>()? {
            if object.insert(key, value).is_some() {
                return Err(serde::de::Error::custom("a key stands twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

/// A struct within a body that is read from an object only: serde takes a list of its members for one too.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_map(ObjectVisitor(PhantomData))
            .map(Object)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members))
    }
}

/// For `#[serde(default, deserialize_with = "…")]`: an object or null.
pub fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let read = Option::<Object<T>>::deserialize(deserializer)?;
    Ok(read.map(|Object(value)| value))
}

/// For `#[serde(default, deserialize_with = "…")]`: a list of objects, or null.
pub fn objects<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error> {
    let read = Option::<Vec<Object<T>>>::deserialize(deserializer)?;
    Ok(read.map(|list| list.into_iter().map(|Object(value)| value).collect()))
}

/// Takes out every string that holds NUL (Postgres can't store it); returns the paths, as `decisions[3].note`.
/// A key that holds NUL is taken out without a path: no field has such a name.
pub(crate) fn take_out_nul(value: &mut Value) -> Vec<String> {
    let mut paths = Vec::new();
    walk(value, String::new(), &mut paths);
    paths
}

fn walk(value: &mut Value, path: String, paths: &mut Vec<String>) {
    match value {
        Value::String(text) if text.contains('\0') => {
            paths.push(path);
            *value = Value::Null;
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                walk(item, format!("{path}[{index}]"), paths);
            }
        }
        Value::Object(members) => {
            members.retain(|key, _| !key.contains('\0'));
            for (key, member) in members {
                let inner = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                walk(member, inner, paths);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_stands_twice_is_an_error_at_any_depth() {
        for text in [r#"{"a":1,"a":2}"#, r#"{"a":[{"b":1,"b":1}]}"#] {
            assert!(serde_json::from_str::<UniqueKeys>(text).is_err(), "{text}");
        }
        let fine =
            serde_json::from_str::<UniqueKeys>(r#"{"a":{"b":1},"b":[1.5,null,true,"x",-1]}"#)
                .unwrap()
                .0;
        assert_eq!(
            fine,
            serde_json::json!({"a": {"b": 1}, "b": [1.5, null, true, "x", -1]})
        );
    }

    #[test]
    fn a_number_without_a_fraction_is_whole() {
        for (text, read) in [
            ("1.0", serde_json::json!(1)),
            ("-1e3", serde_json::json!(-1000)),
            ("-0.0", serde_json::json!(0)),
            ("1.5", serde_json::json!(1.5)),
            ("1e300", serde_json::json!(1e300)),
        ] {
            assert_eq!(serde_json::from_str::<UniqueKeys>(text).unwrap().0, read);
        }
    }

    #[test]
    fn text_with_nul_is_named_by_its_path() {
        let mut value = serde_json::json!({"name": "a\0b", "list": [{"note": "\0"}, "fine"]});
        let mut paths = take_out_nul(&mut value);
        paths.sort();
        assert_eq!(paths, ["list[0].note", "name"]);
        assert_eq!(value["list"][1], "fine");
    }
}
