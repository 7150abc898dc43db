//! Why something about a site or a page is refused. Must not know HTTP.

use std::borrow::Cow;
use std::time::Duration;

use crate::base::codes::{Code, Refusal};
use crate::base::complaint::{Complaint, ComplaintCode};
use crate::database;

/// What another site has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SiteTaken {
    /// The slug.
    Slug,
    /// One of the origins.
    Origin,
}

/// What another page of the site has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageTaken {
    /// The address.
    Address,
    /// The key.
    Key,
    /// The WordPress id.
    WordpressId,
}

/// A refusal about sites.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] database::Error),
    /// A stored word that this release doesn't know: the schema is newer.
    #[error("a site's policy has a value that this release does not know")]
    UnknownPolicy,
    /// There is no site of this slug that the caller may see.
    #[error("there is no such site")]
    UnknownSite,
    /// The site that a body names isn't one that the caller may see.
    #[error("the body names no known site")]
    UnknownSiteNamed,
    /// There is no such reason on the caller's sites.
    #[error("there is no such reason")]
    ReasonNotFound,
    /// The site has a reason of this code.
    #[error("the site has a reason of this code")]
    ReasonExists,
    /// The site has as many reasons as it may.
    #[error("the site has too many reasons")]
    TooManyReasons,
    /// Only those who see all sites make one.
    #[error("only those who see all sites can make one")]
    SeesFewSites,
    /// No site of this id that the caller may see.
    #[error("no such site")]
    SiteNotFound,
    /// The slug or an origin belongs to another site.
    #[error("the slug or an origin belongs to another site")]
    SiteExists(SiteTaken),
    /// The site has pages, or is the last one.
    #[error("the site has pages, or is the last one")]
    SiteNotEmpty,
    /// The address of a page to be registered belongs to no site, or to another than the named one.
    #[error("the page's origin belongs to no site, or to another one")]
    NotOfTheSite,
    /// No page of this id that the caller may see.
    #[error("no such page")]
    PageNotFound,
    /// Address, key or WordPress id belong to another page of the site.
    #[error("address, key or WordPress id belong to another page")]
    PageExists(PageTaken),
    /// The page has comments.
    #[error("the page has comments")]
    PageNotEmpty,
    /// The page was merged into another.
    #[error("the page was merged into another")]
    PageMerged,
    /// The page that another shall be merged into was itself merged.
    #[error("the target was merged into another page")]
    TargetMerged,
    /// A page can be merged into another one of the same site only.
    #[error("the target is no other page of the same site")]
    NoTarget,
}

impl Refusal for Error {
    fn code(&self) -> Code {
        match self {
            Self::Database(error) => error.code(),
            Self::UnknownPolicy => Code::InternalError,
            Self::UnknownSite => Code::UnknownSite,
            Self::ReasonNotFound => Code::ReasonNotFound,
            Self::ReasonExists => Code::ReasonExists,
            Self::SeesFewSites => Code::Forbidden,
            Self::SiteNotFound => Code::SiteNotFound,
            Self::SiteExists(_) => Code::SiteExists,
            Self::SiteNotEmpty => Code::SiteNotEmpty,
            Self::NotOfTheSite | Self::UnknownSiteNamed => Code::UnknownSiteSubmitted,
            Self::PageNotFound => Code::PageNotFound,
            Self::PageExists(_) => Code::PageExists,
            Self::PageNotEmpty => Code::PageNotEmpty,
            Self::PageMerged | Self::TargetMerged => Code::PageMerged,
            Self::NoTarget | Self::TooManyReasons => Code::ValidationFailed,
        }
    }

    fn detail(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Database(error) => return error.detail(),
            Self::SeesFewSites => "only those who see all sites can make one",
            Self::SiteExists(SiteTaken::Slug) => "another site has this slug",
            Self::SiteExists(SiteTaken::Origin) => "another site has one of these origins",
            Self::PageExists(PageTaken::Address) => "another page of the site has this address",
            Self::PageExists(PageTaken::Key) => "another page of the site has this key",
            Self::PageExists(PageTaken::WordpressId) => {
                "another page of the site has this WordPress id"
            }
            Self::PageMerged => "the page was merged into another; see its merged_into",
            Self::TargetMerged => {
                "the page named in into was itself merged into another; see its merged_into"
            }
            other => other.code().title(),
        })
    }

    fn complaints(&self) -> Vec<(String, Complaint)> {
        let complaint =
            |field: &str, code, message| vec![(field.to_owned(), Complaint::new(code, message))];
        match self {
            Self::NotOfTheSite => complaint(
                "page_url",
                ComplaintCode::UnknownSite,
                "belongs to no site that you may see, or to another than the one named",
            ),
            Self::UnknownSiteNamed => complaint(
                "site",
                ComplaintCode::UnknownSite,
                "is not the slug of a site that you may see",
            ),
            Self::TooManyReasons => complaint(
                "code",
                ComplaintCode::TooMany,
                "the site has as many reasons as it may; change or delete one",
            ),
            Self::NoTarget => complaint(
                "into",
                ComplaintCode::InvalidValue,
                "must be the id of another page of the same site",
            ),
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Database(error) => error.retry_after(),
            _ => None,
        }
    }
}
