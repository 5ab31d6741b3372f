//! The envelopes of a simulated run: when each record was known, by whose clock, and who did it.

use std::num::NonZeroU32;

use schwabot::event::*;
use schwabot::kernel::{InputClock, derived_stamp, input_stamp};

use crate::event_kinds::one_of_each;
use crate::support::runs::*;

fn sample(name: &str) -> Event {
    one_of_each().into_iter().find(|event| event.name() == name).unwrap()
}

#[test]
fn the_clock_of_a_run_goes_with_what_its_inputs_say_and_never_back() {
    let config = config("own", 2);
    let mut clock = InputClock::new(at(0), &config);
    let defect =
        |pair, defect| Event::DataDefect(DataDefect { pair: PairId(pair), row: 1, defect });
    let mut see = |input: &Event| clock.advance(input);
    assert_eq!(see(&sample("run_started")), at(0), "nothing but its inputs moves it");
    assert_eq!(see(&Event::Bar(bar(0, 4, "1", "1"))), at(5), "a bar is known when it is over");
    assert_eq!(see(&Event::Bar(bar(1, 2, "1", "1"))), at(5), "another pair's may come late");
    // A gap and an odd distance are known when the bar behind them is over.
    let gap = Defect::Gap { after: at(4), until: at(7), missing_bars: 2 };
    assert_eq!(see(&defect(1, gap)), at(8));
    assert_eq!(see(&defect(1, Defect::OffGrid { after: at(4), open_time: at(9) })), at(10));
    // A row that was left out is known as soon as what stands before it.
    for left_out in [
        Defect::Duplicate { open_time: at(20), identical: true },
        Defect::Disorder { open_time: at(20), newest: at(30) },
        Defect::Malformed { field: String::new(), reason: String::new() },
    ] {
        assert_eq!(see(&defect(1, left_out)), at(10));
    }
    let (Event::Command(mut command), Event::SealedCommand(mut sealed)) =
        (sample("command"), sample("sealed_command"))
    else {
        panic!()
    };
    command.time = at(12);
    assert_eq!(see(&Event::Command(command.clone())), at(12), "a command, when it says");
    sealed.time = at(14);
    assert_eq!(see(&Event::SealedCommand(sealed)), at(14), "sealed or not");
    assert_eq!(see(&Event::Command(command)), at(14));
}

#[test]
fn the_stamp_of_an_input_says_who_gave_it_and_by_whose_clock() {
    let run = RunId([7; 16]);
    let row = |name: &str, source| {
        let stamp = input_stamp(&sample(name), run, source, at(3));
        assert_eq!((stamp.run, stamp.time, stamp.class), (run, at(3), Class::Input), "{name}");
        assert_eq!((stamp.cause, stamp.idempotency_key), (None, None), "{name}");
        (stamp.vantage, stamp.actor, stamp.clock, stamp.clock_status)
    };
    let simulated = (ClockSource::Simulated, ClockStatus::Exact);
    let data = (ClockSource::Data, ClockStatus::Unknown);
    let whole = |vantage, actor, (clock, status)| (vantage, actor, clock, status);
    for source in [Vantage::Imported, Vantage::Simulated] {
        let operator = |clock| whole(Vantage::Operator, Actor::OPERATOR, clock);
        assert_eq!(row("run_started", source), operator(simulated));
        assert_eq!(row("command", source), operator(data));
        assert_eq!(row("sealed_command", source), operator(data));
        let imported = whole(Vantage::Imported, Actor::SOURCE, simulated);
        assert_eq!(row("input_file", source), imported);
        // The clock of made-up data is the run's own; how good a file's was, nobody can tell.
        let clock = if source == Vantage::Simulated { simulated } else { data };
        for name in ["bar", "data_defect", "end_of_data"] {
            assert_eq!(row(name, source), whole(source, Actor::SOURCE, clock), "{name}");
        }
    }
}

#[test]
fn the_stamp_of_a_derived_record_has_the_time_of_its_cause_and_no_clock() {
    let run = RunId([7; 16]);
    let back = NonZeroU32::new(3).unwrap();
    for source in [Vantage::Imported, Vantage::Simulated] {
        let input = input_stamp(&sample("bar"), run, source, at(3));
        for (actor, vantage) in [
            (Actor::VENUE, Vantage::Simulated),
            (Actor::KERNEL, Vantage::Computed),
            (Actor::STRATEGY, Vantage::Computed),
        ] {
            let stamp = derived_stamp(&input, back, actor);
            let expected = Stamp {
                run,
                cause: Some(back),
                actor,
                clock: ClockSource::None,
                clock_status: input.clock_status,
                ..Stamp::new(Class::Derived, vantage, at(3))
            };
            assert_eq!(stamp, expected);
        }
    }
}
