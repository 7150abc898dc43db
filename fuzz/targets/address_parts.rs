//! Addresses of pages, websites, origins, and query strings: the normal form is a fixed point. Must not know any site.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rejoinder::base::page_url::{Origin, PageUrl, Website};
use rejoinder::web::query::Query;

fuzz_target!(|text: &str| {
    if let Ok(page) = PageUrl::parse(text) {
        let again = PageUrl::parse(page.as_str()).expect("what was taken is taken again");
        assert_eq!(again.as_str(), page.as_str());
        assert_eq!(again.key(), page.key());
        let origin = page.origin();
        assert!(Origin::parse(origin.as_str()).is_ok_and(|again| again == *origin));
    }
    if let Ok(website) = Website::parse(text) {
        let address = website.as_str();
        assert!(address.starts_with("http://") || address.starts_with("https://"));
        assert!(Website::parse(address).is_ok_and(|again| again.as_str() == address));
    }
    if let Ok(origin) = Origin::parse(text) {
        assert!(Origin::parse(origin.as_str()).is_ok_and(|again| again == origin));
    }
    if let Ok(query) = Query::parse(text) {
        assert!(query.all("page_url").all(|value| !value.contains('\0')));
        query.limit().ok();
    }
});
