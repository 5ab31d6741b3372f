//! Which VCP event a record is, and in which words; the table is in `EXPORTS.md`.

use serde_json::{Map, Value, json};

use super::rows::actor_name;
use crate::event::{
    ClockStatus, DataDefect, Defect, Envelope, Event, EvidenceKey, OrderFilled, OrderPlaced,
    PairId, RecordRef, RunStarted, Side, SystemEvent, TradeClosed, kind_name,
};
use crate::hash;
use crate::ledger::Entry;

/// A record in VCP's words.
pub(super) struct Mapped {
    /// Its `EventType`.
    pub(super) event_type: &'static str,
    /// Its modules.
    pub(super) payload: Value,
}

/// What the run under way called its pairs.
#[derive(Default)]
pub(super) struct Mapping {
    symbols: Vec<(String, String)>,
}

impl Mapping {
    /// Returns the event of a record, or none where VCP has no word for it.
    pub(super) fn of(&mut self, entry: &Entry<Event>) -> Option<Mapped> {
        let mapped = |event_type, payload| Some(Mapped { event_type, payload });
        let event = match entry {
            Entry::Event(event) => event,
            Entry::System(SystemEvent::Recovered(said)) => {
                let recovery = json!({ "DeadBytes": said.dead_bytes, "Segment": said.segment });
                return mapped("ERR_RECOVER", json!({ "VCP-RECOVERY": recovery }));
            }
            Entry::System(_) => return None,
        };
        match event {
            Event::RunStarted(started) => {
                let instruments = started.config.instruments.iter();
                self.symbols =
                    instruments.map(|known| (known.symbol(), known.quote.clone())).collect();
                mapped("INIT", json!({ "VCP-GOV": algorithm(started) }))
            }
            Event::DataDefect(found) => {
                let event_type = match found.defect {
                    Defect::Malformed { .. } => "ERR_PARSE",
                    _ => "ERR_SYNC",
                };
                mapped(event_type, self.defect(found))
            }
            Event::SignalFired(signal) => {
                let mut factors = Map::new();
                factors.insert("Direction".into(), signal.direction.name().into());
                factors.insert("Trigger".into(), signal.trigger.name().into());
                if let Some(strength) = signal.strength {
                    factors.insert("Strength".into(), strength.to_string().into());
                }
                let governance = json!({ "DecisionFactors": factors });
                mapped("SIG", self.with_symbol(signal.pair, json!({ "VCP-GOV": governance })))
            }
            Event::GhostTriggered(said) => {
                let mut governance = judged(&said.key, said.cases, said.successes);
                governance["RiskCheckPassed"] = true.into();
                governance["ConfidenceScore"] = said.confidence.to_string().into();
                mapped("SIG", self.with_pair(said.pair, json!({ "VCP-GOV": governance })))
            }
            Event::GhostIgnored(said) => {
                let mut governance = judged(&said.key, said.cases, said.successes);
                governance["RiskCheckPassed"] = false.into();
                governance["DecisionFactors"]["Reason"] = said.reason.name().into();
                mapped("SIG", self.with_pair(said.pair, json!({ "VCP-GOV": governance })))
            }
            Event::OrderPlaced(order) => mapped("ORD", self.placed(order)),
            Event::OrderRefused(said) => {
                let risk = json!({
                    "Quantity": said.quantity, "RejectReason": said.reason,
                    "Side": side(said.side), "Symbol": self.symbol(said.pair),
                });
                mapped("RSK", json!({ "VCP-RISK": risk }))
            }
            Event::OrderRejected(said) => {
                let reason = json!({ "RejectReason": said.reason });
                mapped("ERR_REJECT", self.trade_of(said.pair, said.order, reason))
            }
            Event::OrderExpired(said) => {
                mapped("CXL", self.trade_of(said.pair, said.order, json!({})))
            }
            Event::OrderFilled(fill) => mapped("EXE", self.filled(fill)),
            Event::TradeClosed(trade) => mapped("CLS", self.closed(trade)),
            _ => None,
        }
    }

    /// Where in the ledger an event comes from, so that it can be proven there.
    pub(super) fn origin(
        &self,
        ledger: &str,
        record: &RecordRef<'_>,
        envelope: &Envelope,
    ) -> Value {
        let stamp = &envelope.stamp;
        let mut origin = json!({
            "Kind": kind_name(envelope.kind),
            "LedgerID": ledger,
            "RecordHash": format!("sha256:{}", record.digest()),
            "RecordSequence": record.sequence,
            "RunID": stamp.run,
            "Vantage": stamp.vantage,
        });
        if let Some(actor) = actor_name(stamp.actor) {
            origin["Actor"] = actor.into();
        }
        let clock = match stamp.clock_status {
            ClockStatus::NtpSynced => Some("NTP_SYNCED"),
            ClockStatus::PtpLocked => Some("PTP_LOCKED"),
            ClockStatus::BestEffort => Some("BEST_EFFORT"),
            ClockStatus::Unreliable => Some("UNRELIABLE"),
            // VCP has no word for simulated time, nor for a clock that nobody vouches for.
            ClockStatus::Exact | ClockStatus::Unknown => None,
        };
        if let Some(clock) = clock {
            origin["ClockSyncStatus"] = clock.into();
        }
        origin
    }

    fn symbol(&self, pair: PairId) -> Option<&str> {
        self.symbols.get(usize::from(pair.0)).map(|(symbol, _)| symbol.as_str())
    }

    /// Adds the pair, where the run knows it.
    fn with_symbol(&self, pair: PairId, mut payload: Value) -> Value {
        if let Some(symbol) = self.symbol(pair) {
            payload["VCP-TRADE"] = json!({ "Symbol": symbol });
        }
        payload
    }

    fn with_pair(&self, pair: Option<PairId>, payload: Value) -> Value {
        match pair {
            Some(pair) => self.with_symbol(pair, payload),
            None => payload,
        }
    }

    /// What is said of an order.
    fn trade_of(&self, pair: PairId, order: u64, said: Value) -> Value {
        let mut payload = self.with_symbol(pair, json!({ "VCP-TRADE": {} }));
        let trade = &mut payload["VCP-TRADE"];
        trade["OrderID"] = order.to_string().into();
        if let (Value::Object(trade), Value::Object(said)) = (trade, said) {
            trade.extend(said);
        }
        payload
    }

    fn placed(&self, order: &OrderPlaced) -> Value {
        let mut payload = self.with_symbol(order.pair, json!({ "VCP-TRADE": {} }));
        let trade = &mut payload["VCP-TRADE"];
        trade["OrderID"] = order.order.to_string().into();
        trade["OrderType"] = "MARKET".into();
        trade["Quantity"] = json!(order.quantity);
        trade["Side"] = side(order.side).into();
        let factors = json!({
            "Reason": order.reason, "ReferencePrice": order.reference_price,
        });
        payload["VCP-GOV"] = json!({ "DecisionFactors": factors });
        payload
    }

    fn filled(&self, fill: &OrderFilled) -> Value {
        let mut said = json!({
            "Commission": fill.fee,
            "ExecutedQty": fill.quantity,
            "ExecutionPrice": fill.price,
            "RemainingQty": "0",
            "Side": side(fill.side),
            "Slippage": fill.slippage,
        });
        if let Some((_, quote)) = self.symbols.get(usize::from(fill.pair.0)) {
            said["Currency"] = quote.as_str().into();
        }
        self.trade_of(fill.pair, fill.order, said)
    }

    fn closed(&self, trade: &TradeClosed) -> Value {
        let said = json!({
            "ExecutedQty": trade.quantity,
            "ExecutionPrice": trade.exit.price,
            "RemainingQty": "0",
            "Side": side(trade.side.opposite()),
        });
        let mut payload = self.trade_of(trade.pair, trade.exit.order, said);
        let mut governance = json!({
            "AlgoID": trade.strategy,
            "DecisionFactors": {
                "EntryPrice": trade.entry.price,
                "EntryReason": trade.entry.reason,
                "ExitReason": trade.exit.reason,
                "GrossProfit": trade.gross,
                "NetProfit": trade.net,
                "TradeNumber": trade.trade.to_string(),
            },
        });
        if let Ok(hash) = trade.canonical_hash() {
            governance["DecisionFactors"]["TradeHash"] = format!("sha256:{hash}").into();
        }
        if let Some(confidence) = trade.confidence {
            governance["ConfidenceScore"] = json!(confidence);
        }
        payload["VCP-GOV"] = governance;
        payload
    }

    fn defect(&self, found: &DataDefect) -> Value {
        let details = json!({
            "Component": "market data",
            "Details": found.defect,
            "Row": found.row,
            "Severity": "WARNING",
        });
        let mut payload = self.with_symbol(found.pair, json!({}));
        payload["VCP-ERROR"] = details;
        payload
    }
}

/// Who decides, and by which rules: parameters as text, so that their digest can be taken.
fn algorithm(started: &RunStarted) -> Value {
    let config = &started.config;
    let parameters: Map<String, Value> = config
        .strategy
        .parameters
        .iter()
        .map(|known| (known.name.clone(), Value::from(known.value.as_str())))
        .collect();
    // Names of parameters are ASCII in every strategy here; the digest covers others all the same.
    let text = Value::Object(parameters.clone()).to_string();
    json!({
        "AlgoID": config.strategy.name,
        "AlgoType": "RULE_BASED",
        "AlgoVersion": format!("kernel {}", started.kernel),
        "DecisionFactors": { "Mode": started.mode, "Parameters": parameters },
        "ModelHash": format!("sha256:{}", hash::sha256(text.as_bytes())),
    })
}

fn judged(key: &EvidenceKey, cases: u64, successes: u64) -> Value {
    json!({ "DecisionFactors": {
        "Cases": cases.to_string(),
        "Direction": key.direction.name(),
        "Leg": key.leg.to_string(),
        "Successes": successes.to_string(),
        "Trigger": key.trigger.name(),
        "WordBits": key.word_bits.to_string(),
    }})
}

const fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    }
}
