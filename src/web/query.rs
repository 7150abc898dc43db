//! Query strings read strictly: percent-encoding must be whole, nothing twice but what may repeat.
//! Must not know which parameters an operation has.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::input::decode_address;
use super::problem::ApiError;
use crate::base::codes::Code;
use crate::base::paging::Limit;

/// The decoded parameters of a query string, in their order.
#[derive(Debug)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads what follows the `?`.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        let mut parameters = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decode = |part| {
                decode_address(part)
                    .ok_or_else(|| invalid("the query string's percent-encoding is broken"))
            };
            parameters.push((decode(name)?, decode(value)?));
        }
        Ok(Self(parameters))
    }

    /// The parameter's value; an error when it stands twice.
    pub fn find(&self, name: &'static str) -> Result<Option<&str>, ApiError> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(invalid(format!("the parameter {name} stands twice"))),
            (value, None) => Ok(value),
        }
    }

    /// The parameter's value; an error when it is missing.
    pub fn require(&self, name: &'static str) -> Result<&str, ApiError> {
        self.find(name)?
            .ok_or_else(|| invalid(format!("the parameter {name} is missing")))
    }

    /// Every value of a parameter that may repeat.
    pub fn all(&self, name: &'static str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The parameter read by `parse`; an error when it is there and `parse` finds nothing in it.
    pub fn parsed<T>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        self.find(name)?
            .map(|value| {
                parse(value).ok_or_else(|| invalid(format!("the parameter {name} is not right")))
            })
            .transpose()
    }

    /// `limit`, 1 to 100, 50 where it is missing.
    pub fn limit(&self) -> Result<Limit, ApiError> {
        Ok(self
            .parsed("limit", |value| Limit::parse(value).ok())?
            .unwrap_or_default())
    }

    /// Refuses parameters that the operation doesn't know, so that a misspelt filter can't pass unseen.
    pub fn only(&self, known: &[&str]) -> Result<(), ApiError> {
        if self
            .0
            .iter()
            .all(|(name, _)| known.contains(&name.as_str()))
        {
            return Ok(());
        }
        Err(invalid(format!(
            "there is a parameter that isn't one of {}",
            known.join(", ")
        )))
    }
}

/// 400 `invalid_query` with these words.
pub fn invalid(detail: impl Into<std::borrow::Cow<'static, str>>) -> ApiError {
    ApiError::because(Code::InvalidQuery, detail)
}

impl FromRequest for Query {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(Self::parse(request.query_string()))
    }
}
