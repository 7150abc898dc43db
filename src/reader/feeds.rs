//! `GET /api/v1/pages/feed.atom` and `GET /api/v1/feed.atom`. Must not know how Atom is written.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use sha2::{Digest, Sha256};
use url::form_urlencoded::Serializer;
use uuid::{Builder, Uuid};

use super::atom::{self, Head};
use crate::base::codes::Code;
use crate::comments::Comments;
use crate::comments::extract::{ReadAllowance, page_name};
use crate::comments::model::feed::Feed;
use crate::comments::service::PageName;
use crate::web::conditional::public;
use crate::web::problem::{ApiError, Problem};
use crate::web::query::Query;
use crate::web::same_origin::OwnOrigin;

const KIND: &str = "application/atom+xml; charset=utf-8";

/// A page's 50 newest published comments as an Atom feed (RFC 4287) with threads (RFC 4685). An unknown page of a known
/// site has an empty one.
#[utoipa::path(
    get,
    path = "/api/v1/pages/feed.atom",
    tag = "readers",
    operation_id = "page_feed",
    params(
        ("page_url" = Option<String>, Query, max_length = 2048, description = "The page's address; this or `page_key` with `site`"),
        ("page_key" = Option<String>, Query, max_length = 200, description = "The publisher's own id of the page, with `site`"),
        ("site" = Option<String>, Query, description = "The site's slug, with `page_key`"),
    ),
    responses(
        (status = 200, body = String, content_type = "application/atom+xml", headers(("ETag" = String, description = "Strong, one for each coding"))),
        (status = 304, description = "What `If-None-Match` names is still right"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`invalid_query`"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "`unknown_site`"),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "`rate_limited`"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "`unavailable`"),
    )
)]
pub async fn page(
    request: HttpRequest,
    comments: Data<Comments>,
    own: Data<OwnOrigin>,
    _allowance: ReadAllowance,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    let name = page_name(&query)?;
    let (site, feed) = comments.page_feed(&name).await?;
    let mut pairs = Serializer::new(String::new());
    let (kind, asked, home) = match &name {
        PageName::Url(url) => {
            pairs.append_pair("page_url", url.as_str());
            ("url", url.key(), Some(url.as_str()))
        }
        PageName::Key { site, key } => {
            pairs.append_pair("page_key", key.as_str());
            pairs.append_pair("site", site);
            ("key", key.as_str(), None)
        }
    };
    let home = feed.url.as_deref().or(home).map(str::to_owned);
    let about = feed.title.as_deref().or(home.as_deref()).unwrap_or(asked);
    let head = Head {
        // Of what was asked, so that it is the same before and after the page's first comment.
        id: name_based(*site.id.as_uuid(), kind, asked),
        title: format!("Comments on {about}"),
        own: address(&own, "/api/v1/pages/feed.atom", &pairs.finish()),
        home,
    };
    answer(&request, &head, &feed)
}

/// A site's 50 newest published comments as an Atom feed (RFC 4287) with threads (RFC 4685).
#[utoipa::path(
    get,
    path = "/api/v1/feed.atom",
    tag = "readers",
    operation_id = "site_feed",
    params(
        ("site" = String, Query, description = "The site's slug"),
    ),
    responses(
        (status = 200, body = String, content_type = "application/atom+xml", headers(("ETag" = String, description = "Strong, one for each coding"))),
        (status = 304, description = "What `If-None-Match` names is still right"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`invalid_query`"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "`unknown_site`"),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "`rate_limited`"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "`unavailable`"),
    )
)]
pub async fn site(
    request: HttpRequest,
    comments: Data<Comments>,
    own: Data<OwnOrigin>,
    _allowance: ReadAllowance,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    let slug = query.require("site")?;
    let (site, feed) = comments.site_feed(slug).await?;
    let pair = Serializer::new(String::new())
        .append_pair("site", slug)
        .finish();
    let name = feed.title.as_deref().unwrap_or(&site.slug);
    let head = Head {
        id: *site.id.as_uuid(),
        title: format!("Comments on {name}"),
        own: address(&own, "/api/v1/feed.atom", &pair),
        home: site.origins.first().map(|origin| format!("{origin}/")),
    };
    answer(&request, &head, &feed)
}

fn answer(request: &HttpRequest, head: &Head, feed: &Feed) -> Result<HttpResponse, ApiError> {
    let document = atom::write(head, feed);
    let document = document
        .ok()
        .ok_or_else(|| ApiError::new(Code::InternalError))?;
    Ok(public(request, KIND, document))
}

/// Where the feed is; without the host as long as nobody has said which one is ours, for the one that is asked can be anything.
fn address(own: &OwnOrigin, path: &str, query: &str) -> String {
    let origin = own.public().map_or("", |origin| origin.as_str());
    format!("{origin}{path}?{query}")
}

/// A UUID of version 8 (RFC 9562, section 5.8) that a page's name within its site always gives.
fn name_based(site: Uuid, kind: &str, name: &str) -> Uuid {
    let digest = Sha256::new()
        .chain_update(site.as_bytes())
        .chain_update(kind)
        .chain_update([0])
        .chain_update(name)
        .finalize();
    let bytes = digest.first_chunk().copied().unwrap_or_default();
    Builder::from_custom_bytes(bytes).into_uuid()
}
