//! Which comments are meant, read from a query string or from JSON: the same names in both. Must not know what for.

use std::borrow::Cow;
use std::net::IpAddr;

use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;
use validator::{Validate, ValidationErrors};

use crate::accounts::model::{Caller, PersonalData};
use crate::base::clock;
use crate::base::codes::Code;
use crate::base::complaint::{Complaint, ComplaintCode};
use crate::base::email::{EmailAddress, EmailKey};
use crate::base::ids::AuthorId;
use crate::base::page_url::PageUrl;
use crate::base::text;
use crate::comments::model::Status;
use crate::comments::model::queue::CommentFilter;
use crate::comments::model::reactions::SignalCode;
use crate::comments::service::AuthorIds;
use crate::web::ApiError;
use crate::web::input::rule;
use crate::web::problem::FieldProblem;
use crate::web::query::{Query, invalid};

/// The most Unicode scalar values of a search.
const WORDS_CHARS_MAX: usize = 200;

/// The query parameters of a filter.
pub(super) const PARAMETERS: [&str; 10] = [
    "status",
    "site",
    "page_url",
    "email",
    "ip",
    "author",
    "q",
    "signal",
    "submitted_after",
    "submitted_before",
];

/// Where no state is named: all but `deleted`.
pub(super) const ALL_BUT_DELETED: [Status; 4] = [
    Status::Pending,
    Status::Approved,
    Status::Rejected,
    Status::Spam,
];

/// Which comments; everything that is there has to hold.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(
    as = CommentFilter,
    example = json!({ "status": ["pending"], "site": "default", "submitted_after": "2026-11-01T00:00:00Z" })
)]
pub(super) struct FilterBody {
    /// At least one state.
    #[schema(value_type = Option<Vec<Status>>, min_items = 1)]
    status: Option<Vec<String>>,
    /// The slug of a site; all that the caller may see where it is missing.
    site: Option<String>,
    /// The address of a page.
    #[schema(max_length = 2048)]
    page_url: Option<String>,
    /// The author's e-mail address; only for those who may see it.
    email: Option<String>,
    /// A network address; only for those who may see it.
    ip: Option<String>,
    /// The author.
    #[schema(value_type = Option<AuthorId>)]
    author: Option<String>,
    /// Words in body, name and, for those who may see it, e-mail address.
    #[schema(max_length = 200)]
    q: Option<String>,
    /// What speaks about it; then all states but deleted are meant where none is named.
    #[schema(value_type = Option<SignalCode>)]
    signal: Option<String>,
    /// Submitted later than that.
    #[schema(format = DateTime)]
    submitted_after: Option<String>,
    /// Submitted earlier than that.
    #[schema(format = DateTime)]
    submitted_before: Option<String>,
}

/// A filter that was read, before it is known whether the caller may ask so.
#[derive(Debug)]
pub(super) struct FilterAsked {
    filter: CommentFilter,
    address: Option<EmailKey>,
}

impl FilterAsked {
    /// The filter, for somebody who may see what it looks at; 403 where it looks at personal data that they may not see.
    pub(super) fn for_caller(
        self,
        caller: &Caller,
        authors: &AuthorIds,
    ) -> Result<CommentFilter, ApiError> {
        let is_personal = self.address.is_some() || self.filter.ip.is_some();
        if is_personal && caller.personal_data() == PersonalData::Hidden {
            return Err(ApiError::because(
                Code::Forbidden,
                "email and ip are filters for those who may see personal data",
            ));
        }
        Ok(CommentFilter {
            address_author: self.address.map(|key| authors.of(&key)),
            ..self.filter
        })
    }
}

/// Reads the filter of a query string.
pub(super) fn of_query(query: &Query) -> Result<FilterAsked, ApiError> {
    let statuses: Vec<&str> = query.all("status").collect();
    let texts = Texts {
        statuses: (!statuses.is_empty()).then_some(statuses),
        site: query.find("site")?,
        page_url: query.find("page_url")?,
        email: query.find("email")?,
        ip: query.find("ip")?,
        author: query.find("author")?,
        words: query.find("q")?,
        signal: query.find("signal")?,
        submitted_after: query.find("submitted_after")?,
        submitted_before: query.find("submitted_before")?,
    };
    texts.parse(&ALL_BUT_DELETED).map_err(|problems| {
        let first = problems.into_iter().next();
        invalid(first.map_or(
            Cow::Borrowed("the query is not right"),
            |(name, complaint)| Cow::Owned(format!("the parameter {name} {}", complaint.message)),
        ))
    })
}

impl FilterBody {
    /// Reads the filter; `unnamed` are the states where none is named. A body that was validated has no complaints left.
    pub(super) fn parse(&self, unnamed: &[Status]) -> Result<FilterAsked, ApiError> {
        self.texts().parse(unnamed).map_err(|problems| {
            let problem =
                |(name, complaint)| FieldProblem::new(format!("filter.{name}"), complaint);
            ApiError::of_fields(problems.into_iter().map(problem).collect())
        })
    }

    fn texts(&self) -> Texts<'_> {
        let statuses = self.status.as_ref();
        Texts {
            statuses: statuses.map(|words| words.iter().map(String::as_str).collect()),
            site: self.site.as_deref(),
            page_url: self.page_url.as_deref(),
            email: self.email.as_deref(),
            ip: self.ip.as_deref(),
            author: self.author.as_deref(),
            words: self.q.as_deref(),
            signal: self.signal.as_deref(),
            submitted_after: self.submitted_after.as_deref(),
            submitted_before: self.submitted_before.as_deref(),
        }
    }
}

/// By hand, because the derived one would keep the values that were sent.
impl Validate for FilterBody {
    fn validate(&self) -> Result<(), ValidationErrors> {
        let Err(problems) = self.texts().parse(&ALL_BUT_DELETED) else {
            return Ok(());
        };
        let mut errors = ValidationErrors::new();
        for (name, complaint) in problems {
            if let Err(error) = rule::<()>(Err(complaint)) {
                errors.add(name, error);
            }
        }
        Err(errors)
    }
}

/// A filter as it was sent.
struct Texts<'a> {
    statuses: Option<Vec<&'a str>>,
    site: Option<&'a str>,
    page_url: Option<&'a str>,
    email: Option<&'a str>,
    ip: Option<&'a str>,
    author: Option<&'a str>,
    words: Option<&'a str>,
    signal: Option<&'a str>,
    submitted_after: Option<&'a str>,
    submitted_before: Option<&'a str>,
}

/// A member, and what is wrong with it.
type Problem = (&'static str, Complaint);

impl Texts<'_> {
    fn parse(&self, unnamed: &[Status]) -> Result<FilterAsked, Vec<Problem>> {
        let mut problems = Vec::new();
        let statuses = match &self.statuses {
            Some(words) => read(&mut problems, "status", Some(words), |words| states(words)),
            None if self.signal.is_some() => Some(ALL_BUT_DELETED.to_vec()),
            None => Some(unnamed.to_vec()),
        };
        let page = read(&mut problems, "page_url", self.page_url, PageUrl::parse);
        let address = read(&mut problems, "email", self.email, EmailAddress::parse);
        let ip = read(&mut problems, "ip", self.ip, network_address);
        let author = read(&mut problems, "author", self.author, author_id);
        let words = read(&mut problems, "q", self.words, search_words);
        let signal = read(&mut problems, "signal", self.signal, SignalCode::parse);
        let after = read(&mut problems, "submitted_after", self.submitted_after, time);
        let before = read(
            &mut problems,
            "submitted_before",
            self.submitted_before,
            time,
        );
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(FilterAsked {
            filter: CommentFilter {
                statuses: statuses.unwrap_or_default(),
                site: self.site.map(str::to_owned),
                page,
                author,
                address_author: None,
                ip,
                words: words.flatten(),
                signal,
                submitted_after: after,
                submitted_before: before,
            },
            address: address.map(|address| address.key().clone()),
        })
    }
}

fn read<I, T>(
    problems: &mut Vec<Problem>,
    name: &'static str,
    sent: Option<I>,
    parse: impl FnOnce(I) -> Result<T, Complaint>,
) -> Option<T> {
    match sent.map(parse)? {
        Ok(value) => Some(value),
        Err(complaint) => {
            problems.push((name, complaint));
            None
        }
    }
}

/// Each state once, however often it is named.
fn states(words: &[&str]) -> Result<Vec<Status>, Complaint> {
    let mut named = Vec::new();
    for word in words {
        let status = Status::parse(word)
            .ok_or_else(|| wrong("must be one of pending, approved, rejected, spam, deleted"))?;
        if !named.contains(&status) {
            named.push(status);
        }
    }
    if named.is_empty() {
        return Err(Complaint::new(
            ComplaintCode::Required,
            "must name at least one state",
        ));
    }
    Ok(named)
}

fn network_address(text: &str) -> Result<IpAddr, Complaint> {
    // Why it is none is of no use to anybody, here and below.
    let address = text.parse::<IpAddr>().ok();
    address
        .map(|address| address.to_canonical())
        .ok_or_else(|| wrong("must be an IPv4 or IPv6 address"))
}

fn author_id(text: &str) -> Result<AuthorId, Complaint> {
    let id = text.parse().ok();
    id.ok_or_else(|| wrong("must be an author's id, a UUID"))
}

/// Blank words are none.
fn search_words(text: &str) -> Result<Option<String>, Complaint> {
    let words = text::normalise(text);
    if words.chars().count() > WORDS_CHARS_MAX {
        return Err(Complaint::new(
            ComplaintCode::TooLong,
            "must have at most 200 characters",
        ));
    }
    Ok(Some(words).filter(|words| !words.is_empty()))
}

/// A moment that the database can hold.
pub(super) fn time(text: &str) -> Result<OffsetDateTime, Complaint> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok();
    time.map(clock::truncate)
        .filter(|time| (0..=9999).contains(&time.year()))
        .ok_or_else(|| wrong("must be a time as 2026-11-24T16:00:00Z (RFC 3339)"))
}

fn wrong(words: &'static str) -> Complaint {
    Complaint::new(ComplaintCode::InvalidValue, words)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn parsed(text: &str) -> Result<FilterAsked, &'static str> {
        let query = Query::parse(text).map_err(|error| error.code().as_str())?;
        of_query(&query).map_err(|error| error.code().as_str())
    }

    fn complaints(json: &str) -> Vec<String> {
        let body: FilterBody = serde_json::from_str(json).unwrap();
        let Err(errors) = body.validate() else {
            return Vec::new();
        };
        let fields = errors.field_errors();
        let mut found: Vec<String> = fields
            .into_iter()
            .map(|(field, list)| format!("{field}: {}", list[0].code))
            .collect();
        found.sort();
        found
    }

    #[test]
    fn an_empty_filter_takes_everything_but_deleted_ones() {
        let asked = parsed("").unwrap();
        let filter = asked.filter;
        assert_eq!(filter.statuses, ALL_BUT_DELETED);
        assert!(filter.site.is_none() && filter.page.is_none() && filter.words.is_none());
        assert!(filter.ip.is_none() && filter.author.is_none() && asked.address.is_none());
        assert!(complaints("{}").is_empty());
        let body = FilterBody::default().parse(&[Status::Pending]).unwrap();
        assert_eq!(body.filter.statuses, [Status::Pending]);
    }

    #[test]
    fn states_repeat_and_count_once() {
        let asked = parsed("status=spam&status=deleted&status=spam").unwrap();
        assert_eq!(asked.filter.statuses, [Status::Spam, Status::Deleted]);
        assert!(complaints(r#"{"status": ["spam", "spam"]}"#).is_empty());
    }

    #[test]
    fn every_name_is_read() {
        let asked = parsed(
            "site=default&page_url=https://example.org/tides&email=Ada@example.org&ip=::ffff:192.0.2.7&q=%20tide%20\
             &author=01936000-0000-8000-8000-000000000001&submitted_after=2026-11-24T16:00:00.1234567%2B01:00\
             &submitted_before=2026-11-25T00:00:00Z",
        )
        .unwrap();
        let filter = asked.filter;
        assert_eq!(filter.site.as_deref(), Some("default"));
        assert_eq!(filter.ip, "192.0.2.7".parse().ok());
        assert_eq!(filter.words.as_deref(), Some("tide"));
        assert!(filter.author.is_some() && filter.page.is_some());
        assert_eq!(
            (filter.submitted_after, filter.submitted_before),
            (
                Some(datetime!(2026-11-24 15:00:00.123456 UTC)),
                Some(datetime!(2026-11-25 00:00 UTC))
            )
        );
        assert_eq!(asked.address.unwrap().as_str(), "ada@example.org");
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for text in [
            "status=",
            "status=Spam",
            "page_url=tides",
            "page_url=",
            "email=ada",
            "email=",
            "ip=192.0.2",
            "ip=192.0.2.0/24",
            "ip=",
            "author=ada",
            "author=",
            "submitted_after=yesterday",
            "submitted_after=2026-11-24",
            "submitted_after=2026-11-24T16:00:00",
            "submitted_before=",
            "q=%ff",
            "q=a&q=b",
            "signal=",
            "signal=risky",
            "signal=reported&signal=reported",
            "ip=::1&ip=::1",
        ] {
            assert_eq!(parsed(text).unwrap_err(), "invalid_query", "{text}");
        }
        assert_eq!(
            parsed(&format!("q={}", "x".repeat(201))).unwrap_err(),
            "invalid_query"
        );
        assert!(parsed(&format!("q={}", "ü".repeat(200))).is_ok());
    }

    #[test]
    fn all_complaints_of_a_body_come_at_once() {
        let found = complaints(
            r#"{"status": [], "page_url": "x", "email": "x", "ip": "x", "author": "x", "submitted_after": "x",
                "submitted_before": "x", "site": "anything", "signal": "x"}"#,
        );
        assert_eq!(
            found,
            [
                "author: invalid_value",
                "email: invalid_email",
                "ip: invalid_value",
                "page_url: invalid_url",
                "signal: invalid_value",
                "status: required",
                "submitted_after: invalid_value",
                "submitted_before: invalid_value",
            ]
        );
        assert_eq!(
            complaints(&format!(
                r#"{{"q": "{}", "status": ["open"]}}"#,
                "x".repeat(201)
            )),
            ["q: too_long", "status: invalid_value"]
        );
    }
}
