//! The decision table of recovery, every combination.

use schwabot::ledger::recovery::{Decision, decide};
use schwabot::ledger::scan::{FaultClass, SegmentEnd};

#[test]
fn every_combination_of_end_fault_and_spare_has_the_documented_answer() {
    use Decision::{Continue, FinishRoll, Recover, Refuse};
    use FaultClass::{Corrupt, Missing, TornTail};
    use SegmentEnd::{Broken, Closed, Open, Sealed};
    // (end, worst fault, answer without a spare that continues, answer with one)
    let table = [
        (Sealed, None, Refuse, FinishRoll),
        (Sealed, Some(TornTail), Refuse, Refuse),
        (Sealed, Some(Corrupt), Refuse, Refuse),
        (Sealed, Some(Missing), Refuse, Refuse),
        (Closed, None, Continue, Continue),
        (Closed, Some(TornTail), Refuse, Refuse),
        (Closed, Some(Corrupt), Refuse, Refuse),
        (Closed, Some(Missing), Refuse, Refuse),
        (Open, None, Recover, Recover),
        (Open, Some(TornTail), Recover, Recover),
        (Open, Some(Corrupt), Refuse, Refuse),
        (Open, Some(Missing), Refuse, Refuse),
        (Broken, None, Refuse, Refuse),
        (Broken, Some(TornTail), Recover, Recover),
        (Broken, Some(Corrupt), Refuse, Refuse),
        (Broken, Some(Missing), Refuse, Refuse),
    ];
    for (end, worst, without, with) in table {
        assert_eq!(decide(end, worst, false), without, "{end:?} {worst:?} without a spare");
        assert_eq!(decide(end, worst, true), with, "{end:?} {worst:?} with a spare");
    }
    assert_eq!(table.len(), 4 * 4, "the table is complete");
}
