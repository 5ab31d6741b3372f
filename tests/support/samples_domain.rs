//! One event of every kind of engines, registries, commands and state roots, each field with a
//! value of its own.

use schwabot::event::*;
use schwabot::hash::Digest;
use schwabot::time::{Span, Timestamp};
use schwabot::units::{MoneyExact, Price, Quantity, Ratio};

fn price(raw: i128) -> Price {
    Price::from_raw(raw)
}

fn quantity(raw: i128) -> Quantity {
    Quantity::from_raw(raw)
}

fn ratio(raw: i64) -> Ratio {
    Ratio::from_raw(raw)
}

fn time(nanos: i64) -> Timestamp {
    Timestamp::from_nanos(nanos * 1_000_000_007)
}

/// All of them.
pub(crate) fn events() -> Vec<Event> {
    [commands(), engines(), registries()].concat()
}

#[expect(clippy::too_many_lines, reason = "one literal a kind")]
fn commands() -> Vec<Event> {
    vec![
        Event::Command(Box::new(Command {
            row: 1013,
            time: time(1014),
            action: Action::GhostTrigger {
                key: EvidenceKey {
                    leg: Leg { from: "T1003".into(), to: "T1004".into() },
                    trigger: Trigger::VolumeSurge,
                    direction: Direction::Down,
                    word_bits: 10,
                },
                word: Some(1009),
                confidence: Some(ratio(-1011)),
            },
        })),
        Event::Command(Box::new(Command {
            row: 1023,
            time: time(1024),
            action: Action::AppendMemory {
                key: EvidenceKey {
                    leg: Leg { from: "T1016".into(), to: "T1017".into() },
                    trigger: Trigger::VolumeSurge,
                    direction: Direction::Down,
                    word_bits: 23,
                },
                net_return: ratio(1021),
            },
        })),
        Event::Command(Box::new(Command {
            row: 1030,
            time: time(1031),
            action: Action::ChangeWeight {
                leg: Leg { from: "T1025".into(), to: "T1026".into() },
                word_bits: 30,
                delta: ratio(1028),
            },
        })),
        Event::Command(Box::new(Command {
            row: 1034,
            time: time(1035),
            action: Action::FlipBits { word: 1031, word_bits: 35 },
        })),
        Event::Command(Box::new(Command {
            row: 1041,
            time: time(1042),
            action: Action::FlipPair {
                leg: Leg { from: "T1036".into(), to: "T1037".into() },
                word_bits: Some(42),
            },
        })),
        Event::Command(Box::new(Command {
            row: 1070,
            time: time(1071),
            action: Action::RunOrbit {
                stages: vec![vec![
                    StageLeg {
                        leg: Leg { from: "T1046".into(), to: "T1047".into() },
                        word_bits: 51,
                    },
                    StageLeg {
                        leg: Leg { from: "T1051".into(), to: "T1052".into() },
                        word_bits: 56,
                    },
                ]],
                market: vec![
                    LegQuote {
                        leg: Leg { from: "T1057".into(), to: "T1058".into() },
                        trend: Trend::Up,
                        price: Some(price(1061)),
                    },
                    LegQuote {
                        leg: Leg { from: "T1064".into(), to: "T1065".into() },
                        trend: Trend::Down,
                        price: Some(price(1068)),
                    },
                ],
            },
        })),
        Event::Command(Box::new(Command {
            row: 1084,
            time: time(1085),
            action: Action::SelectOrbit {
                stages: vec![vec![
                    StageLeg {
                        leg: Leg { from: "T1075".into(), to: "T1076".into() },
                        word_bits: 80,
                    },
                    StageLeg {
                        leg: Leg { from: "T1080".into(), to: "T1081".into() },
                        word_bits: 85,
                    },
                ]],
            },
        })),
        Event::Command(Box::new(Command { row: 1086, time: time(1087), action: Action::CleanUp })),
        Event::SealedCommand(SealedCommand {
            row: 1401,
            time: time(1402),
            sealed: Sealed((0..77).collect()),
        }),
    ]
}

#[expect(clippy::too_many_lines, reason = "one literal a kind")]
fn engines() -> Vec<Event> {
    vec![
        Event::CommandRefused(CommandRefused { row: 1088, reason: CommandRefusal::Overflow }),
        Event::FeatureScalingFrozen(FeatureScalingFrozen {
            pair: PairId(1091),
            bars: 1092,
            scales: vec![
                Some(FrozenScale { mean: ratio(1096), deviation: ratio(1097) }),
                Some(FrozenScale { mean: ratio(1100), deviation: ratio(-1101) }),
            ],
        }),
        Event::GhostOpened(Box::new(GhostOpened {
            ghost: 1103,
            pair: PairId(1104),
            key: EvidenceKey {
                leg: Leg { from: "T1107".into(), to: "T1108".into() },
                trigger: Trigger::VolumeSurge,
                direction: Direction::Down,
                word_bits: 114,
            },
            word: Some(1113),
            strength: Some(ratio(1115)),
            quantity: quantity(1116),
            features: Features {
                drift_t: Some(ratio(-1119)),
                volatility: Some(ratio(1121)),
                volume_z: Some(ratio(1123)),
                ln_market_clock_rate: Some(ratio(-1125)),
                periodicity_g: Some(ratio(1127)),
                dominant_phase: Some(ratio(1129)),
                periodicity_p: Some(ratio(-1131)),
                dominant_period: Some(ratio(1133)),
                permutation_entropy: Some(ratio(1135)),
                volume: Some(quantity(1137)),
            },
            vector: vec![ratio(1139), ratio(-1140)],
            up_probability: Some(ratio(1142)),
            weight: Some(ratio(1144)),
        })),
        Event::GhostTriggered(Box::new(GhostTriggered {
            ghost: Some(1147),
            pair: Some(PairId(1149)),
            key: EvidenceKey {
                leg: Leg { from: "T1152".into(), to: "T1153".into() },
                trigger: Trigger::VolumeSurge,
                direction: Direction::Down,
                word_bits: 159,
            },
            cases: 1157,
            successes: 1158,
            lower_bound: ratio(1159),
            confidence: ratio(1160),
            mean_net_return: ratio(-1161),
            kelly_fraction: Some(ratio(1163)),
            expected_net_edge: ratio(-1164),
        })),
        Event::GhostIgnored(Box::new(GhostIgnored {
            ghost: Some(1167),
            pair: Some(PairId(1169)),
            key: EvidenceKey {
                leg: Leg { from: "T1172".into(), to: "T1173".into() },
                trigger: Trigger::VolumeSurge,
                direction: Direction::Down,
                word_bits: 179,
            },
            reason: IgnoreReason::TooFew,
            cases: 1178,
            successes: 1179,
            lower_bound: Some(ratio(1181)),
            mean_net_return: Some(ratio(1183)),
        })),
        Event::GhostEntered(GhostEntered {
            ghost: 1185,
            price: price(1186),
            slippage: ratio(1187),
            time: time(1188),
        }),
        Event::GhostExitDue(GhostExitDue { ghost: 1190, reason: OrderReason::Stop, gap: true }),
        Event::GhostClosed(Box::new(GhostClosed {
            ghost: 1194,
            key: EvidenceKey {
                leg: Leg { from: "T1197".into(), to: "T1198".into() },
                trigger: Trigger::VolumeSurge,
                direction: Direction::Down,
                word_bits: 4,
            },
            price: price(1202),
            slippage: ratio(-1203),
            time: time(1204),
            net_return: ratio(1205),
            net_log_return: ratio(-1206),
            success: true,
        })),
        Event::PairMemoryAppended(PairMemoryAppended {
            key: EvidenceKey {
                leg: Leg { from: "T1211".into(), to: "T1212".into() },
                trigger: Trigger::VolumeSurge,
                direction: Direction::Down,
                word_bits: 18,
            },
            net_return: ratio(1216),
            success: true,
        }),
        Event::OrbitCycleRun(Box::new(OrbitCycleRun {
            cycle: 1219,
            kind: OrbitKind::Commanded,
            legs: vec![
                OrbitLeg {
                    stage: 1223,
                    leg: Leg { from: "T1225".into(), to: "T1226".into() },
                    word_bits: Some(31),
                    weight: Some(ratio(-1230)),
                    action: LegAction::HeldWeight,
                    price: Some(price(1233)),
                    time: Some(time(1235)),
                },
                OrbitLeg {
                    stage: 1237,
                    leg: Leg { from: "T1239".into(), to: "T1240".into() },
                    word_bits: Some(45),
                    weight: Some(ratio(1244)),
                    action: LegAction::Priced,
                    price: Some(price(1247)),
                    time: Some(time(1249)),
                },
            ],
            weight_walked: ratio(1250),
            notional: Some(MoneyExact::from_raw(1252)),
            net: Some(MoneyExact::from_raw(1254)),
            log_return: Some(ratio(1256)),
            trade: Some(Digest([9; 32])),
            success: true,
        })),
        Event::OrbitSelected(OrbitSelected {
            stage: Some(1262),
            cases: 1263,
            successes: 1264,
            lower_bound: Some(ratio(-1266)),
        }),
        Event::VolumeWeightsChanged(VolumeWeightsChanged {
            leg: Leg { from: "T1269".into(), to: "T1270".into() },
            word_bits: 74,
            rule: WeightRule::Exponentiated,
            gain: ratio(1273),
            old: ratio(1274),
            new: ratio(-1275),
            weights: vec![ratio(1277), ratio(-1278)],
        }),
        Event::BitFlipped(BitFlipped {
            pair: Some(PairId(1281)),
            leg: Some(Leg { from: "T1284".into(), to: "T1285".into() }),
            word_bits: 89,
            word: 1287,
            complement: 1288,
            distance: Some(1290),
            sign_changes: 1291,
        }),
        Event::PairFlipResolved(Box::new(PairFlipResolved {
            leg: Leg { from: "T1294".into(), to: "T1295".into() },
            inverse: Leg { from: "T1297".into(), to: "T1298".into() },
            word_bits: Some(103),
            word: Some(1302),
            round_trip_cost: Some(ratio(1304)),
            confidence: Some(ratio(1306)),
            trade: Some(Digest([59; 32])),
        })),
    ]
}

#[expect(clippy::too_many_lines, reason = "one literal a kind")]
fn registries() -> Vec<Event> {
    vec![
        Event::SoulprintRegistered(Box::new(SoulprintRegistered {
            run: RunId([61; 16]),
            order: 1311,
            ghost: 1312,
            pair: PairId(1313),
            time: time(1314),
            vector: vec![ratio(1316), ratio(-1317)],
            bucket: BucketKey {
                trigger: Trigger::VolumeSurge,
                direction: Direction::Down,
                drift: Tercile::Middle,
                volatility: Tercile::High,
                volume: Tercile::Low,
                clock: Tercile::Middle,
            },
            confidence: ratio(1325),
            up_probability: Some(ratio(1327)),
            weight: Some(ratio(-1329)),
        })),
        Event::SoulprintOutcome(SoulprintOutcome {
            soulprint: Digest([82; 32]),
            trade: Digest([83; 32]),
            net: MoneyExact::from_raw(1333),
            net_return: ratio(1334),
        }),
        Event::BucketMatched(BucketMatched {
            bucket: Digest([87; 32]),
            soulprint: Digest([88; 32]),
            similarity: ratio(-1338),
            support: 1339,
            expected_success: ratio(1340),
            expected_net_return: ratio(-1341),
            expected_holding: Span::from_nanos(1342),
        }),
        Event::BucketMatchScored(BucketMatchScored {
            bucket: Digest([95; 32]),
            soulprint: Digest([96; 32]),
            trade: Digest([97; 32]),
            expected_success: ratio(-1347),
            success: true,
        }),
        Event::BucketObserved(BucketObserved {
            key: BucketKey {
                trigger: Trigger::VolumeSurge,
                direction: Direction::Down,
                drift: Tercile::Low,
                volatility: Tercile::Middle,
                volume: Tercile::High,
                clock: Tercile::Low,
            },
            trade: Digest([108; 32]),
            soulprint: Digest([109; 32]),
            net_return: ratio(-1359),
            holding: Span::from_nanos(1360),
            time: time(1361),
            success: true,
        }),
        Event::BucketRetired(BucketRetired {
            bucket: Digest([115; 32]),
            idle: Span::from_nanos(1365),
            support: 1366,
        }),
        Event::RegistryLinked(RegistryLinked {
            trade: Digest([119; 32]),
            number: 1369,
            registry: RegistryName::ProfitBuckets,
            entry: Digest([122; 32]),
        }),
        Event::OrphanTombstoned(OrphanTombstoned {
            registry: RegistryName::Soulprints,
            fault: LinkFault::LinkWithoutTrade,
            entry: Digest([126; 32]),
            trade: Some(Digest([128; 32])),
        }),
        Event::StateRoot(StateRoot {
            events: 1379,
            roots: vec![
                ProjectionRoot { projection: Projection::Orders, digest: Digest([134; 32]) },
                ProjectionRoot { projection: Projection::Soulprints, digest: Digest([137; 32]) },
            ],
        }),
    ]
}
