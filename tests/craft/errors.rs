//! Every error says what to do next, in its last line.

use schwabot::ledger::Writer;

use crate::support::TestResult;
use crate::support::cli::{Place, run, walk};
use crate::support::notes;

/// What lies in a place: a ledger, its key, a backup, somebody else's files.
fn furnished(place: &Place) -> TestResult {
    let demo = ["demo", "--cycles", "700", "--ledger"];
    for name in ["l", "out/ledger", "other"] {
        std::fs::create_dir_all(place.path("out"))?;
        let seed = if name == "other" { "2" } else { "1" };
        let made = run(&[&demo[..], &[&place.arg(name), "--seed", seed]].concat())?;
        assert_eq!(made.code, Some(0), "{}", made.err);
    }
    assert_eq!(run(&["backup", &place.arg("l"), &place.arg("kept")])?.code, Some(0));
    std::fs::create_dir_all(place.path("full"))?;
    place.write("full/letter", "dear")?;
    place.write("AAA_USDT.csv", &walk(1, 50))?;
    place.write("words.csv", "nothing,of,the,kind\n1,2,3,4\n")?;
    place.write("policy", "")?;
    let key = ["keygen", "--name", "example.com/bot", "-o", &place.arg("key")];
    assert_eq!(run(&key)?.code, Some(0));
    let options = notes::options(schwabot::ledger::SyncMode::End, 1 << 16);
    let mut foreign = Writer::<notes::Note>::open(&place.path("foreign"), &options)?;
    foreign.append(&notes::step(&[1]))?;
    foreign.close()?;
    Ok(())
}

/// Command lines, `@` standing for the place, and what the last line is to hold.
const CASES: &[(&str, &str)] = &[
    // The ledger.
    ("verify @/nowhere", "next: nothing is at @/nowhere: check the path"),
    (
        "state @/full",
        "next: name the directory of a ledger; `schwabot demo --ledger DIR` makes one",
    ),
    ("state @/out", "next: did you mean @/out/ledger?"),
    ("state @/l/segments", "next: did you mean @/l?"),
    ("demo --ledger @/full", "next: name a directory that is new or empty"),
    ("state @/foreign", "next: `schwabot replay @/foreign`, `inspect` and `verify` work with any"),
    ("verify @/foreign --level derive", "next: give --level tree, or no level"),
    ("state @/l --at 1000000", "next: its last record is "),
    ("checkpoint @/kept --key @/key", "next: `schwabot recover NEW --from @/kept` makes a ledger"),
    ("demo --ledger @/l", "add a run with --append, or take another place"),
    // Copies.
    ("backup @/l @/full", "next: name a directory that is new or empty"),
    ("backup @/other @/kept", "next: give each ledger a backup of its own"),
    ("recover @/l --from @/kept", "next: name a directory that is new or empty"),
    ("salvage @/l @/full", "next: name a directory that is new or empty"),
    ("export @/l --to memory-stack @/full", "export into a new directory"),
    // What is written.
    ("report @/l -o @/full/letter", "cannot write the page: the file exists; --force replaces it"),
    ("report @/l -o @/l/x.html", "inside a ledger: take another place"),
    ("config init @/nowhere/c.toml", "next: there is no folder @/nowhere: make it"),
    // Trades and records.
    ("why @/l 12", "next: `schwabot state LEDGER trades` lists the hashes"),
    ("why @/l ffffffff", "`state LEDGER trades` lists them"),
    ("prove @/l --sequence 1 -o @/r", "next: `schwabot checkpoint @/l --key FILE` signs all"),
    ("prove @/l --sequence 1000000 -o @/r", "next: its last record is "),
    ("diff @/l", "give two ledgers, or one with --from SEQ and --to SEQ"),
    // Keys and persons.
    ("keygen --name example.com/bot -o @/key", "next: name another file with -o"),
    ("checkpoint @/l --key @/nokey", "next: nothing is at @/nokey: check the path"),
    (
        "checkpoint @/l --key @/AAA_USDT.csv",
        "next: `schwabot keygen --name NAME -o FILE` makes a key",
    ),
    ("note @/l --keys @/l/keys --subject Ada hi", "next: name a directory outside of the ledger"),
    (
        "shred @/l --keys @/none --subject Ada --reason x",
        "next: nothing is at @/none: check the path",
    ),
    ("check @/none --vkey KEY", "For more information, try '--help'."),
    // Runs.
    (
        "backtest --data @/AAA_USDT.csv --interval 1m --strategy sma-crss",
        "next: did you mean --strategy sma-cross?",
    ),
    (
        "backtest --data @/AAA_USDT.csv --interval 1m --param fsat=2",
        "next: did you mean --param fast=VALUE?",
    ),
    ("backtest --data @/AAA_USDT.csv", "nothing says how long its bars are; give --interval"),
    ("backtest --data A/B=@/nothing.csv", "next: nothing is at @/nothing.csv: check the path"),
    ("backtest --data A/B=@/words.csv", "next: --data-format says what it is: binance-klines"),
    ("backtest", "no data: give --data [PAIR=]FILE, or `data` in the file of --config"),
    ("backtest --config @/none.toml", "next: nothing is at @/none.toml: check the path"),
    // Words.
    ("demmo", "For more information, try '--help'."),
    ("verify", "For more information, try '--help'."),
    ("inspect @/l --config-file @/words.csv", "next: `schwabot config init FILE` writes one"),
];

#[test]
fn the_last_line_of_every_error_says_what_to_do_next() -> TestResult {
    let place = Place::new()?;
    furnished(&place)?;
    let root = place.arg("");
    let root = root.trim_end_matches('/');
    let mut wrong = Vec::new();
    for (command, wanted) in CASES {
        let words: Vec<String> = command.split(' ').map(|word| word.replace('@', root)).collect();
        let ran = run(&words)?;
        let last = ran.err.lines().last().unwrap_or_default();
        let refused = (ran.code, ran.out.as_str()) == (Some(2), "");
        if !refused || !last.contains(&wanted.replace('@', root)) {
            wrong.push(format!("{command} ({:?})\n{}", ran.code, ran.err));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[cfg(not(feature = "tui"))]
#[test]
fn a_command_that_was_not_built_says_how_to_build_it() -> TestResult {
    let ran = run(&["watch", "l"])?;
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("built without the `tui` feature"), "{}", ran.err);
    let wanted = "next: in the source's directory: `cargo install --path . --features tui`";
    assert_eq!(ran.err.lines().last(), Some(wanted));
    Ok(())
}

#[test]
fn a_mistyped_word_is_told_with_the_word_that_was_meant() -> TestResult {
    let place = Place::new()?;
    furnished(&place)?;
    let ledger = place.arg("l");
    let cases: &[(&[&str], &str)] = &[
        (&["verfy"], "'verify'"),
        (&["replay", &ledger, "--kind", "trade_close"], "did you mean `trade_closed`?"),
        (&["replay", &ledger, "--kind", "qqq"], "known are "),
        (&["replay", &ledger, "--kind", "recoverd"], "did you mean `recovered`?"),
        (&["state", &ledger, "trade"], "'trades'"),
        (&["verify", &ledger, "--levle", "tree"], "'--level'"),
        (&["state", &ledger, "--format", "jsn"], "'json'"),
    ];
    for (command, wanted) in cases {
        let ran = run(command)?;
        assert_eq!(ran.code, Some(2), "{command:?}");
        assert!(ran.err.contains(wanted), "{command:?}\n{}", ran.err);
    }
    Ok(())
}

#[test]
fn a_ledger_that_another_process_writes_names_what_works_beside_it() -> TestResult {
    let place = Place::new()?;
    let path = place.path("l");
    let options = notes::options(schwabot::ledger::SyncMode::Always, 1 << 16);
    let mut writer = Writer::<notes::Note>::open(&path, &options)?;
    writer.append(&notes::step(&[1]))?;
    let ran = run(&["recover", &place.arg("l")])?;
    assert_eq!(ran.code, Some(2));
    let last = ran.err.lines().last().unwrap_or_default();
    let wanted = format!("next: wait for it; `schwabot verify {}`", place.arg("l"));
    assert!(last.starts_with(&wanted), "{}", ran.err);
    writer.close()?;
    Ok(())
}
