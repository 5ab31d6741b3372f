//! Databases of bots: read as they lie, never touched, and never trusted.

use std::path::Path;

use rusqlite::Connection;
use serde_json::json;

use super::through::{import, verified};
use crate::support::TestResult;
use crate::support::cli::{Place, run};

/// The columns of freqtrade's tables that matter here, and one that does not.
const SCHEMA: &str = "
CREATE TABLE trades (id INTEGER NOT NULL, exchange VARCHAR(25), pair VARCHAR(25), is_open BOOLEAN,
  fee_open FLOAT, fee_close FLOAT, open_rate FLOAT, close_rate FLOAT, close_profit_abs FLOAT,
  stake_amount FLOAT, amount FLOAT, open_date DATETIME, close_date DATETIME, exit_reason VARCHAR(255),
  strategy VARCHAR(100), enter_tag VARCHAR(255), is_short BOOLEAN, funding_fees FLOAT, max_rate FLOAT,
  PRIMARY KEY (id));
CREATE TABLE orders (id INTEGER NOT NULL, ft_trade_id INTEGER, ft_order_side VARCHAR(25),
  ft_pair VARCHAR(25), order_id VARCHAR(255), status VARCHAR(255), symbol VARCHAR(25),
  order_type VARCHAR(50), side VARCHAR(25), price FLOAT, average FLOAT, amount FLOAT, filled FLOAT,
  cost FLOAT, order_date DATETIME, order_filled_date DATETIME, PRIMARY KEY (id));
INSERT INTO trades VALUES (1, 'kraken', 'ETH/EUR', 0, 0.0026, 0.0026, 2000.1, 2100.3, 4.47,
  100.005, 0.05, '2024-01-01 00:00:00.123456', '2024-01-01 05:00:00', 'roi', 'Sma', 'cross', 0, 0, 2);
INSERT INTO trades VALUES (2, 'kraken', 'ETH/EUR', 1, 0.0026, 0.0026, 0.1, NULL, NULL,
  1.0, 10, '2024-01-02 00:00:00', NULL, NULL, 'Sma', NULL, 1, 0, 2);
INSERT INTO orders VALUES (1, 1, 'buy', 'ETH/EUR', 'O-1', 'closed', 'ETH/EUR', 'limit', 'buy', 2000.2,
  2000.1, 0.05, 0.05, 100.005, '2024-01-01 00:00:00', '2024-01-01 00:00:01.5');
INSERT INTO orders VALUES (2, 1, 'sell', 'ETH/EUR', 'O-2', 'closed', 'ETH/EUR', 'limit', 'sell', 2100.3,
  NULL, 0.05, 0.05, 105.015, '2024-01-01 05:00:00', '2024-01-01 05:00:00');
INSERT INTO orders VALUES (3, 1, 'sell', 'ETH/EUR', 'O-3', 'canceled', 'ETH/EUR', 'limit', 'sell', 2200,
  NULL, 0.05, 0, 0, '2024-01-01 04:00:00', NULL);
";

fn database(path: &Path, schema: &str) -> TestResult {
    let connection = Connection::open(path)?;
    connection.execute_batch(schema)?;
    connection.close().map_err(|(_, error)| error)?;
    Ok(())
}

fn names(place: &Place) -> TestResult<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(place.path(""))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn refusal(place: &Place, file: &str) -> TestResult<String> {
    let ran = run(&["import", &place.arg("ledger"), file])?;
    assert_eq!(ran.code, Some(2), "{}", ran.out);
    assert!(!place.path("ledger").exists(), "nothing is written");
    Ok(ran.err)
}

#[test]
fn freqtrades_database_gives_its_trades_and_filled_orders_marked_as_floats() -> TestResult {
    let place = Place::new()?;
    database(&place.path("tradesv3.sqlite"), SCHEMA)?;
    let before = std::fs::read(place.path("tradesv3.sqlite"))?;
    let told = import(&place, &place.arg("tradesv3.sqlite"), &[])?;
    assert_eq!(told["format"], "freqtrade-database");
    assert_eq!(told["facts"], json!({"imported_fill": 2, "imported_trade": 1}));
    assert_eq!(told["rows"], 5, "an open trade and an order that was not filled are told");
    let defects = told["defects"].to_string();
    assert!(defects.contains("trade `2` is open still: 10 of `ETH/EUR` at 0.1"), "{defects}");
    assert_eq!(told["figures"]["claims_that_follow"], 0, "4.47 is claimed, 4.4769... follows");
    assert_eq!(told["figures"]["symbols"]["ETH/EUR"]["sum_px_qty"], "205.020");
    let ran =
        run(&["replay", &place.arg("ledger"), "--kind", "imported_trade", "--format", "jsonl"])?;
    let trade: serde_json::Value = serde_json::from_str(ran.out.lines().next().unwrap())?;
    let trade = &trade["payload"];
    assert_eq!(trade["entry_price"], "2000.1", "the shortest decimal of the float");
    assert_eq!(trade["entry_time"], "2024-01-01T00:00:00.123456Z");
    assert_eq!(trade["exactness"], "binary_float");
    assert_eq!(std::fs::read(place.path("tradesv3.sqlite"))?, before, "not a byte is touched");
    assert_eq!(names(&place)?, ["ledger", "tradesv3.sqlite"], "and nothing lies beside it");
    assert_eq!(verified(&place)?, Some(0));
    Ok(())
}

#[test]
fn a_trade_that_was_open_goes_in_when_it_is_closed_and_nothing_goes_in_twice() -> TestResult {
    let place = Place::new()?;
    let opened = SCHEMA.replace(
        "order_filled_date DATETIME, PRIMARY",
        "order_filled_date DATETIME, ft_is_open BOOLEAN DEFAULT 0, PRIMARY",
    );
    let opened = opened.replace("INSERT INTO orders VALUES", "INSERT INTO orders SELECT");
    let opened = opened.replace("00:00:01.5');", "00:00:01.5', 0;");
    let opened = opened.replace("'2024-01-01 05:00:00');", "'2024-01-01 05:00:00', 0;");
    let opened = opened.replace("04:00:00', NULL);", "04:00:00', NULL, 0;");
    let opened = opened.replace("SELECT (", "SELECT ");
    let filling = "UPDATE orders SET ft_is_open = 1, filled = 0.02 WHERE id = 2;";
    database(&place.path("one.sqlite"), &format!("{opened} {filling}"))?;
    let first = import(&place, &place.arg("one.sqlite"), &["--label", "bot"])?;
    assert_eq!(first["facts"], json!({"imported_fill": 1, "imported_trade": 1}));
    let closed = "UPDATE trades SET is_open = 0, close_rate = 0.2, close_date = '2024-01-03', \
                  close_profit_abs = -1 WHERE id = 2;";
    database(&place.path("two.sqlite"), &format!("{opened} {closed}"))?;
    let second = import(&place, &place.arg("two.sqlite"), &["--label", "bot"])?;
    assert_eq!(second["facts"], json!({"imported_fill": 1, "imported_trade": 1}));
    assert_eq!((&second["duplicates"], &second["contradictions"]), (&json!(2), &json!(0)));
    Ok(())
}

#[test]
fn an_older_database_names_its_exit_reason_otherwise() -> TestResult {
    let place = Place::new()?;
    database(&place.path("old.sqlite"), &SCHEMA.replace("exit_reason", "sell_reason"))?;
    import(&place, &place.arg("old.sqlite"), &[])?;
    let ran =
        run(&["replay", &place.arg("ledger"), "--kind", "imported_trade", "--format", "jsonl"])?;
    assert!(ran.out.contains("\"exit_reason\":\"roi\""), "{}", ran.out);
    Ok(())
}

#[test]
fn hummingbots_database_holds_millionths_and_says_so() -> TestResult {
    let place = Place::new()?;
    let schema = "CREATE TABLE \"TradeFill\" (config_file_path TEXT, strategy TEXT, market TEXT, \
        symbol TEXT, base_asset TEXT, quote_asset TEXT, timestamp BIGINT, order_id TEXT, \
        trade_type TEXT, order_type TEXT, price BIGINT, amount BIGINT, leverage INTEGER, \
        trade_fee JSON, trade_fee_in_quote BIGINT, exchange_trade_id TEXT, position TEXT, \
        PRIMARY KEY (market, order_id, exchange_trade_id));
        INSERT INTO \"TradeFill\" VALUES ('c', 's', 'binance', 'ETH-USDT', 'ETH', 'USDT', \
        1700000000123, 'o', 'SELL', 'LIMIT', 2000123456, 500000, 1, '{}', 1000061, '900', 'NIL');";
    database(&place.path("hummingbot.sqlite"), schema)?;
    let told = import(&place, &place.arg("hummingbot.sqlite"), &[])?;
    assert_eq!(told["format"], "hummingbot-database");
    assert_eq!(told["faults"], json!({"truncated": 1}));
    assert_eq!(told["figures"]["symbols"]["ETH-USDT"]["sum_px_qty"], "1000.0617280");
    assert_eq!(told["figures"]["fees"], json!({"USDT": "1.000061"}));
    Ok(())
}

#[test]
fn what_is_no_table_is_refused() -> TestResult {
    let place = Place::new()?;
    let moved = SCHEMA.replace("CREATE TABLE trades", "CREATE TABLE real_trades");
    let moved = moved.replace("INSERT INTO trades", "INSERT INTO real_trades");
    let cases = [
        (
            format!("{moved} CREATE VIEW trades AS SELECT * FROM real_trades;"),
            "`trades` is no table but a view",
        ),
        (moved.clone(), "there is no table `trades`"),
        (
            SCHEMA.replace("open_rate", "open_rate_2"),
            "the table `trades` has no column `open_rate`",
        ),
    ];
    for (number, (schema, expected)) in cases.iter().enumerate() {
        let name = format!("{number}.sqlite");
        database(&place.path(&name), schema)?;
        let error = refusal(&place, &place.arg(&name))?;
        assert!(error.contains(expected), "{error}");
    }
    Ok(())
}

#[test]
fn values_of_another_kind_or_without_an_end_name_their_row_and_column() -> TestResult {
    let cases = [
        (
            "UPDATE trades SET open_rate = x'00ff' WHERE id = 2",
            "open_rate: holds bytes instead of a value",
        ),
        ("UPDATE trades SET open_rate = 'two' WHERE id = 2", "line 2, column 7: open_rate: `two`"),
        ("UPDATE trades SET amount = 9e999 WHERE id = 2", "amount: is no finite number"),
        ("UPDATE trades SET pair = NULL WHERE id = 2", "pair: is missing"),
        ("UPDATE trades SET open_date = 'soon'", "line 1, column 12: open_date: `soon` is no time"),
        ("UPDATE orders SET side = 'both'", "side: `both` is neither buy nor sell"),
        ("UPDATE trades SET enter_tag = hex(zeroblob(50000))", "too big"),
        ("UPDATE trades SET enter_tag = hex(zeroblob(500))", "enter_tag: longer than 256 bytes"),
    ];
    for (change, expected) in cases {
        let place = Place::new()?;
        database(&place.path("bot.sqlite"), &format!("{SCHEMA} {change};"))?;
        let error = refusal(&place, &place.arg("bot.sqlite"))?;
        assert!(error.contains(expected), "{change}: {error}");
    }
    Ok(())
}

#[test]
fn a_database_with_changes_beside_it_is_refused() -> TestResult {
    for ending in ["-wal", "-journal"] {
        let place = Place::new()?;
        database(&place.path("bot.sqlite"), SCHEMA)?;
        let beside = place.write(&format!("bot.sqlite{ending}"), "not nothing")?;
        let error = refusal(&place, &place.arg("bot.sqlite"))?;
        assert!(error.contains(&format!("`bot.sqlite{ending}` beside it holds")), "{error}");
        std::fs::remove_file(beside)?;
        import(&place, &place.arg("bot.sqlite"), &[])?;
    }
    Ok(())
}

#[test]
fn a_database_that_was_cut_or_damaged_is_refused_or_read_and_never_a_panic() -> TestResult {
    let place = Place::new()?;
    database(&place.path("whole.sqlite"), SCHEMA)?;
    let whole = std::fs::read(place.path("whole.sqlite"))?;
    let file = place.path("bot.sqlite");
    let import = |bytes: &[u8]| -> TestResult<Option<i32>> {
        std::fs::write(&file, bytes)?;
        let args = ["import", &place.arg("ledger"), &place.arg("bot.sqlite"), "--dry-run"];
        Ok(run(&args)?.code)
    };
    assert_eq!(import(&whole)?, Some(0));
    for cut in [100, 1_000, 4_096, 5_000, whole.len() - 1] {
        assert_eq!(import(&whole[..cut])?, Some(2), "cut to {cut} bytes");
    }
    let mut dice = crate::support::dice::Dice::new(7);
    for _ in 0..40 {
        let mut damaged = whole.clone();
        for _ in 0..8 {
            let at = dice.below(damaged.len());
            damaged[at] = u8::try_from(dice.below(256))?;
        }
        assert!(matches!(import(&damaged)?, Some(0 | 2)));
    }
    Ok(())
}
