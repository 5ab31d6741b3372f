//! Tables of venues and bots: columns by name, units, signs, and numbers as they are written.

use schwabot::event::{Exactness, Side};
use schwabot::import::accounts::{AccountFormat, AccountOptions, NoticeKind};

use super::reading::{read, read_as, refused};

const BINANCE: &str = "\
\"Date(UTC)\",\"Pair\",\"Side\",\"Price\",\"Executed\",\"Amount\",\"Fee\"
\"2024-03-01 10:00:05\",\"BTCUSDT\",\"BUY\",\"61234.56\",\"0.010000 BTC\",\"612.3456 USDT\",\"0.00001000 BTC\"
\"2024-03-01 11:30:00\",\"BTCUSDT\",\"SELL\",\"62000\",\"0.010000BTC\",\"620.00USDT\",\"0.62USDT\"
";

#[test]
fn a_binance_export_is_read_with_its_units() {
    let read = read(AccountFormat::BinanceAccount, BINANCE);
    assert_eq!(read.notices, []);
    let [buy, sell] = read.fills.as_slice() else { panic!("{read:?}") };
    assert_eq!((buy.row, buy.symbol.as_str(), buy.side), (2, "BTCUSDT", Side::Buy));
    assert_eq!(buy.time.to_string(), "2024-03-01T10:00:05Z");
    assert_eq!(
        (buy.price.to_string(), buy.quantity.to_string()),
        ("61234.56".into(), "0.01".into())
    );
    assert_eq!(buy.quote.as_ref().unwrap().to_string(), "612.3456");
    assert_eq!(buy.fee.as_ref().unwrap().to_string(), "0.00001");
    assert_eq!(buy.fee_currency.as_deref(), Some("BTC"));
    assert_eq!((sell.side, sell.fee_currency.as_deref()), (Side::Sell, Some("USDT")));
    assert_eq!(buy.exactness, Exactness::Decimal);
}

#[test]
fn the_older_binance_export_names_its_fee_coin_and_calls_the_base_amount() {
    let read = read(
        AccountFormat::BinanceAccount,
        "Date(UTC);Market;Type;Price;Amount;Total;Fee;Fee Coin\n\
         2021-01-02 03:04:05;ETHBTC;SELL;0.025;2;0.05;0.00005;BTC\n",
    );
    let fill = &read.fills[0];
    assert_eq!((fill.quantity.to_string(), fill.side), ("2".to_owned(), Side::Sell));
    assert_eq!(fill.quote.as_ref().unwrap().to_string(), "0.05");
    assert_eq!(fill.fee_currency.as_deref(), Some("BTC"));
}

#[test]
fn a_unit_that_is_not_the_pairs_own_is_refused_at_its_place() {
    let other = BINANCE.replace("612.3456 USDT", "612.3456 BUSD");
    assert_eq!(
        refused(AccountFormat::BinanceAccount, other),
        "line 2, column 65: amount: `BUSD` is not the quote of `BTCUSDT`"
    );
    let grouped = BINANCE.replace("620.00USDT", "1,620.00USDT").replace("\"62000\"", "\"162000\"");
    assert_eq!(
        read(AccountFormat::BinanceAccount, grouped).fills[1].quote.as_ref().unwrap().raw(),
        1_620_000_000_000_000
    );
    let ambiguous = BINANCE.replace("620.00USDT", "620,00USDT");
    let error = refused(AccountFormat::BinanceAccount, ambiguous);
    assert!(error.contains("line 3") && error.contains("ambiguous thousands"), "{error}");
}

#[test]
fn a_quote_amount_that_is_not_price_times_quantity_is_told() {
    let other = BINANCE.replace("612.3456 USDT", "61234.56 USDT");
    let read = read(AccountFormat::BinanceAccount, other);
    let said = read.said(NoticeKind::Contradiction);
    assert!(said[0].contains("61234.56 * 0.01"), "{said:?}");
}

const KRAKEN: &str = "\
\"txid\",\"ordertxid\",\"pair\",\"time\",\"type\",\"ordertype\",\"price\",\"cost\",\"fee\",\"vol\",\"margin\",\"misc\",\"ledgers\"
\"TAAA11-AAAAA-AAAAAA\",\"OAAA11-AAAAA-AAAAAA\",\"XXBTZEUR\",\"2022-05-06 07:08:09.1234\",\"buy\",\"limit\",34567.80000,345.67800,0.55308,0.01000000,0.00000,\"\",\"L1,L2\"
";

#[test]
fn kraken_trades_are_read_by_the_names_of_their_columns() {
    let plain = read(AccountFormat::KrakenAccount, KRAKEN);
    let fill = &plain.fills[0];
    assert_eq!(fill.trade_id.as_deref(), Some("TAAA11-AAAAA-AAAAAA"));
    assert_eq!(fill.order_id.as_deref(), Some("OAAA11-AAAAA-AAAAAA"));
    assert_eq!(fill.time.to_string(), "2022-05-06T07:08:09.1234Z");
    assert_eq!((fill.fee_currency.as_deref(), fill.symbol.as_str()), (Some("EUR"), "XXBTZEUR"));
    assert!(fill.extra.contains(&("ledgers", "L1,L2".to_owned())));
    assert_eq!(plain.notices, []);

    // Other columns, another order, and one that nobody knows.
    let moved = "vol,cost,fee,price,type,pair,time,ordertxid,txid,costusd\n\
                 0.01,345.678,0.55308,34567.8,buy,XBT/EUR,2022-05-06 07:08:09.1234,O1,T1,360\n";
    let moved = read(AccountFormat::KrakenAccount, moved);
    assert_eq!(moved.fills[0].price, fill.price);
    assert_eq!(moved.fills[0].fee_currency.as_deref(), Some("EUR"));
    assert_eq!(moved.said(NoticeKind::Unread), ["columns that are not imported: `costusd`"]);
}

const COINBASE: &str = "\
portfolio,trade id,product,side,created at,size,size unit,price,fee,total,price/fee/total unit
default,1001,BTC-EUR,BUY,2021-03-04T05:06:07.890Z,0.00100000,BTC,40000.00,0.2,-40.2,EUR
default,1002,BTC-EUR,SELL,2021-03-05T05:06:07.890Z,0.00000002,BTC,41000.00,2.7535e-7,0.00081972465,EUR
";

#[test]
fn coinbase_fills_have_a_negative_total_for_a_purchase_and_exponents() {
    let read = read(AccountFormat::CoinbaseFills, COINBASE);
    assert_eq!(read.notices, []);
    let [buy, sell] = read.fills.as_slice() else { panic!("{read:?}") };
    assert_eq!(buy.quote.as_ref().unwrap().to_string(), "40");
    assert_eq!(sell.fee.as_ref().unwrap().raw(), 275_350);
    assert_eq!(sell.quote.as_ref().unwrap().to_string(), "0.00082");
    assert_eq!(sell.fee_currency.as_deref(), Some("EUR"));
}

#[test]
fn coinbase_totals_and_fees_finer_than_a_record_holds_are_added_exactly() {
    let fine = |old: &str, new: &str, other: &str| {
        let text = COINBASE.replace(old, new).replace("-40.2", other);
        let mut read = read(AccountFormat::CoinbaseFills, text);
        read.fills.drain(..).map(|fill| fill.quote.unwrap().to_string()).collect::<Vec<_>>()
    };
    let sold = fine("2.7535e-7,0.00081972465", "1.34e-12,1.34e-12", "-40.2");
    assert_eq!(sold, ["40", "0.00000000000268"]);
    let bought = fine("40000.00,0.2", "40000.00,1.34e-12", "-2.68e-12");
    assert_eq!(bought, ["0.00000000000134", "0.00082"]);
}

#[test]
fn a_coinbase_total_with_the_wrong_sign_is_told_and_another_unit_is_refused() {
    let turned = read(AccountFormat::CoinbaseFills, COINBASE.replace("-40.2", "40.2"));
    assert!(turned.said(NoticeKind::Contradiction)[0].contains("sign"), "{turned:?}");
    let mixed = COINBASE.replacen("BTC,40000", "ETH,40000", 1);
    let error = refused(AccountFormat::CoinbaseFills, mixed);
    assert_eq!(error, "line 2, column 62: size unit: `ETH` is no unit of `BTC-EUR`");
}

const HUMMINGBOT: &str = "\
config_file_path,strategy,market,symbol,base_asset,quote_asset,timestamp,order_id,trade_type,order_type,price,amount,leverage,trade_fee,trade_fee_in_quote,exchange_trade_id,position
conf.yml,pmm,binance,ETH-USDT,ETH,USDT,1700000000123,o-1,BUY,LIMIT,2000123456,500000,1,{},1000061,900,NIL
";

#[test]
fn hummingbots_millionths_are_read_and_its_truncation_is_always_told() {
    let whole = read(AccountFormat::HummingbotFills, HUMMINGBOT);
    let fill = &whole.fills[0];
    assert_eq!(
        (fill.price.to_string(), fill.quantity.to_string()),
        ("2000.123456".into(), "0.5".into())
    );
    assert_eq!(fill.fee.as_ref().unwrap().to_string(), "1.000061");
    assert_eq!(fill.time.to_string(), "2023-11-14T22:13:20.123Z");
    assert_eq!(fill.exactness, Exactness::Truncated);
    assert!(whole.said(NoticeKind::Inexact)[0].contains("cut"), "{whole:?}");

    let decimals = HUMMINGBOT.replace("2000123456,500000", "2000.123456,0.5");
    let decimals = read(AccountFormat::HummingbotFills, decimals);
    assert_eq!(decimals.fills[0].price, fill.price);
    assert!(decimals.said(NoticeKind::Inexact)[0].contains("cut"), "{decimals:?}");

    let mixed = format!(
        "{HUMMINGBOT}{}",
        "c,p,b,E-U,E,U,1700000001123,o,BUY,LIMIT,2000.5,1,1,{},1,901,NIL\n"
    );
    let error = refused(AccountFormat::HummingbotFills, mixed);
    assert!(error.starts_with("line 3, column 41: price: has decimals"), "{error}");
}

const DEALS: &str = "\
Trade History Report;;;;;;;;;;;;;
Positions;;;;;;;;;;;;;
Time;Position;Symbol;Type;Volume;Price;S / L;T / P;Time;Price;Commission;Swap;Profit;
2024.01.02 03:04:05;7;XAUUSD;buy;0.5;2 050.10;;;2024.01.02 04:00:00;2 060.10;-1.5;0;500;
Deals;;;;;;;;;;;;;
Time;Deal;Symbol;Type;Direction;Volume;Price;Order;Commission;Fee;Swap;Profit;Balance;Comment
2024.01.01 00:00:00;1;;balance;;;;;0.00;0.00;0.00;10 000.00;10 000.00;deposit
2024.01.02 03:04:05;2;XAUUSD;buy;in;0.5;2\u{a0}050.10;7;-1.50;-0.25;0.00;0.00;9 998.25;
2024.01.02 04:00:00;3;XAUUSD;sell;out;0.5;2 060.10;8;-1.50;0.00;-0.10;500.00;10 496.65;tp
;;;;;;;;-3.00;-0.25;-0.10;500.00;;
Open Positions;;;;;;;;;;;;;
Time;Position;Symbol;Type;Volume;Price;S / L;T / P;Market Price;Swap;Profit;Comment;;
";

/// The text as UTF-16 with a byte order mark, little end first.
fn utf16(text: &str) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

#[test]
fn metatrader_deals_are_read_from_utf16_with_blanks_inside_numbers() {
    for bytes in [DEALS.as_bytes().to_vec(), utf16(DEALS), utf16(DEALS)[2..].to_vec()] {
        let read = read(AccountFormat::MetatraderDeals, bytes);
        let [buy, sell] = read.fills.as_slice() else { panic!("{read:?}") };
        assert_eq!((buy.row, buy.price.to_string()), (8, "2050.1".to_owned()));
        assert_eq!(buy.fee.as_ref().unwrap().to_string(), "1.75", "what was paid is positive");
        assert_eq!(buy.trade_id.as_deref(), Some("2"));
        assert!(sell.extra.contains(&("profit", "500.00".to_owned())));
        assert!(sell.extra.contains(&("unit", "lots".to_owned())));
        assert_eq!(read.said(NoticeKind::NoFact).len(), 1, "the deposit is no trade");
    }
}

#[test]
fn metatraders_zone_is_asked_for_and_told_when_nobody_said_it() {
    let unsaid = read(AccountFormat::MetatraderDeals, DEALS);
    assert!(unsaid.said(NoticeKind::TimeZone)[0].contains("--utc-offset"));
    assert_eq!(unsaid.fills[0].time.to_string(), "2024-01-02T03:04:05Z");
    let options = AccountOptions { utc_offset: Some(7_200), ..AccountOptions::default() };
    let said = read_as(AccountFormat::MetatraderDeals, DEALS.as_bytes(), &options).unwrap();
    assert_eq!(said.said(NoticeKind::TimeZone), [""; 0]);
    assert_eq!(said.fills[0].time.to_string(), "2024-01-02T01:04:05Z");
}

#[test]
fn metatraders_page_gives_the_same_deals_as_its_table() {
    let mut page = String::from(
        "<!DOCTYPE html>\n<html><head><title>1: Report</title><meta name=\"generator\" \
         content=\"MetaTrader\"><style>td { a: b }</style></head><body><table>\n",
    );
    for line in DEALS.lines() {
        page.push_str("<tr bgcolor=#FFFFFF align=right>");
        for cell in line.split(';') {
            let cell = cell.replace('\u{a0}', "&nbsp;");
            page.push_str(&format!("<td class=\"hidden\">x</td><td nowrap><b>{cell}</b></td>"));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</table></body></html>");
    let page = read(AccountFormat::MetatraderDeals, utf16(&page));
    let table = read(AccountFormat::MetatraderDeals, DEALS);
    let plain = |read: &super::reading::Read| {
        let fills = read.fills.iter().cloned().map(|mut fill| {
            fill.row = 0;
            fill
        });
        fills.collect::<Vec<_>>()
    };
    assert_eq!(plain(&page), plain(&table));
    assert_eq!(plain(&page).len(), 2);
}

#[test]
fn every_malformed_cell_names_its_line_column_and_field() {
    use AccountFormat::{BinanceAccount, CoinbaseFills, KrakenAccount, MetatraderDeals};
    let cases = [
        (
            KrakenAccount,
            KRAKEN.replace("34567.80000", "34567,8"),
            "line 2, column 1: line: 14 cells where the header has 13",
        ),
        (
            KrakenAccount,
            KRAKEN.replace("34567.80000", "thirty"),
            "line 2, column 97: price: `thirty`: character 0",
        ),
        (
            KrakenAccount,
            KRAKEN.replace("\"buy\"", "\"bought\""),
            "line 2, column 83: type: `bought` is neither",
        ),
        (KrakenAccount, KRAKEN.replace("2022-05-06", "2022-13-06"), "line 2, column 56: time: "),
        (
            KrakenAccount,
            KRAKEN.replace("\"L1,L2\"", "\"L1,L2"),
            "line 2, column 149: line: a quote is not closed",
        ),
        (
            KrakenAccount,
            KRAKEN.replace("0.01000000", "0.00000000"),
            "line 2, column 127: vol: is not above zero",
        ),
        (
            BinanceAccount,
            BINANCE.replace("Pair", "Price"),
            "line 1, column 1: header: no column pair",
        ),
        (
            CoinbaseFills,
            COINBASE.replace("0.00100000", "1e400"),
            "line 2, column 51: size: `1e400`: too large",
        ),
        (
            MetatraderDeals,
            DEALS.replace("2 060.10;8", "2 060,10;8"),
            "line 9, column 43: price: `2 060,10`",
        ),
        (MetatraderDeals, DEALS.replace("Deal;", "Done;"), "header: no line names the columns"),
    ];
    for (format, text, expected) in cases {
        let error = refused(format, &text);
        assert!(error.contains(expected), "{error}\n  where expected: {expected}");
    }
    let twice = KRAKEN.replace("misc", "price");
    assert!(refused(KrakenAccount, twice).contains("price: the header names this column twice"));
}

#[test]
fn a_wrong_encoding_is_refused_at_its_character() {
    let mut latin = KRAKEN.replace("L1,L2", "Zürich").into_bytes();
    let at = latin.iter().position(|byte| *byte == 0xc3).unwrap();
    latin.splice(at..at + 2, [0xfc]);
    let error = refused(AccountFormat::KrakenAccount, latin);
    assert!(error.starts_with("line 2, column 151: line: not UTF-8"), "{error}");
    let half = &utf16(DEALS)[..1_001];
    assert!(refused(AccountFormat::MetatraderDeals, half).contains("half a character"));
    let control = KRAKEN.replace("L1,L2", "L1\u{7}");
    assert!(refused(AccountFormat::KrakenAccount, control).contains("a control character"));
}
