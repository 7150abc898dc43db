//! Settings of the first site and the demo article. Must not know sites that are stored.

use super::{
    layers::Layers,
    setting::{Setting, Shape, Visibility},
    site_origin::parse_origin,
    switch::parse_switch,
};
use crate::base::page_url::Origin;

/// `REJOINDER_SITE_ORIGINS`
pub static SITE_ORIGINS: Setting = Setting {
    variable: "REJOINDER_SITE_ORIGINS",
    key: Some("site_origins"),
    flag: Some("site-origins"),
    placeholder: "ORIGINS",
    shape: Shape::List,
    default: None,
    bound: "http or https origins without a path, such as https://example.org, comma separated",
    help: "Where the pages of the first site live; none: on this machine only",
    visibility: Visibility::Open,
};

/// `REJOINDER_DEMO`
pub static DEMO: Setting = Setting {
    variable: "REJOINDER_DEMO",
    key: Some("demo"),
    flag: Some("demo"),
    placeholder: "on|off",
    shape: Shape::Switch,
    default: None,
    bound: "on or off",
    help: "The demo article under /demo; it comes with the widget, so this has no effect yet",
    visibility: Visibility::Open,
};

/// When the demo article is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demo {
    /// Nobody said: with the embedded database only.
    WithEmbeddedDatabase,
    /// In any case.
    On,
    /// In no case.
    Off,
}

/// The first site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteSettings {
    /// Where its pages live; none: loopback origins only. Each once.
    pub origins: Vec<Origin>,
    /// When the demo article is served.
    pub demo: Demo,
}

impl SiteSettings {
    pub(super) fn gather(layers: &mut Layers) -> Self {
        let mut origins = layers.list(&SITE_ORIGINS, parse_origin);
        origins.sort_unstable();
        origins.dedup();
        let demo = match layers.value(&DEMO, parse_switch) {
            None => Demo::WithEmbeddedDatabase,
            Some(true) => Demo::On,
            Some(false) => Demo::Off,
        };
        Self { origins, demo }
    }
}
