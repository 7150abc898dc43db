//! Whose request it is, by what proxies say: the socket's address, or one that stands in the header. Must not know limits.
#![no_main]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rejoinder::settings::{Flags, Settings, Sources};
use rejoinder::web::client_address::ClientAddresses;

const PROXY: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

static ADDRESSES: LazyLock<ClientAddresses> = LazyLock::new(|| {
    let trusted = (
        "REJOINDER_TRUSTED_PROXIES".to_owned(),
        OsString::from("127.0.0.0/8,10.0.0.0/8"),
    );
    let sources = Sources {
        flags: Flags::default(),
        environment: BTreeMap::from([trusted]),
        read: Box::new(|_: &Path| Err(io::ErrorKind::NotFound.into())),
    };
    let Ok(settings) = Settings::gather(sources) else {
        panic!("the settings are right")
    };
    ClientAddresses::new(&settings.http)
});

fuzz_target!(|header: &[u8]| {
    let lines = || header.split(|octet| *octet == b'\n');
    let found = ADDRESSES.resolve(PROXY, lines()).ip();
    let said = String::from_utf8_lossy(header);
    let stands_there = said
        .split([',', '\n'])
        .any(|entry| entry.contains('.') || entry.contains(':'));
    assert!(found == PROXY || stands_there, "an address from nowhere");
    // What a stranger's peer says isn't read at all.
    let stranger = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    assert_eq!(ADDRESSES.resolve(stranger, lines()).ip(), stranger);
});
