//! What a change says of one value that may be missing: keep it, take it away, set it. Must not know the value.

use serde::{Deserialize, Deserializer};

/// One member of a change. In JSON, with `#[serde(default)]`: missing, null, or a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Change<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// It is taken away.
    Remove,
    /// It becomes this.
    Set(T),
}

impl<T> Change<T> {
    /// The same about a value made of this one.
    pub fn try_map<U, E>(self, make: impl FnOnce(T) -> Result<U, E>) -> Result<Change<U>, E> {
        Ok(match self {
            Self::Keep => Change::Keep,
            Self::Remove => Change::Remove,
            Self::Set(value) => Change::Set(make(value)?),
        })
    }

    /// Nothing where it stays, else what `parse` makes of the value, or of null.
    pub fn parse_with<U, E>(
        &self,
        parse: impl FnOnce(Option<&T>) -> Result<U, E>,
    ) -> Result<Option<U>, E> {
        match self {
            Self::Keep => Ok(None),
            Self::Remove => parse(None).map(Some),
            Self::Set(value) => parse(Some(value)).map(Some),
        }
    }

    /// The same without owning the value.
    pub fn as_ref(&self) -> Change<&T> {
        match self {
            Self::Keep => Change::Keep,
            Self::Remove => Change::Remove,
            Self::Set(value) => Change::Set(value),
        }
    }

    /// Whether anything is said.
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// What is to be set, if anything is.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Keep | Self::Remove => None,
            Self::Set(value) => Some(value),
        }
    }
}

impl<T: PartialEq> Change<T> {
    /// Sets the value; true where it is another one than before. For what can't be taken away.
    pub fn apply(self, field: &mut T) -> bool {
        match self {
            Self::Set(value) if value != *field => {
                *field = value;
                true
            }
            Self::Set(_) | Self::Keep | Self::Remove => false,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Option::deserialize(from).map(|value| value.map_or(Self::Remove, Self::Set))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Body {
        #[serde(default)]
        website: Change<String>,
    }

    #[test]
    fn missing_null_and_a_value_are_three_things() {
        let read = |json| serde_json::from_str::<Body>(json).map(|body| body.website);
        assert_eq!(read("{}").unwrap(), Change::Keep);
        assert_eq!(read(r#"{"website": null}"#).unwrap(), Change::Remove);
        assert_eq!(
            read(r#"{"website": "x"}"#).unwrap(),
            Change::Set("x".to_owned())
        );
        assert!(read(r#"{"website": 1}"#).is_err());
    }
}
