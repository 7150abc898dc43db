//! Sites as JSON. Must not know the database.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;
use validator::{Validate, ValidationErrors};

use super::members::{Complaints, Member, number, required, text, validated, word};
use crate::base::change::Change;
use crate::base::clock::rfc3339;
use crate::base::complaint::{Complaint, ComplaintCode};
use crate::base::ids::SiteId;
use crate::base::page_url::Origin;
use crate::base::text::Name;
use crate::sites::model::settings::{
    self, AfterForm, NewSite, ORIGINS_MAX, Policy, PolicyChange, SiteChange, SiteDetails, Slug,
};
use crate::sites::model::{Hold, NewPages};
use crate::web::json::object;
use crate::web::problem::FieldProblem;

/// A site to be made.
#[derive(Deserialize, ToSchema)]
pub struct MakeSite {
    /// Its name in addresses: up to 40 lower-case letters and digits, with single hyphens between them.
    #[schema(value_type = String, required = true, pattern = "^[a-z0-9](-?[a-z0-9]){0,39}$", example = "gazette")]
    #[serde(default)]
    slug: Member,
    /// Its name for people.
    #[schema(value_type = String, required = true, min_length = 1, max_length = 100)]
    #[serde(default)]
    name: Member,
    /// The origins of its pages; none where it is missing.
    #[schema(value_type = Option<Vec<String>>, max_items = 100, example = json!(["https://gazette.example"]))]
    #[serde(default)]
    origins: Member,
    /// How it deals with comments; what is missing gets its default.
    #[serde(default, deserialize_with = "object")]
    #[schema(value_type = Option<PolicyMembers>)]
    policy: Option<PolicyMembers>,
}

/// What is to be changed of a site; what is missing stays.
#[derive(Deserialize, ToSchema)]
pub struct ChangeSite {
    /// Its name in addresses.
    #[schema(value_type = String, required = false, pattern = "^[a-z0-9](-?[a-z0-9]){0,39}$", example = "herald")]
    #[serde(default)]
    slug: Member,
    /// Its name for people.
    #[schema(value_type = String, required = false, min_length = 1, max_length = 100)]
    #[serde(default)]
    name: Member,
    /// The origins of its pages, all of them. Where the service is started with `REJOINDER_SITE_ORIGINS`, those of the
    /// first site last until the next start only, which sets them anew.
    #[schema(value_type = Vec<String>, required = false, max_items = 100, example = json!(["https://herald.example"]))]
    #[serde(default)]
    origins: Member,
    /// How it deals with comments; any of its members may be missing.
    #[serde(default, deserialize_with = "object")]
    #[schema(value_type = Option<PolicyMembers>)]
    policy: Option<PolicyMembers>,
}

/// How a site deals with comments, as far as it is said.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = ChangeSitePolicy)]
pub(super) struct PolicyMembers {
    /// What is held for a moderator: `all` (default), `first_time` (authors without an approved comment) or `flagged`.
    #[schema(value_type = String, required = false, pattern = "^(all|first_time|flagged)$")]
    #[serde(default)]
    hold: Member,
    /// `open` (default): a page comes into being with its first comment; `registered`: by registration only.
    #[schema(value_type = String, required = false, pattern = "^(open|registered)$")]
    #[serde(default)]
    pages: Member,
    /// How many links a comment may have before it is a signal; 2 where nothing is said.
    #[schema(value_type = i16, required = false, minimum = 0, maximum = 100)]
    #[serde(default)]
    max_links: Member,
    /// For how long an author may edit; 15 where nothing is said.
    #[schema(value_type = i32, required = false, minimum = 0, maximum = 10080)]
    #[serde(default)]
    edit_window_minutes: Member,
    /// After how many days a page closes, from its publication or else its first comment; null (default): never.
    #[schema(value_type = Option<i32>, minimum = 1, maximum = 36500)]
    #[serde(default)]
    close_after_days: Member,
    /// For how long network addresses and user agents are kept; 30 where nothing is said.
    #[schema(value_type = i32, required = false, minimum = 0, maximum = 3650)]
    #[serde(default)]
    ip_retention_days: Member,
    /// For how long spam is kept; 30 where nothing is said.
    #[schema(value_type = i32, required = false, minimum = 1, maximum = 3650)]
    #[serde(default)]
    spam_retention_days: Member,
    /// What follows a form without JavaScript: our `status` page (default) or the `article`.
    #[schema(value_type = String, required = false, pattern = "^(status|article)$")]
    #[serde(default)]
    after_form: Member,
}

impl MakeSite {
    /// The site, or everything that is wrong.
    pub(super) fn parse(&self) -> Result<NewSite, Vec<FieldProblem>> {
        let mut complaints = Complaints::default();
        let slug = complaints.required("slug", &self.slug, text(Slug::parse));
        let name = complaints.required("name", &self.name, text(Name::parse));
        let origins = read_origins(&mut complaints, &self.origins, Null::IsNone);
        let mut policy = Policy::default();
        if let Some(members) = &self.policy {
            members.read(&mut complaints).apply(&mut policy);
        }
        let (Some(slug), Some(name)) = (slug, name) else {
            return complaints.unless_any(()).and(Err(Vec::new()));
        };
        let origins = origins.value().unwrap_or_default();
        complaints.unless_any(NewSite {
            slug,
            name,
            origins,
            policy,
        })
    }
}

impl ChangeSite {
    /// The change, or everything that is wrong.
    pub(super) fn parse(&self) -> Result<SiteChange, Vec<FieldProblem>> {
        let mut complaints = Complaints::default();
        let nothing = PolicyMembers::default();
        let change = SiteChange {
            slug: complaints.change("slug", &self.slug, text(Slug::parse)),
            name: complaints.change("name", &self.name, text(Name::parse)),
            origins: read_origins(&mut complaints, &self.origins, Null::IsWrong),
            policy: self
                .policy
                .as_ref()
                .unwrap_or(&nothing)
                .read(&mut complaints),
        };
        complaints.unless_any(change)
    }
}

impl Validate for MakeSite {
    fn validate(&self) -> Result<(), ValidationErrors> {
        validated(self.parse())
    }
}

impl Validate for ChangeSite {
    fn validate(&self) -> Result<(), ValidationErrors> {
        validated(self.parse())
    }
}

impl PolicyMembers {
    fn read(&self, complaints: &mut Complaints) -> PolicyChange {
        PolicyChange {
            hold: complaints.change(
                "policy.hold",
                &self.hold,
                word(Hold::parse, "must be all, first_time or flagged"),
            ),
            pages: complaints.change(
                "policy.pages",
                &self.pages,
                word(NewPages::parse, "must be open or registered"),
            ),
            max_links: complaints.change(
                "policy.max_links",
                &self.max_links,
                number(settings::MAX_LINKS),
            ),
            edit_window_minutes: complaints.change(
                "policy.edit_window_minutes",
                &self.edit_window_minutes,
                number(settings::EDIT_WINDOW_MINUTES),
            ),
            close_after_days: complaints.clearable(
                "policy.close_after_days",
                &self.close_after_days,
                number(settings::CLOSE_AFTER_DAYS),
            ),
            ip_retention_days: complaints.change(
                "policy.ip_retention_days",
                &self.ip_retention_days,
                number(settings::IP_RETENTION_DAYS),
            ),
            spam_retention_days: complaints.change(
                "policy.spam_retention_days",
                &self.spam_retention_days,
                number(settings::SPAM_RETENTION_DAYS),
            ),
            after_form: complaints.change(
                "policy.after_form",
                &self.after_form,
                word(AfterForm::parse, "must be status or article"),
            ),
        }
    }
}

/// What null stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Null {
    /// The same as missing.
    IsNone,
    /// Nothing that the field can be.
    IsWrong,
}

fn read_origins(complaints: &mut Complaints, member: &Member, null: Null) -> Change<Vec<Origin>> {
    let list = |value: &Value| {
        let list = value.as_array().cloned();
        list.ok_or_else(|| Complaint::new(ComplaintCode::InvalidType, "must be a list of origins"))
    };
    let items = match null {
        Null::IsNone => complaints
            .optional("origins", member, list)
            .map_or(Change::Keep, Change::Set),
        Null::IsWrong => complaints.change("origins", member, list),
    };
    let Change::Set(items) = items else {
        return Change::Keep;
    };
    if items.len() > ORIGINS_MAX {
        let complaint = Complaint::new(ComplaintCode::TooMany, "must have at most 100 origins");
        complaints.note::<()>("origins", Err(complaint));
        return Change::Keep;
    }
    let mut origins: Vec<Origin> = Vec::with_capacity(items.len());
    for (place, item) in items.iter().enumerate() {
        let read = match item {
            Value::Null => Err(required()),
            item => text(Origin::parse)(item),
        };
        let read = read.and_then(|origin| {
            if origins.contains(&origin) {
                let message = "stands in this list already";
                return Err(Complaint::new(ComplaintCode::Repeated, message));
            }
            Ok(origin)
        });
        origins.extend(complaints.note(&format!("origins[{place}]"), read));
    }
    Change::Set(origins)
}

/// A site with its settings.
#[derive(Serialize, ToSchema)]
#[schema(as = AdminSite)]
pub(super) struct SiteItem {
    id: SiteId,
    /// Its name in addresses.
    slug: String,
    /// Its name for people.
    name: String,
    /// The origins of its pages. Where the service is started with `REJOINDER_SITE_ORIGINS`, each start sets those of the
    /// first site anew.
    origins: Vec<String>,
    /// How it deals with comments.
    policy: PolicyItem,
    /// When it was made.
    #[serde(with = "rfc3339")]
    created_at: OffsetDateTime,
}

/// How a site deals with comments.
#[derive(Serialize, ToSchema)]
#[schema(as = SitePolicy)]
struct PolicyItem {
    /// What is held for a moderator: `all`, `first_time` (authors without an approved comment) or `flagged`.
    #[schema(pattern = "^(all|first_time|flagged)$")]
    hold: &'static str,
    /// `open`: a page comes into being with its first comment; `registered`: by registration only.
    #[schema(pattern = "^(open|registered)$")]
    pages: &'static str,
    /// How many links a comment may have before it is a signal.
    max_links: i16,
    /// For how long an author may edit.
    edit_window_minutes: i32,
    /// After how many days a page closes, from its publication or else its first comment; null: never.
    close_after_days: Option<i32>,
    /// For how long network addresses and user agents are kept.
    ip_retention_days: i32,
    /// For how long spam is kept.
    spam_retention_days: i32,
    /// What follows a form without JavaScript: our `status` page or the `article`.
    #[schema(pattern = "^(status|article)$")]
    after_form: &'static str,
}

impl From<SiteDetails> for SiteItem {
    fn from(site: SiteDetails) -> Self {
        let policy = site.policy;
        let origins = site.origins.iter();
        Self {
            id: site.id,
            slug: site.slug.as_str().to_owned(),
            name: site.name.into_string(),
            origins: origins.map(|origin| origin.as_str().to_owned()).collect(),
            policy: PolicyItem {
                hold: policy.hold.as_str(),
                pages: policy.pages.as_str(),
                max_links: policy.max_links,
                edit_window_minutes: policy.edit_window_minutes,
                close_after_days: policy.close_after_days,
                ip_retention_days: policy.ip_retention_days,
                spam_retention_days: policy.spam_retention_days,
                after_form: policy.after_form.as_str(),
            },
            created_at: site.created_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(problems: Vec<FieldProblem>) -> Vec<String> {
        let problems = problems.into_iter();
        problems
            .map(|problem| format!("{}: {}", problem.field, problem.code))
            .collect()
    }

    #[test]
    fn everything_wrong_is_named_at_once_with_its_path() {
        let json = r#"{"slug": "The Gazette", "name": 5, "origins": ["https://a.example", 7, "https://A.example:443", "x"],
            "policy": {"hold": "some", "max_links": 101, "close_after_days": 0, "after_form": null, "pages": 1}}"#;
        let body: MakeSite = serde_json::from_str(json).unwrap();
        assert!(body.validate().is_err());
        assert_eq!(
            complaints(body.parse().err().unwrap()),
            [
                "slug: invalid_value",
                "name: invalid_type",
                "origins[1]: invalid_type",
                "origins[2]: repeated",
                "origins[3]: invalid_url",
                "policy.hold: invalid_value",
                "policy.pages: invalid_type",
                "policy.max_links: invalid_value",
                "policy.close_after_days: invalid_value",
                "policy.after_form: required",
            ]
        );
        let empty: MakeSite = serde_json::from_str("{}").unwrap();
        assert_eq!(
            complaints(empty.parse().err().unwrap()),
            ["slug: required", "name: required"]
        );
    }

    #[test]
    fn a_change_of_nothing_is_fine_and_null_clears_only_what_may_be_empty() {
        let body: ChangeSite = serde_json::from_str("{}").unwrap();
        assert!(body.parse().is_ok());
        let body: ChangeSite =
            serde_json::from_str(r#"{"policy": {"close_after_days": null}}"#).unwrap();
        assert_eq!(
            body.parse().ok().unwrap().policy.close_after_days,
            Change::Set(None)
        );
        let body: ChangeSite =
            serde_json::from_str(r#"{"slug": null, "name": null, "origins": null}"#).unwrap();
        assert_eq!(
            complaints(body.parse().err().unwrap()),
            ["slug: required", "name: required", "origins: required"]
        );
    }
}
