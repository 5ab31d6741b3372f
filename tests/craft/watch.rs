//! The screen of `watch`: what is drawn, to the cell, and the real program on a terminal of its own.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use schwabot::cli::watch::{Account, Audited, Checkpointed, Picture, picture_as_text};

use crate::support::TestResult;
use crate::support::cli::{Place, run};

/// Set to write the golden screens anew instead of comparing them.
const WRITE: &str = "SCHWABOT_WRITE_REFERENCE";

fn picture() -> Picture {
    let position = ["ETH/USDC", "0.20723337", "4921.02305716", "7.49925906"];
    let ghost = |key: &str, price: &str, state: &str| [key, price, state].map(str::to_owned);
    let record = |sequence: u64| {
        format!("{sequence:>9} 2025-01-04T11:19:00Z bar {{\"pair\":2,\"close\":\"4921.02305716\"}}")
    };
    Picture {
        ledger: "/var/ledgers/run1".to_owned(),
        run: "schwabot, demo, running".to_owned(),
        time: "2025-01-04T11:20:00Z".to_owned(),
        records: 17_498,
        records_there: 17_498,
        chain_head: "29721a72".to_owned(),
        end: "live",
        accounts: vec![Account {
            currency: "USDC".to_owned(),
            equity: "10118.10349552".to_owned(),
            net_profit: "110.60423646".to_owned(),
            unrealised: "7.49925906".to_owned(),
            worst_fall: "12.20911873".to_owned(),
        }],
        equity: (0..300).map(|place| (place * 7) % 400 + place * 2).collect(),
        positions: vec![position.map(str::to_owned)],
        ghosts: vec![
            ghost("USDC>ETH volume_surge up 4", "4913.50000000", "flipped"),
            ghost("USDC>BTC price_spike down 4", "-", "on paper"),
        ],
        last: (17_440..17_498).map(record).collect(),
        checkpoint: Some(Checkpointed {
            size: 17_000,
            origin: "example.com/bot".to_owned(),
            age: Some(Duration::from_secs(185)),
        }),
        audit: Audited::Found {
            verdict: "intact".to_owned(),
            intact: true,
            records: 17_420,
            ago: Duration::from_secs(12),
            looking: false,
        },
        paused: false,
        scroll: 0,
        trouble: None,
    }
}

/// Holds a screen against the one that is kept.
fn is_golden(name: &str, picture: &Picture, width: u16, height: u16) -> TestResult {
    let drawn = picture_as_text(picture, width, height);
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/watch");
    let path = root.join(format!("{name}-{width}x{height}.txt"));
    if std::env::var_os(WRITE).is_some() {
        std::fs::create_dir_all(&root)?;
        std::fs::write(&path, &drawn)?;
    }
    let kept = std::fs::read_to_string(&path)?;
    assert!(drawn == kept, "{}:\n{drawn}", path.display());
    assert_eq!(drawn.lines().count(), usize::from(height));
    Ok(())
}

#[test]
fn the_screen_is_drawn_to_the_cell_at_three_sizes() -> TestResult {
    for (width, height) in [(80, 24), (120, 40), (40, 12)] {
        is_golden("live", &picture(), width, height)?;
    }
    Ok(())
}

#[test]
fn a_paused_a_damaged_and_an_empty_ledger_have_their_screens() -> TestResult {
    let damaged = Picture {
        audit: Audited::Found {
            verdict: "corrupt".to_owned(),
            intact: false,
            records: 6519,
            ago: Duration::from_secs(7300),
            looking: true,
        },
        trouble: Some("segment 000000000000 is damaged at bytes 985736..1051432".to_owned()),
        paused: true,
        scroll: 5,
        ..picture()
    };
    is_golden("damaged", &damaged, 80, 24)?;
    is_golden("damaged", &damaged, 40, 12)?;
    let empty = Picture {
        ledger: "l".to_owned(),
        run: "no run has begun".to_owned(),
        end: "open",
        ..Picture::default()
    };
    is_golden("empty", &empty, 80, 24)?;
    let behind = Picture { records: 4_000_000, records_there: 10_000_000, ..picture() };
    assert!(picture_as_text(&behind, 80, 24).contains("record 4000000 of 10000000, 40 %"));
    Ok(())
}

#[test]
fn no_size_is_too_small_and_scrolling_shows_older_records() {
    for (width, height) in [(0, 0), (1, 1), (3, 2), (69, 19), (70, 20), (500, 3), (10, 200)] {
        let lines = picture_as_text(&picture(), width, height).lines().count();
        assert_eq!(lines, usize::from(height));
    }
    let newest = picture_as_text(&picture(), 80, 24);
    assert!(newest.contains("17497") && !newest.contains("17480"));
    let older = picture_as_text(&Picture { scroll: 17, ..picture() }, 80, 24);
    assert!(older.contains("17480") && !older.contains("17490"));
}

/// The real program on a terminal of that size; none where nothing makes one.
fn on_a_terminal(ledger: &str) -> TestResult<Option<Child>> {
    let line =
        format!("stty rows 24 cols 80; exec {} watch {ledger}", env!("CARGO_BIN_EXE_schwabot"));
    let mut command = Command::new("script");
    command.args(["-qec", &line, "/dev/null"]).env("TERM", "xterm");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    match command.spawn() {
        Ok(child) => Ok(Some(child)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[test]
fn the_program_follows_what_is_appended_verifies_it_and_ends_with_q() -> TestResult {
    let place = Place::new()?;
    let ledger = place.arg("l");
    assert_eq!(run(&["demo", "--cycles", "600", "--ledger", &ledger])?.code, Some(0));
    let Some(mut child) = on_a_terminal(&ledger)? else { return Ok(()) };
    std::thread::sleep(Duration::from_millis(1500));
    let note = ["note", &ledger, "--keys", &place.arg("k"), "--subject", "Ada", "hello"];
    assert_eq!(run(&note)?.code, Some(0));
    std::thread::sleep(Duration::from_millis(1500));
    child.stdin.as_mut().unwrap().write_all(b"vq")?;
    let ended = child.wait_with_output()?;
    assert_eq!(ended.status.code(), Some(0));
    let shown = String::from_utf8_lossy(&ended.stdout).into_owned();
    // Between two words the cursor is moved.
    for wanted in ["operator_note", "intact", "1988", "worst", "ghosts:", "quit", "watched "] {
        assert!(shown.contains(wanted), "`{wanted}` was not shown: {shown:?}");
    }
    Ok(())
}

#[test]
fn without_a_terminal_and_without_a_ledger_it_says_so() -> TestResult {
    let piped = run(&["watch", "l"])?;
    assert_eq!(piped.code, Some(2));
    assert!(piped.err.contains("replay LEDGER --follow"), "{}", piped.err);
    Ok(())
}
