//! The bytes of import events, which are for life.

use schwabot::event::Payload as _;
use schwabot::hash;

/// The first digits of SHA-256 over the payloads of the samples. None may ever change.
const FROZEN: &[(&str, &str)] = &[
    ("import_started", "27529a020eb7968a"),
    ("imported_bar", "449ca8e4cba0a9a4"),
    ("trade_print", "35fd6eae2cecf69a"),
    ("quote", "700ef734367badeb"),
    ("quote_bar", "db9fc1e89870da92"),
    ("imported_fill", "0f29f7d0b3c35462"),
    ("imported_bust", "049573f44b328d0c"),
    ("imported_trade", "f4576fb02d958662"),
    ("imported_entry", "638a93dfc1c5e2c9"),
    ("import_defect", "03e70b17c5e76dee"),
    ("import_ended", "984bab5ff4e119e8"),
];

#[test]
fn the_bytes_of_every_import_event_are_those_that_were_published() {
    let found: Vec<(&str, String)> = crate::support::samples_import::events()
        .iter()
        .map(|event| {
            let mut bytes = Vec::new();
            event.encode_payload(&mut bytes).unwrap();
            (event.name(), hash::sha256(&bytes).short())
        })
        .collect();
    let found: Vec<(&str, &str)> = found.iter().map(|(n, d)| (*n, d.as_str())).collect();
    assert_eq!(found, FROZEN);
}

#[test]
fn every_sample_of_an_import_is_known_to_be_one() {
    for event in crate::support::samples_import::events() {
        assert!(event.is_import(), "{}", event.name());
    }
}
