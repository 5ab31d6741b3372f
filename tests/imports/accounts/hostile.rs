//! Whatever the bytes are: rows or an error that names its place, in bounded memory, and no panic.

use proptest::prelude::*;
use schwabot::import::accounts::{AccountFormat, AccountHead};

use super::reading::{options, read_as};
use crate::support::cases;

/// Formats that are streams.
fn streams() -> impl Iterator<Item = AccountFormat> {
    let databases = [AccountFormat::FreqtradeDatabase, AccountFormat::HummingbotDatabase];
    AccountFormat::ALL.into_iter().filter(move |format| !databases.contains(format))
}

/// Small samples of every format.
fn samples() -> Vec<&'static [u8]> {
    vec![
        b"\"Date(UTC)\",Pair,Side,Price,Executed,Amount,Fee\n2024-03-01 10:00:05,BTCUSDT,BUY,1,0.1 BTC,0.1 USDT,0 BTC\n",
        b"txid,ordertxid,pair,time,type,ordertype,price,cost,fee,vol\nT,O,XBT/EUR,2022-05-06 07:08:09.1,buy,limit,1,2,3,2\n",
        b"trade id,product,side,created at,size,size unit,price,fee,total,price/fee/total unit\n1,A-B,BUY,2021-03-04T05:06:07Z,1,A,2,0,-2,B\n",
        b"symbol,timestamp,order_id,trade_type,price,amount,exchange_trade_id\nA-B,1700000000,o,BUY,1000000,2000000,3\n",
        b"Time;Deal;Symbol;Type;Direction;Volume;Price\n2024.01.02 03:04:05;2;X;buy;in;0.5;1 000\n",
        b"<html><title>MetaTrader</title><tr><td>Time<td>Deal<td>Symbol<td>Type<td>Direction<td>Volume<td>Price</tr><tr><td>2024.01.02 03:04:05<td>2<td>X<td>buy<td>in<td>1<td>2&nbsp;0</tr></html>",
        b"{\"strategy\":{\"a\":{\"trades\":[{\"pair\":\"A/B\",\"open_date\":\"2024-01-01\",\"open_rate\":1,\"amount\":1}]}}}",
        b"[{\"symbol\":\"A/B\",\"side\":\"buy\",\"price\":1.5,\"amount\":2,\"timestamp\":1700000000000,\"info\":{}}]",
        b"8=FIX.4.4|9=12|35=0|34=1|49=A|10=000|\n",
        b"{\"trades\":[{\"trade_hash\":\"a\",\"timestamp\":1.5,\"symbol\":\"A/B\",\"action\":\"buy\",\"entry_price\":1,\"amount\":1}],\"specialized_registries\":{}}",
        b"{\"buckets\":{\"a\":{\"hash_pattern\":\"a\",\"profit_pct\":1}}}",
        b"{\"entries\":{\"a\":{\"entry_id\":\"a\",\"data\":[1,{\"b\":null}]}},\"patterns\":{}}",
        b"{\"events\":[{\"trigger\":\"a\",\"outcome\":\"+1\"}]}",
    ]
}

fn survives(bytes: &[u8]) {
    let head = AccountHead { stored: bytes, text: bytes, members: &[] };
    for format in streams() {
        let _recognised: bool = format.recognises(&head);
        match read_as(format, bytes, &options()) {
            Ok(read) => {
                let words = read.bad.iter().chain(read.notices.iter().map(|notice| &notice.what));
                words.for_each(|text| assert!(!text.contains(char::is_control), "{text:?}"));
            }
            Err(error) => {
                let text = error.to_string();
                assert!(!text.contains(char::is_control), "{text:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn random_bytes_are_refused_or_read_in_every_format(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        survives(&bytes);
    }

    #[test]
    fn samples_with_bytes_changed_taken_out_or_put_in_are_refused_or_read(
        which in 0..13_usize,
        edits in proptest::collection::vec((any::<u16>(), any::<u8>(), 0..3_u8), 1..6),
    ) {
        let mut bytes = samples()[which].to_vec();
        for (at, byte, edit) in edits {
            let at = usize::from(at) % bytes.len().max(1);
            match edit {
                0 if at < bytes.len() => bytes[at] = byte,
                1 if at < bytes.len() => drop(bytes.remove(at)),
                _ => bytes.insert(at, byte),
            }
        }
        survives(&bytes);
    }
}

#[test]
fn every_sample_cut_anywhere_is_refused_or_read() {
    for sample in samples() {
        for length in 0..sample.len() {
            let cut = &sample[..length];
            for format in streams() {
                drop(read_as(format, cut, &options()));
            }
        }
    }
}

#[test]
fn what_never_ends_is_refused_before_it_fills_the_memory() {
    let long =
        |begin: &str, more: &str, times: usize| [begin.to_owned(), more.repeat(times)].concat();
    let cases = [
        (AccountFormat::KrakenAccount, long("txid,", "x", 1 << 20), "longer than 65536 bytes"),
        (
            AccountFormat::KrakenAccount,
            long("txid,ordertxid,pair,time,type,vol,price,cost,fee\n", "\"", 1 << 20),
            "longer than 65536",
        ),
        (
            AccountFormat::CcxtTrades,
            long("[{\"symbol\":\"", "x", 2 << 20),
            "longer than 1048576 bytes",
        ),
        (AccountFormat::CcxtTrades, long("", "[", 1 << 20), "expected fewer levels"),
        (AccountFormat::CcxtTrades, long("[", "{\"a\":", 1 << 20), "expected fewer levels"),
        (AccountFormat::FreqtradeBacktest, long("{\"", "x", 2 << 20), "longer than"),
        (
            AccountFormat::FreqtradeBacktest,
            long("{\"a\":", "9", 2 << 20),
            "longer than 1048576 bytes",
        ),
        (
            AccountFormat::EarlierMemory,
            long("{\"entries\":{\"a\":[", "0,", 1 << 20),
            "longer than 1048576 bytes",
        ),
        (
            AccountFormat::EarlierMemory,
            format!("{{\"entries\":{{\"a\":{{\"d\":[{}0]}}}}}}", "0,".repeat(1 << 16)),
            "longer than 49152",
        ),
        (
            AccountFormat::MetatraderDeals,
            long("<html>metatrader<tr><td>", "x", 1 << 20),
            "too long",
        ),
        (
            AccountFormat::MetatraderDeals,
            long("<html>metatrader<tr>", "<td>x", 1 << 16),
            "too many cells",
        ),
        (AccountFormat::MetatraderDeals, long("<html>metatrader<", "x", 1 << 20), "too long"),
        (AccountFormat::FixLog, long("8=FIX.4.4|9=5|", "1=1|", 4_096), "more than 2048 fields"),
    ];
    for (format, text, expected) in cases {
        let error = super::reading::refused(format, &text);
        assert!(error.contains(expected), "{format:?}: {error}");
    }
}
