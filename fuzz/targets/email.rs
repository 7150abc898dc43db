//! E-mail addresses: what was taken is taken again, and the key by which two are the same is its own. Must not know mail.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rejoinder::base::email::{ADDRESS_BYTES_MAX, EmailAddress};

fuzz_target!(|text: &str| {
    let Ok(taken) = EmailAddress::parse(text) else {
        return;
    };
    let once = taken.as_str();
    assert!(once.len() <= ADDRESS_BYTES_MAX);
    assert!(!once.contains(|c: char| c.is_control() || c.is_whitespace()));
    let twice = EmailAddress::parse(once).expect("what was taken is taken again");
    assert_eq!(twice.as_str(), once);
    assert!(twice.key() == taken.key());
    let key = taken.key().as_str();
    assert!(key.len() <= 512 && key.contains('@'));
    // A key is an address of the same person, unless it has outgrown what an address may have.
    if let Ok(of_key) = EmailAddress::parse(key) {
        assert_eq!(of_key.key().as_str(), key);
    }
    assert!(EmailAddress::parse_account(text).is_ok_and(|account| account.key() == taken.key()));
});
