//! Pages as JSON. Must not know the database.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use validator::{Validate, ValidationErrors};

use super::members::{Complaints, Member, flag, number, text, time, validated};
use crate::base::clock::rfc3339;
use crate::base::complaint::Complaint;
use crate::base::ids::PageId;
use crate::base::page_url::PageUrl;
use crate::base::text::{PageKey, Title};
use crate::sites::model::pages::{NewPage, PageChange, PageDetails, WordpressId};
use crate::web::problem::FieldProblem;

/// A page to be registered.
#[derive(Deserialize, ToSchema)]
pub struct RegisterPage {
    /// Its address; its origin says the site.
    #[schema(value_type = String, required = true, format = "uri", max_length = 2048, example = "https://example.org/equinox")]
    #[serde(default)]
    page_url: Member,
    /// The slug of the site that is meant; where it is given, it must be the site of the address.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    site: Member,
    /// Its title.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 300)]
    #[serde(default)]
    title: Member,
    /// The publisher's own id of it, unique within the site.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    #[serde(default)]
    key: Member,
    /// The id of the article in WordPress (`comment_post_ID`), unique within the site.
    #[schema(value_type = Option<i64>, minimum = 1)]
    #[serde(default)]
    wordpress_id: Member,
    /// When the article was published; closing by age counts from it.
    #[schema(value_type = Option<String>, format = "date-time")]
    #[serde(default)]
    published_at: Member,
    /// Whether it takes comments; true where nothing is said.
    #[schema(value_type = Option<bool>)]
    #[serde(default)]
    comments_open: Member,
}

/// What is to be changed of a page; what is missing stays, null clears.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({ "title": "Tides and moons", "comments_open": false, "published_at": null }))]
pub struct ChangePage {
    /// Its title.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 300)]
    #[serde(default)]
    title: Member,
    /// The publisher's own id of it, unique within the site.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    #[serde(default)]
    key: Member,
    /// The id of the article in WordPress (`comment_post_ID`), unique within the site.
    #[schema(value_type = Option<i64>, minimum = 1)]
    #[serde(default)]
    wordpress_id: Member,
    /// When the article was published; closing by age counts from it.
    #[schema(value_type = Option<String>, format = "date-time")]
    #[serde(default)]
    published_at: Member,
    /// Whether it takes comments; can't be null.
    #[schema(value_type = bool, required = false)]
    #[serde(default)]
    comments_open: Member,
}

fn wordpress_id(value: &serde_json::Value) -> Result<WordpressId, Complaint> {
    let id = number::<i64>(1..=i64::MAX)(value)?;
    WordpressId::new(id).ok_or_else(super::members::required)
}

impl RegisterPage {
    /// The page, or everything that is wrong.
    pub(super) fn parse(&self) -> Result<NewPage, Vec<FieldProblem>> {
        let mut complaints = Complaints::default();
        let url = complaints.required("page_url", &self.page_url, text(PageUrl::parse));
        let slug = |slug: &str| Ok(slug.to_owned());
        let site = complaints.optional("site", &self.site, text(slug));
        let title = complaints.optional("title", &self.title, text(Title::parse));
        let key = complaints.optional("key", &self.key, text(PageKey::parse));
        let wordpress_id = complaints.optional("wordpress_id", &self.wordpress_id, wordpress_id);
        let published_at = complaints.optional("published_at", &self.published_at, time);
        let comments_open = complaints.optional("comments_open", &self.comments_open, flag);
        let Some(url) = url else {
            return complaints.unless_any(()).and(Err(Vec::new()));
        };
        complaints.unless_any(NewPage {
            url,
            site,
            title,
            key,
            wordpress_id,
            published_at,
            comments_open: comments_open.unwrap_or(true),
        })
    }
}

impl ChangePage {
    /// The change, or everything that is wrong.
    pub(super) fn parse(&self) -> Result<PageChange, Vec<FieldProblem>> {
        let mut complaints = Complaints::default();
        let change = PageChange {
            title: complaints.clearable("title", &self.title, text(Title::parse)),
            key: complaints.clearable("key", &self.key, text(PageKey::parse)),
            wordpress_id: complaints.clearable("wordpress_id", &self.wordpress_id, wordpress_id),
            published_at: complaints.clearable("published_at", &self.published_at, time),
            comments_open: complaints.change("comments_open", &self.comments_open, flag),
        };
        complaints.unless_any(change)
    }
}

impl Validate for RegisterPage {
    fn validate(&self) -> Result<(), ValidationErrors> {
        validated(self.parse())
    }
}

impl Validate for ChangePage {
    fn validate(&self) -> Result<(), ValidationErrors> {
        validated(self.parse())
    }
}

/// A page with its settings.
#[derive(Serialize, ToSchema)]
#[schema(as = AdminPage)]
pub(super) struct PageItem {
    id: PageId,
    /// The slug of its site.
    site: String,
    /// Its normalised address.
    url: String,
    /// Its title.
    title: Option<String>,
    /// The publisher's own id of it.
    key: Option<String>,
    /// The id of the article in WordPress.
    wordpress_id: Option<i64>,
    /// Whether it takes comments, as set by hand.
    comments_open: bool,
    /// When it closes by age, or did; null: never, or not before its first comment.
    #[serde(with = "rfc3339::option")]
    closes_at: Option<OffsetDateTime>,
    /// Whether it takes comments at this moment.
    open: bool,
    /// Its published comments.
    comment_count: i32,
    /// When the article was published, if the publisher said so.
    #[serde(with = "rfc3339::option")]
    published_at: Option<OffsetDateTime>,
    /// When the first comment came in.
    #[serde(with = "rfc3339::option")]
    first_comment_at: Option<OffsetDateTime>,
    /// When it was made here.
    #[serde(with = "rfc3339")]
    created_at: OffsetDateTime,
    /// Further addresses that lead to it, of pages that were merged into it; at most 100.
    aliases: Vec<String>,
    /// The page that it was merged into; what asks for this page's address gets that one.
    merged_into: Option<PageId>,
}

impl PageItem {
    /// The page as it is at that time.
    pub(super) fn of(page: PageDetails, now: OffsetDateTime) -> Self {
        Self {
            closes_at: page.closes_at(),
            open: page.is_open(now),
            id: page.id,
            site: page.site,
            url: page.url,
            title: page.title.map(Title::into_string),
            key: page.key.map(PageKey::into_string),
            wordpress_id: page.wordpress_id.map(WordpressId::get),
            comments_open: page.comments_open,
            comment_count: page.comment_count,
            published_at: page.published_at,
            first_comment_at: page.first_comment_at,
            created_at: page.created_at,
            aliases: page.aliases,
            merged_into: page.merged_into,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::change::Change;

    #[test]
    fn null_clears_and_missing_keeps() {
        let body: ChangePage = serde_json::from_str(r#"{"title": null, "key": "a"}"#).unwrap();
        let change = body.parse().ok().unwrap();
        assert_eq!(change.title, Change::Set(None));
        assert_eq!(
            change.key,
            Change::Set(Some(PageKey::from_stored("a".to_owned())))
        );
        assert_eq!(change.wordpress_id, Change::Keep);
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        let json = r#"{"page_url": "tides", "site": 5, "title": "", "key": "a\nb", "wordpress_id": 0, "published_at": "now",
            "comments_open": "yes"}"#;
        let body: RegisterPage = serde_json::from_str(json).unwrap();
        assert!(body.validate().is_err());
        let problems = body.parse().err().unwrap().into_iter();
        let problems: Vec<String> = problems
            .map(|problem| format!("{}: {}", problem.field, problem.code))
            .collect();
        assert_eq!(
            problems,
            [
                "page_url: invalid_url",
                "site: invalid_type",
                "title: required",
                "key: invalid_characters",
                "wordpress_id: invalid_value",
                "published_at: invalid_value",
                "comments_open: invalid_type",
            ]
        );
        let body: RegisterPage =
            serde_json::from_str(r#"{"page_url": "https://example.org/a", "title": null}"#)
                .unwrap();
        assert!(body.parse().unwrap().comments_open);
    }
}
