//! What every public read has, as handlers want it: its allowance, and which page is meant. Must not know what is read.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};

use crate::base::codes::Code;
use crate::base::page_url::PageUrl;
use crate::base::text::PageKey;
use crate::comments::Comments;
use crate::comments::service::PageName;
use crate::web::client_address::ClientAddress;
use crate::web::problem::ApiError;
use crate::web::query::{Query, invalid};

/// Takes one public read from the network's allowance.
pub struct ReadAllowance;

impl FromRequest for ReadAllowance {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let Ok(from) = ClientAddress::from_request(request, payload).into_inner();
        let taken = match request.app_data::<Data<Comments>>() {
            Some(comments) => comments.limits().take_read(from.network()),
            None => Ok(()),
        };
        ready(
            taken
                .map(|()| Self)
                .map_err(|wait| ApiError::new(Code::RateLimited).retry_after(wait)),
        )
    }
}

/// The page that a query names: `page_url`, or `page_key` with `site`.
pub fn page_name(query: &Query) -> Result<PageName, ApiError> {
    let url = query.find("page_url")?;
    let key = query.find("page_key")?;
    match (url, key) {
        (Some(url), None) => {
            Ok(PageName::Url(PageUrl::parse(url).ok().ok_or_else(
                || invalid("page_url is not an absolute http or https address"),
            )?))
        }
        (None, Some(key)) => Ok(PageName::Key {
            site: query.require("site")?.to_owned(),
            key: PageKey::parse(key)
                .ok()
                .ok_or_else(|| invalid("page_key can't be a page's key"))?,
        }),
        _ => Err(invalid(
            "name the page by either page_url, or page_key and site",
        )),
    }
}
