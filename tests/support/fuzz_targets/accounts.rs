//! Account files as `import` reads them: every family of formats, from any bytes.

use std::fs;

use rusqlite::Connection;

use super::importers::{of_format, tally_of};
use super::imports::zip;

pub(super) fn binance(bytes: &[u8]) -> bool {
    of_format("binance-account", bytes)
}

pub(super) fn kraken(bytes: &[u8]) -> bool {
    of_format("kraken-account", bytes)
}

pub(super) fn coinbase(bytes: &[u8]) -> bool {
    of_format("coinbase-fills", bytes)
}

pub(super) fn hummingbot(bytes: &[u8]) -> bool {
    of_format("hummingbot-fills", bytes)
}

pub(super) fn hummingbot_database(bytes: &[u8]) -> bool {
    of_format("hummingbot-database", bytes)
}

/// As the bytes are, and in the zip that freqtrade makes, unless they are packed already.
pub(super) fn freqtrade(bytes: &[u8]) -> bool {
    let plain = tally_of("freqtrade-backtest", bytes);
    if bytes.first() == Some(&b'{') {
        let zipped = tally_of("freqtrade-backtest", &exported(bytes));
        assert_eq!(zipped, plain, "a result is in its zip what it is beside it");
    }
    plain.is_some_and(|tally| tally.new_facts() > 0)
}

fn exported(result: &[u8]) -> Vec<u8> {
    let members = [("backtest-result-1.json", result), ("backtest-result-1_config.json", b"{}")];
    zip(&members, zip::CompressionMethod::Stored)
}

pub(super) fn freqtrade_database(bytes: &[u8]) -> bool {
    of_format("freqtrade-database", bytes)
}

pub(super) fn ccxt(bytes: &[u8]) -> bool {
    of_format("ccxt-trades", bytes)
}

/// The table and the page are told apart by their bytes.
pub(super) fn metatrader(bytes: &[u8]) -> bool {
    of_format("mt5-deals", bytes)
}

/// As the bytes are, and with the lengths and sums that its messages should have: few changes come
/// past those.
pub(super) fn fix(bytes: &[u8]) -> bool {
    let plain = of_format("fix-log", bytes);
    of_format("fix-log", &repaired(bytes)) || plain
}

/// The first byte says which of the earlier system's files it is.
pub(super) fn earlier(bytes: &[u8]) -> bool {
    let Some((which, bytes)) = bytes.split_first() else { return false };
    let formats = ["earlier-registry", "earlier-memory", "earlier-pair", "earlier-buckets"];
    of_format(formats[usize::from(*which) % formats.len()], bytes)
}

/// Gives each message between `8=FIX` and `10=` its length and its sum.
fn repaired(log: &[u8]) -> Vec<u8> {
    let line = |line: &[u8]| -> Option<Vec<u8>> {
        let text = std::str::from_utf8(line).ok()?;
        let (head, rest) = text.split_once("|9=")?;
        let (_, body) = rest.split_once('|')?;
        let body = body.rsplit_once("|10=").map_or(body, |(body, _)| body);
        let head = format!("{head}|9={}|{body}|", body.len() + 1);
        let sum = head.replace('|', "\u{1}").bytes().fold(0_u8, u8::wrapping_add);
        Some(format!("{head}10={sum:03}|").into_bytes())
    };
    let lines = log.split(|byte| *byte == b'\n').map(|raw| line(raw).unwrap_or(raw.to_vec()));
    lines.collect::<Vec<_>>().join(&b'\n')
}

/// A database of these statements, in small pages.
fn database(statements: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seed.sqlite");
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(&format!("PRAGMA page_size = 512; {statements}")).unwrap();
    drop(connection);
    fs::read(path).unwrap()
}

/// Files that are understood, by the name of the target.
pub(super) fn seeds(target: &str) -> Option<Vec<Vec<u8>>> {
    let texts: &[&str] = match target {
        "import-binance-account" => &[
            "\"Date(UTC)\",\"Pair\",\"Side\",\"Price\",\"Executed\",\"Amount\",\"Fee\"\n\
             \"2024-03-01 10:00:05\",\"BTCUSDT\",\"BUY\",\"61234.56\",\"0.01 BTC\",\"612.3456 \
             USDT\",\"0.00001000 BTC\"\n\"2024-03-01 11:30:00\",\"BTCUSDT\",\"SELL\",\"1,620.5\",\
             \"0.01BTC\",\"16.205USDT\",\"0.62USDT\"\n",
            "Date(UTC);Market;Type;Price;Amount;Total;Fee;Fee Coin\n\
             2021-01-02 03:04:05;ETHBTC;SELL;0.025;2;0.05;0.00005;BTC\n",
        ],
        "import-kraken-account" => &["\"txid\",\"ordertxid\",\"pair\",\"time\",\"type\",\
             \"ordertype\",\"price\",\"cost\",\"fee\",\"vol\",\"margin\",\"misc\",\"ledgers\"\n\
             \"T1\",\"O1\",\"XXBTZEUR\",\"2023-11-14 22:13:20.1234\",\"buy\",\"limit\",2000.5,\
             1000.25,1.6,0.5,0.0,\"\",\"L1,L2\"\n"],
        "import-coinbase-fills" => &["portfolio,trade id,product,side,created at,size,size unit,\
             price,fee,total,price/fee/total unit\n\
             default,1,BTC-EUR,BUY,2021-01-02T03:04:05.678Z,0.1,BTC,30000,15,-3015,EUR\n\
             default,2,BTC-EUR,SELL,2021-01-02T04:04:05Z,0.1,BTC,31000,15.5,3084.5,EUR\n"],
        "import-hummingbot-fills" => &[
            "symbol,timestamp,order_id,trade_type,price,amount,trade_fee_in_quote,quote_asset,\
             exchange_trade_id\n\
             ETH-USDT,1700000000123,b1,BUY,2000123456,500000,1000061,USDT,T1\n",
            "symbol,timestamp,order_id,trade_type,price,amount,exchange_trade_id\n\
             ETH-USDT,1700000000,b1,SELL,2000.123456,0.5,T1\n",
        ],
        "import-ccxt" => &[
            "[{\"id\": \"77\", \"order\": \"9\", \"timestamp\": 1700000000123, \"symbol\": \
             \"BTC/USDT\", \"type\": \"limit\", \"side\": \"buy\", \"takerOrMaker\": \"maker\", \
             \"price\": 36000.123456789, \"amount\": 0.1, \"cost\": 3600.0123456789, \"fee\": \
             {\"currency\": \"BNB\", \"cost\": 0.0001}, \"fees\": [], \"info\": {\"price\": \
             \"36000.1234567890123\", \"qty\": \"0.10000000\"}}]",
            "{\"datetime\": \"2023-11-14T22:13:20Z\", \"symbol\": \"A/B\", \"side\": \"sell\", \
             \"price\": 1, \"amount\": 2, \"fees\": [{\"currency\": \"B\", \"cost\": 1.5}, \
             {\"currency\": \"B\", \"cost\": 0.5}]}\n",
        ],
        "import-metatrader" => &[
            "Deals;;;;;;;;\nTime;Deal;Symbol;Type;Direction;Volume;Price;Order;Commission\n\
             2024.01.01 00:00:00;1;;balance;;;;;0.00\n\
             2024.01.02 03:04:05;2;XAUUSD;buy;in;0.5;2 050.10;7;-1.50\n;;;;;;;;-1.50\n",
            "<!DOCTYPE html><html><head><meta content=\"MetaTrader\"></head><table>\n\
             <tr><th>Time</th><th>Deal</th><th>Symbol</th><th>Type</th><th>Direction</th>\
             <th>Volume</th><th>Price</th></tr>\n<tr bgcolor=#F7F7F7><td>2024.01.02 \
             03:04:05</td><td>2</td><td class=\"hidden\">x</td><td>XAU&amp;</td><td>sell</td>\
             <td>out</td><td>0.5</td><td>2&nbsp;050.10</td></tr></table></html>",
        ],
        "import-fix" => {
            &["8=FIX.4.4|9=|35=8|34=2|49=V|56=B|52=20240808-23:54:15.030|37=O1|55=BTC|\
             54=1|17=E1|150=F|31=60000.5|32=1|60=20240808-23:54:15.030314|137=0.001|138=BTC|10=\n\
             8=FIX.4.2|9=|35=8|34=4|49=V|56=B|52=20240808-23:54:16|37=O1|55=BTC|54=1|17=E2|20=2|\
             19=E1|150=1|39=1|31=60001|32=1|38=3|14=1|151=2|10=\n"]
        }
        "import-freqtrade-backtest" => {
            return Some(vec![RESULT.as_bytes().to_vec(), exported(RESULT.as_bytes())]);
        }
        "import-freqtrade-database" => return Some(vec![database(FREQTRADE)]),
        "import-hummingbot-database" => return Some(vec![database(HUMMINGBOT)]),
        "import-earlier" => return Some(EARLIER.map(|text| text.as_bytes().to_vec()).to_vec()),
        _ => return None,
    };
    Some(texts.iter().map(|text| repaired(text.as_bytes())).collect())
}

const RESULT: &str = "{\"strategy\": {\"Sma\": {\"trades\": [{\"pair\": \
             \"A/B\", \"open_date\": \"2024-01-01 00:00:00+00:00\", \"close_timestamp\": \
             1704085200000.0, \"open_rate\": 2.0, \"close_rate\": 3.0, \"amount\": 1.5, \
             \"stake_amount\": 3.0, \"fee_open\": 0.001, \"fee_close\": 1e-3, \"profit_abs\": 1.5, \
             \"is_open\": false, \"orders\": [{}, {}]}], \"total_trades\": 1, \
             \"profit_total_abs\": 1.5, \"sharpe\": NaN}}}";

const FREQTRADE: &str = "
CREATE TABLE trades (id INTEGER PRIMARY KEY, pair, is_open, fee_open, fee_close, open_rate,
  close_rate, close_profit_abs, stake_amount, amount, open_date, close_date);
CREATE TABLE orders (id INTEGER PRIMARY KEY, ft_trade_id, side, symbol, order_id, average, filled,
  cost, order_date);
INSERT INTO trades VALUES (1, 'ETH/EUR', 0, 0.0026, 0.0026, 2000.1, 2100.3, 4.47, 100.005, 0.05,
  '2024-01-01 00:00:00.123456', '2024-01-01 05:00:00');
INSERT INTO orders VALUES (1, 1, 'buy', 'ETH/EUR', 'O-1', 2000.1, 0.05, 100.005,
  '2024-01-01 00:00:00');
INSERT INTO orders VALUES (2, 1, 'sell', 'ETH/EUR', 'O-3', NULL, 0, 0, '2024-01-01 04:00:00');";

const HUMMINGBOT: &str = "
CREATE TABLE TradeFill (market, symbol, quote_asset, timestamp BIGINT, order_id, trade_type,
  price BIGINT, amount BIGINT, trade_fee_in_quote BIGINT, exchange_trade_id);
INSERT INTO TradeFill VALUES ('kraken', 'ETH-USDT', 'USDT', 1700000000123, 'b1', 'BUY', 2000123456,
  500000, 1000061, 'T1');";

/// One file of each sort, behind the byte that says which.
const EARLIER: [&str; 4] = [
    "\u{0}{\"trades\": [{\"trade_hash\": \"ab\", \"timestamp\": 1752166552.5, \"symbol\": \
     \"ETH/USDC\", \"action\": \"BUY\", \"entry_price\": 3000.0, \"exit_price\": 3030.0, \
     \"amount\": 100.0, \"fees\": 0.2, \"profit_usd\": 0.8, \"strategy_id\": \"s\", \
     \"linked_registries\": \"set()\"}], \"specialized_registries\": {\"soulprints\": {\"a\": \
     \"b\"}}, \"metadata\": {\"total_trades\": 1, \"total_profit\": 0.8}}",
    "\u{1}{\"entries\": {\"g1\": {\"entry_id\": \"g1\", \"memory_type\": \"ghost_trigger\", \
     \"timestamp\": 1752166552.001, \"data\": {\"pair\": \"BTC→ETH\"}}}, \"patterns\": {\"p\": 2}, \
     \"volume_weights\": {\"BTC→ETH_bit4\": 1.3}}",
    "\u{2}{\"events\": [{\"trigger\": \"price_spike\", \"outcome\": \"+0.05\"}, {\"trigger\": \
     \"t\", \"outcome\": \"-0.01\", \"timestamp\": \"2025-07-10T16:55:52Z\"}]}",
    "\u{3}{\"buckets\": {\"p1\": {\"hash_pattern\": \"p1\", \"entry_price\": 5e4, \"exit_price\": \
     50500.0, \"profit_pct\": 1.0, \"canonical_hash\": \"ab\", \"last_used\": 1752166552.5}}}",
];
