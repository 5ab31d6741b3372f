//! `FORMAT.md` and the code say the same: layouts, constants, kinds, and the bytes of every payload.
//!
//! The payload test reads events with a decoder that knows nothing but the document's tables, and
//! compares what it finds with the events' own JSON.

use std::collections::BTreeMap;

use schwabot::event::wire::{self, Decode, DecodeError};
use schwabot::event::*;
use schwabot::hash::{self, Digest};
use schwabot::ledger::{
    KEYS_REMEMBERED, frame,
    layout::{IDENTITY_BYTES, IDENTITY_LAYOUT, IDENTITY_MAGIC},
    packed, segment,
};
use schwabot::merkle::CompactRange;
use schwabot::time::{Span, Timestamp};
use schwabot::units::{Money, MoneyExact, Price, Quantity, Ratio};
use serde_json::{Value, json};

use crate::support::document::{bytes_of_hex, constants, layout, section, table};

#[track_caller]
fn same_layout(heading: &str, code: &[(&str, usize, usize)]) {
    let code: Vec<_> = code.iter().map(|(f, o, b)| ((*f).to_owned(), *o, *b)).collect();
    assert_eq!(layout(heading), code, "{heading}");
    let mut end = 0;
    for (field, offset, bytes) in code {
        assert_eq!(offset, end, "`{field}` of {heading} leaves a hole or overlaps");
        end = offset + bytes;
    }
}

#[test]
fn the_document_and_the_code_describe_the_same_headers() {
    same_layout("## Identity", IDENTITY_LAYOUT);
    same_layout("## Segment header", segment::LAYOUT);
    same_layout("## Frame", frame::LAYOUT);
    same_layout("## Packed segments", packed::CHECKS_LAYOUT);
    same_layout("## Record", record::ENVELOPE_LAYOUT);
}

#[test]
fn every_constant_of_the_document_is_the_codes() {
    let mut said = constants();
    let mut take = |name: &str| said.remove(name).unwrap_or_else(|| panic!("no `{name}`"));
    let numbers = [
        ("format version", u64::from(segment::FORMAT_VERSION)),
        ("identity length", IDENTITY_BYTES as u64),
        ("segment header length", segment::SEGMENT_HEADER_BYTES as u64),
        ("fixed header length", segment::FIXED_HEADER_BYTES as u64),
        ("segment header length, most", segment::SEGMENT_HEADER_BYTES_MAX as u64),
        ("frame header length", frame::FRAME_HEADER_BYTES as u64),
        ("frame alignment", frame::FRAME_ALIGNMENT as u64),
        ("record prefix length", frame::RECORD_PREFIX_BYTES as u64),
        ("envelope length, least", record::ENVELOPE_BYTES_MIN as u64),
        ("record length, most", record::RECORD_BYTES_MAX as u64),
        ("frame length, most", frame::FRAME_BYTES_MAX as u64),
        ("segment length, least", segment::SEGMENT_BYTES_MIN),
        ("segment length, most", segment::SEGMENT_BYTES_MAX),
        ("segment length, usual", segment::SEGMENT_BYTES_DEFAULT),
        ("first application kind", u64::from(record::FIRST_APPLICATION_KIND)),
        ("remembered keys", KEYS_REMEMBERED as u64),
        ("packed block length", packed::BLOCK_BYTES as u64),
        ("packed block, most", packed::STORED_BYTES_MAX as u64),
        ("packed original, most", packed::ORIGINAL_BYTES_MAX),
        ("decode memory, most", wire::DECODE_MEMORY_MAX as u64),
    ];
    for (name, code) in numbers {
        assert_eq!(take(name).replace(',', "").parse(), Ok(code), "{name}");
    }
    assert_eq!(bytes_of_hex(&take("identity magic")), IDENTITY_MAGIC);
    assert_eq!(bytes_of_hex(&take("segment magic")), segment::MAGIC);
    assert_eq!(bytes_of_hex(&take("index magic")), schwabot::ledger::index::INDEX_MAGIC);
    assert_eq!(bytes_of_hex(&take("packed magic")), packed::PACKED_MAGIC);
    assert_eq!(take("link context"), format!("`{}`", hash::LINK_CONTEXT));
    let domains = [
        ("trade domain", hash::TRADE_DOMAIN),
        ("run domain", hash::RUN_DOMAIN),
        ("soulprint domain", hash::SOULPRINT_DOMAIN),
        ("bucket domain", hash::BUCKET_DOMAIN),
        ("state domain", hash::STATE_DOMAIN),
        ("erasure key domain", hash::ERASURE_KEY_DOMAIN),
        ("personal domain", schwabot::erasure::PERSONAL_DOMAIN),
    ];
    for (name, code) in domains {
        let text = take(name);
        let text = text.strip_prefix('`').and_then(|text| text.strip_suffix("` + 00")).unwrap();
        assert_eq!([text.as_bytes(), &[0]].concat(), code, "{name}");
    }
    assert!(said.is_empty(), "constants that no test compares: {said:?}");
}

#[test]
fn numbers_inside_the_prose_are_the_codes() {
    let frame_section = section("## Frame");
    let most = frame::FRAME_BYTES_MAX - frame::FRAME_HEADER_BYTES;
    assert_eq!(most, 16_777_128);
    assert!(frame_section.contains("records length at most 16,777,128"));
    let least = frame::RECORD_PREFIX_BYTES + record::ENVELOPE_BYTES_MIN;
    assert!(frame_section.contains(&format!("at most records length / {least}")));
    let room = frame::FRAME_HEADER_BYTES + frame::FRAME_ALIGNMENT;
    assert!(frame_section.contains(&format!("ends at least {room} bytes before the file length")));
    assert!(section("### The chain").contains(&format!("context \"{}\"", hash::LINK_CONTEXT)));
    assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283);
    assert!(section("### Checksums").contains("0xe3069283"));
    assert!(section("## Tree").contains(&hash::empty_root().to_string()));
    assert_eq!(CompactRange::new(0).root(), Some(hash::empty_root()));
    for name in ["trade", "run", "soulprint", "bucket", "state", "erasure-key"] {
        assert!(section("### Named hashes").contains(&format!("\"schwabot/{name}/v1\" 00")));
    }
}

#[test]
fn the_flags_are_those_of_the_document() {
    let rows = table("## Frame", &["flag", "bit", "meaning"]);
    let said: Vec<_> =
        rows.iter().map(|row| (row[0].as_str(), 1_u16 << row[1].parse::<u16>().unwrap())).collect();
    let code = [
        ("ORDERED", frame::FLAG_ORDERED),
        ("SEAL", frame::FLAG_SEAL),
        ("CLOSE", frame::FLAG_CLOSE),
    ];
    assert_eq!(said, code);
}

#[test]
fn optional_fields_stand_where_the_document_says() {
    let rows = table("## Record", &["optional field", "bit", "bytes", "meaning"]);
    let plain = Stamp::new(Class::Input, Vantage::Operator, Timestamp::from_nanos(0));
    let marks = [Some([1; 16]), Some([2; 16]), Some([3; 16])];
    let [key, erasure, salt] = marks;
    let erasure = erasure.map(SubjectId);
    let all = Stamp { idempotency_key: key, erasure_key: erasure, salt, ..plain };
    let single = [
        ("idempotency key", Stamp { idempotency_key: key, ..plain }),
        ("erasure key", Stamp { erasure_key: erasure, ..plain }),
        ("blinding salt", Stamp { salt, ..plain }),
    ];
    let bytes_of = |stamp: &Stamp| {
        let mut bytes = Vec::new();
        Envelope { kind: 0x0100, schema: 1, stamp: *stamp }.encode(&mut bytes);
        bytes
    };
    assert_eq!(rows.len(), single.len());
    let mut at = record::ENVELOPE_BYTES_MIN;
    for ((row, (name, stamp)), mark) in rows.iter().zip(single).zip(marks) {
        assert_eq!((row[0].as_str(), row[2].as_str()), (name, "16"));
        let bit = 1_u16 << row[1].parse::<u16>().unwrap();
        assert_eq!(bytes_of(&stamp)[4..6], bit.to_le_bytes(), "{name}");
        assert_eq!(bytes_of(&all)[at..at + 16], mark.unwrap(), "{name}");
        at += 16;
    }
    assert_eq!(bytes_of(&all).len(), at);
}

fn numbered<T: Copy + serde::Serialize>(all: &[T], number: fn(T) -> u8) -> Vec<(u8, Value)> {
    all.iter().map(|value| (number(*value), serde_json::to_value(value).unwrap())).collect()
}

#[test]
fn the_values_of_the_envelope_are_those_of_the_document() {
    let rows = table("## Record", &["value", "class", "vantage", "clock", "clock status"]);
    let said = |column: usize| -> Vec<(u8, Value)> {
        let cells = rows.iter().map(|row| (row[0].parse().unwrap(), row[column].as_str()));
        cells.filter(|(_, name)| !name.is_empty()).map(|(n, name)| (n, json!(name))).collect()
    };
    let class = numbered(Class::ALL, |value| value as u8);
    let vantage = numbered(Vantage::ALL, |value| value as u8);
    let clock = numbered(ClockSource::ALL, |value| value as u8);
    let status = numbered(ClockStatus::ALL, |value| value as u8);
    assert_eq!([said(1), said(2), said(3), said(4)], [class, vantage, clock, status]);
    let actors = table("## Record", &["actor", "who"]);
    let code = [
        Actor::NONE,
        Actor::KERNEL,
        Actor::SOURCE,
        Actor::STRATEGY,
        Actor::VENUE,
        Actor::OPERATOR,
        Actor::LEDGER,
    ];
    let said: Vec<u16> = actors.iter().map(|row| row[0].parse().unwrap()).collect();
    assert_eq!(said, code.map(|actor| actor.0));
}

#[test]
fn the_document_lists_every_kind_and_no_other() {
    let rows = table("### Kinds", &["number", "name", "class", "schema", "payload"]);
    let said: Vec<(u16, &str, String)> = rows
        .iter()
        .map(|row| {
            let number = u16::from_str_radix(row[0].trim_start_matches("0x"), 16).unwrap();
            (number, row[1].as_str(), row[2].clone())
        })
        .collect();
    let mut code: Vec<_> =
        SystemEvent::KINDS.iter().map(|(kind, name)| (*kind, *name, "system".to_owned())).collect();
    code.extend(
        Event::KINDS
            .iter()
            .map(|(number, name, class)| (*number, *name, format!("{class:?}").to_lowercase())),
    );
    assert_eq!(said, code);
    for (number, name, _) in said {
        assert_eq!(kind_name(number), Some(name));
    }
}

#[test]
fn the_second_verifier_knows_every_kind_of_the_document_and_no_other() {
    let script = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tools/verify.py"));
    let (_, from) = script.split_once("\nKINDS = {").unwrap();
    let (kinds, _) = from.split_once("\n}").unwrap();
    let known: Vec<String> = kinds
        .split(',')
        .map(|kind| kind.trim().to_owned())
        .filter(|kind| !kind.is_empty())
        .collect();
    let rows = table("### Kinds", &["number", "name", "class", "schema", "payload"]);
    let said: Vec<String> = rows.iter().map(|row| format!("{}: \"{}\"", row[0], row[1])).collect();
    assert_eq!(known, said);
}

/// The payload tables of the document.
struct Schema {
    structs: BTreeMap<String, Vec<(String, String)>>,
    enums: BTreeMap<String, Vec<String>>,
}

impl Schema {
    fn read() -> Self {
        let mut structs: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
        for row in table("### Payloads", &["payload", "field", "type"]) {
            structs.entry(row[0].clone()).or_default().push((row[1].clone(), row[2].clone()));
        }
        let rows = table("### Payloads", &["enum", "positions, from 0"]);
        let names = |cell: &str| cell.split(", ").map(str::to_owned).collect();
        let enums = rows.iter().map(|row| (row[0].clone(), names(&row[1]))).collect();
        Self { structs, enums }
    }

    /// Takes a value of the type off the bytes.
    fn take(&self, kind: &str, bytes: &mut &[u8]) -> Value {
        if let Some(inner) = kind.strip_prefix("optional ") {
            return match cut(bytes, 1)[0] {
                0 => Value::Null,
                1 => self.take(inner, bytes),
                other => panic!("option byte {other}"),
            };
        }
        if let Some(inner) = kind.strip_prefix("list of ") {
            let count = unsigned(cut(bytes, 8));
            return (0..count).map(|_| self.take(inner, bytes)).collect();
        }
        if let Some(variants) = self.enums.get(kind) {
            let position = usize::try_from(unsigned(cut(bytes, 4))).unwrap();
            let variant = &variants[position];
            let Some(fields) = self.structs.get(&format!("{kind}.{variant}")) else {
                // A variant without fields, of an enum that has some.
                let tagged = self.structs.keys().any(|name| name.starts_with(&format!("{kind}.")));
                return if tagged { json!({ "type": variant }) } else { json!(variant) };
            };
            let mut value = self.fields(fields, bytes);
            value["type"] = json!(variant);
            return value;
        }
        if let Some(fields) = self.structs.get(kind) {
            return self.fields(fields, bytes);
        }
        primitive(kind, bytes)
    }

    fn fields(&self, fields: &[(String, String)], bytes: &mut &[u8]) -> Value {
        let mut value = json!({});
        for (name, kind) in fields {
            value[name] = self.take(kind, bytes);
        }
        value
    }
}

fn primitive(kind: &str, bytes: &mut &[u8]) -> Value {
    match kind {
        "u8" => json!(cut(bytes, 1)[0]),
        "pair" | "u16" => json!(unsigned(cut(bytes, 2))),
        "u32" => json!(unsigned(cut(bytes, 4))),
        "u64" => json!(unsigned(cut(bytes, 8))),
        "bool" => json!(cut(bytes, 1)[0] == 1),
        "text" => {
            let count = usize::try_from(unsigned(cut(bytes, 8))).unwrap();
            json!(std::str::from_utf8(cut(bytes, count)).unwrap())
        }
        "price" => json!(Price::from_raw(wide(bytes))),
        "quantity" => json!(Quantity::from_raw(wide(bytes))),
        "money" => json!(Money::from_raw(wide(bytes))),
        "money_exact" => json!(MoneyExact::from_raw(wide(bytes))),
        "ratio" => json!(Ratio::from_raw(signed(bytes))),
        "time" => json!(Timestamp::from_nanos(signed(bytes))),
        "span" => json!(Span::from_nanos(signed(bytes))),
        "digest" => json!(Digest(cut(bytes, 32).try_into().unwrap())),
        "run_id" => json!(RunId(cut(bytes, 16).try_into().unwrap())),
        "sealed" => {
            let count = usize::try_from(unsigned(cut(bytes, 8))).unwrap();
            json!(cut(bytes, count).iter().map(|byte| format!("{byte:02x}")).collect::<String>())
        }
        "subject_id" => json!(SubjectId(cut(bytes, 16).try_into().unwrap())),
        other => panic!("the document does not define `{other}`"),
    }
}

fn cut<'a>(bytes: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(count);
    *bytes = rest;
    taken
}

fn unsigned(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

fn signed(bytes: &mut &[u8]) -> i64 {
    i64::from_le_bytes(cut(bytes, 8).try_into().unwrap())
}

fn wide(bytes: &mut &[u8]) -> i128 {
    i128::from_le_bytes(cut(bytes, 16).try_into().unwrap())
}

#[test]
fn a_decoder_made_of_the_documents_tables_reads_every_payload() {
    let (schema, samples) = (Schema::read(), crate::support::samples::events());
    for (number, name, _) in Event::KINDS {
        let of_kind: Vec<_> = samples.iter().filter(|event| event.kind() == *number).collect();
        assert!(!of_kind.is_empty(), "no sample of {name}: add one to support/samples.rs");
        for event in of_kind {
            let rows = table("### Kinds", &["number", "name", "class", "schema", "payload"]);
            let row = rows.iter().find(|row| row[1] == event.name()).unwrap();
            assert_eq!(row[3].parse(), Ok(event.schema()));
            let mut bytes = Vec::new();
            event.encode_payload(&mut bytes).unwrap();
            let mut rest = bytes.as_slice();
            assert_eq!(schema.take(&row[4], &mut rest), serde_json::to_value(event).unwrap());
            assert!(rest.is_empty(), "{} bytes of {name} are not in the document", rest.len());
        }
    }
    let (digest, key) = (Digest([4; 32]), "bot+0+0".to_owned());
    let own = [
        SystemEvent::Recovered(Recovered { segment: 1, offset: 2, dead_bytes: 3, digest }),
        SystemEvent::ChainAnchor(ChainAnchor { frame: 5, link: digest, key: key.clone() }),
        SystemEvent::KeyRotated(KeyRotated {
            old: key.clone(),
            new: key,
            old_signature: vec![1, 2],
            new_signature: vec![3],
        }),
        SystemEvent::SubjectShredded(SubjectShredded {
            subject: SubjectId([7; 16]),
            key_digest: digest,
            reason: "asked for".to_owned(),
        }),
        SystemEvent::OperatorNote(OperatorNote {
            author: Sealed((1..60).collect()),
            text: Sealed(vec![8; 40]),
        }),
    ];
    let kinds: Vec<u16> = own.iter().map(Payload::kind).collect();
    assert_eq!(kinds, SystemEvent::KINDS.iter().map(|(kind, _)| *kind).collect::<Vec<_>>());
    for event in own {
        let mut bytes = Vec::new();
        event.encode_payload(&mut bytes).unwrap();
        let mut rest = bytes.as_slice();
        let read = schema.take(SystemEvent::name_of(event.kind()).unwrap(), &mut rest);
        assert_eq!((read, rest.len()), (serde_json::to_value(event).unwrap(), 0));
    }
}

fn positions<T: Decode<()> + serde::Serialize>() -> Vec<String> {
    let decode = |position: u32| wire::decode::<T>(&position.to_le_bytes());
    let known: Vec<String> = (0..)
        .map_while(|position| decode(position).ok())
        .map(|value| serde_json::to_value(value).unwrap().as_str().unwrap().to_owned())
        .collect();
    let next = decode(u32::try_from(known.len()).unwrap()).err();
    assert!(matches!(next, Some(DecodeError::Malformed(_))), "{next:?}");
    known
}

#[test]
fn the_positions_of_every_enum_are_those_of_the_document() {
    let code = BTreeMap::from([
        ("mode", positions::<Mode>()),
        ("fill_model", positions::<FillModel>()),
        ("volume_unit", positions::<VolumeUnit>()),
        ("file_format", positions::<FileFormat>()),
        ("trigger", positions::<Trigger>()),
        ("direction", positions::<Direction>()),
        ("side", positions::<Side>()),
        ("order_reason", positions::<OrderReason>()),
        ("refusal_reason", positions::<RefusalReason>()),
        ("trend", positions::<Trend>()),
        ("command_refusal", positions::<CommandRefusal>()),
        ("ignore_reason", positions::<IgnoreReason>()),
        ("orbit_kind", positions::<OrbitKind>()),
        ("leg_action", positions::<LegAction>()),
        ("weight_rule", positions::<WeightRule>()),
        ("tercile", positions::<Tercile>()),
        ("registry_name", positions::<RegistryName>()),
        ("link_fault", positions::<LinkFault>()),
        ("projection", positions::<Projection>()),
        ("liquidity", positions::<Liquidity>()),
        ("exactness", positions::<Exactness>()),
        ("import_fault", positions::<ImportFault>()),
    ]);
    let mut said = Schema::read().enums;
    // Their variants hold fields: every one of them is among the samples.
    for (kind, field) in [("data_defect", "defect"), ("command", "action")] {
        let variants = said.remove(field).unwrap();
        let sampled: Vec<String> = crate::support::samples::events()
            .iter()
            .filter(|event| event.name() == kind)
            .map(|event| {
                serde_json::to_value(event).unwrap()[field]["type"].as_str().unwrap().into()
            })
            .collect();
        assert_eq!(sampled, variants);
    }
    let said: Vec<_> = said.iter().map(|(name, list)| (name.as_str(), list.clone())).collect();
    assert_eq!(said, code.into_iter().collect::<Vec<_>>());
}
