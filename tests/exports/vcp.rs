//! VCP events, checked from what VCP 1.2, RFC 8785 and RFC 6962 say.

use std::collections::{BTreeMap, BTreeSet};

use schwabot::event::*;
use schwabot::export::{Request, export_vcp};
use schwabot::hash::{self, Digest};
use schwabot::ledger::{Batch, Writer, WriterOptions};
use schwabot::time::Timestamp;
use serde_json::Value;

use crate::support::TestResult;
use crate::support::cli::Place;
use crate::{ledger, lines, open};

/// The root of RFC 6962, section 2.1, by its recursion.
fn root(leaves: &[Digest]) -> Digest {
    if let [only] = leaves {
        return hash::leaf(&only.0);
    }
    let split = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(split);
    hash::node(&root(left), &root(right))
}

/// Text of RFC 8785 for what has no fractions: keys sorted, no space.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<Vec<u16>, (&String, &Value)> = members
                .iter()
                .map(|(name, value)| (name.encode_utf16().collect(), (name, value)))
                .collect();
            let members = sorted.values().map(|(name, value)| {
                format!("{}:{}", canonical(&Value::from(name.as_str())), canonical(value))
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(","))
        }
        Value::String(text) => {
            let mut out = String::from("\"");
            for c in text.chars() {
                match c {
                    '"' => out += "\\\"",
                    '\\' => out += "\\\\",
                    '\u{8}' => out += "\\b",
                    '\t' => out += "\\t",
                    '\n' => out += "\\n",
                    '\u{c}' => out += "\\f",
                    '\r' => out += "\\r",
                    c if c < ' ' => out += &format!("\\u{:04x}", u32::from(c)),
                    c => out.push(c),
                }
            }
            out + "\""
        }
        Value::Number(number) => {
            assert!(number.is_u64() || number.is_i64(), "{number} is no whole number");
            number.to_string()
        }
        other => other.to_string(),
    }
}

fn digest(text: &Value) -> Digest {
    text.as_str().unwrap().strip_prefix("sha256:").unwrap().parse().unwrap()
}

/// Checks hashes, links, places and roots; returns the events.
fn check(objects: &[Value]) -> Vec<Value> {
    let (mut events, mut batch): (Vec<Value>, Vec<Digest>) = (Vec::new(), Vec::new());
    let mut previous: Option<Digest> = None;
    for object in &objects[1..] {
        if object["type"] == "batch" {
            let expected = root(&batch).to_string();
            assert_eq!(object["MerkleRoot"], expected);
            assert_eq!(object["EventCount"], batch.len());
            for event in &events[events.len() - batch.len()..] {
                assert_eq!(event["Security"]["MerkleRoot"], expected);
            }
            batch.clear();
            continue;
        }
        let (header, security) = (&object["Header"], &object["Security"]);
        let mut text = canonical(header) + &canonical(&object["Payload"]);
        match previous {
            Some(link) => {
                assert_eq!(digest(&security["PrevHash"]), link);
                text += &link.to_string();
            }
            None => assert!(security.get("PrevHash").is_none()),
        }
        let own = digest(&security["EventHash"]);
        assert_eq!(own, hash::sha256(text.as_bytes()));
        assert_eq!(security["MerkleIndex"], batch.len());
        assert_eq!(header["SequenceNum"], events.len());
        previous = Some(own);
        batch.push(own);
        events.push(object.clone());
    }
    assert!(batch.is_empty(), "every event is in a batch");
    assert_eq!(objects[0]["rows"], events.len());
    events
}

#[test]
fn every_event_is_hashed_linked_and_in_the_tree_of_its_batch() -> TestResult {
    let (place, path) = ledger(5_000)?;
    let file = place.path("events");
    export_vcp(&open(&path)?, &file, &Request::default())?;
    let events = check(&lines(&file)?);
    let types: BTreeSet<&str> =
        events.iter().filter_map(|event| event["Header"]["EventType"].as_str()).collect();
    assert_eq!(types, BTreeSet::from(["INIT", "SIG", "ORD", "EXE", "CLS"]));
    let ids: BTreeSet<&str> =
        events.iter().filter_map(|event| event["Header"]["EventID"].as_str()).collect();
    assert_eq!(ids.len(), events.len());
    Ok(())
}

#[test]
fn an_event_leads_back_to_its_record() -> TestResult {
    let (place, path) = ledger(2_000)?;
    let (file, reader) = (place.path("events"), open(&path)?);
    export_vcp(&reader, &file, &Request::default())?;
    let events = check(&lines(&file)?);
    for event in events.iter().step_by(17) {
        let origin = &event["Payload"]["VCP-LEDGER"];
        let sequence = origin["RecordSequence"].as_u64().unwrap();
        let bytes = reader.record(sequence)?.unwrap();
        assert_eq!(digest(&origin["RecordHash"]), hash::leaf(&bytes));
    }
    Ok(())
}

#[test]
fn more_events_than_a_batch_holds_are_several_batches_of_one_chain() -> TestResult {
    let place = Place::new()?;
    let path = place.path("ledger");
    let expired = |order| Event::OrderExpired(OrderExpired { order, pair: PairId(0) });
    write(&path, (0..2_500).map(expired), Timestamp::from_seconds)?;
    let file = place.path("events");
    export_vcp(&open(&path)?, &file, &Request::default())?;
    let objects = lines(&file)?;
    let sizes: Vec<&Value> = objects.iter().filter_map(|object| object.get("EventCount")).collect();
    assert_eq!(sizes, [1024, 1024, 452]);
    let events = check(&objects);
    assert_eq!(events.len(), 2_500);
    Ok(())
}

#[test]
fn text_of_any_kind_is_hashed_as_it_is_written() -> TestResult {
    let place = Place::new()?;
    let path = place.path("ledger");
    let tricky = "\u{0}\u{7}\u{8}\t\n\u{b}\u{c}\r\u{1b}\"\\/\u{7f}€😀\u{2028}";
    let defect = Event::DataDefect(DataDefect {
        pair: PairId(0),
        row: 7,
        defect: Defect::Malformed { field: "close".to_owned(), reason: tricky.to_owned() },
    });
    write(&path, std::iter::once(defect), |_| Timestamp::from_seconds(1))?;
    let file = place.path("events");
    export_vcp(&open(&path)?, &file, &Request::default())?;
    let events = check(&lines(&file)?);
    assert_eq!(events[0]["Header"]["EventType"], "ERR_PARSE");
    assert_eq!(events[0]["Payload"]["VCP-ERROR"]["Details"]["reason"], tricky);
    Ok(())
}

#[test]
fn a_time_that_vcp_cannot_say_is_refused() -> TestResult {
    let place = Place::new()?;
    let path = place.path("ledger");
    let expired = Event::OrderExpired(OrderExpired { order: 1, pair: PairId(0) });
    write(&path, std::iter::once(expired), |_| Timestamp::from_nanos(-1))?;
    let file = place.path("events");
    let done = export_vcp(&open(&path)?, &file, &Request::default());
    let said = done.unwrap_err().to_string();
    assert!(said.contains("record 0") && said.contains("1969"), "{said}");
    assert!(!file.exists());
    Ok(())
}

fn write(
    path: &std::path::Path,
    events: impl Iterator<Item = Event>,
    time: impl Fn(u64) -> Timestamp,
) -> TestResult {
    let mut writer = Writer::<Event>::open(path, &WriterOptions::default())?;
    let mut batch = Batch::new();
    for (place, event) in (0..).zip(events) {
        batch.push(&event, &Stamp::new(event.class(), Vantage::Simulated, time(place)))?;
    }
    writer.append(&batch)?;
    writer.close()?;
    Ok(())
}
