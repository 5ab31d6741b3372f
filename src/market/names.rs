//! What arguments and file names say: which pair a file is for, and how long its bars are.
//!
//! A name is only believed where it can be read in one way; anything else is an error that asks
//! for `BASE/QUOTE=` or `--interval`. Names decide nothing else and enter no event.

use std::fmt;
use std::path::{Path, PathBuf};

use super::DataFile;
use super::error::SourceError;
use crate::time::Span;

/// Quote currencies that a name may end in without a separator, longer ones first.
const QUOTES: [&str; 22] = [
    "FDUSD", "USDT", "USDC", "BUSD", "TUSD", "USDP", "USDE", "USD", "EUR", "GBP", "JPY", "CHF",
    "AUD", "CAD", "TRY", "BRL", "KRW", "DAI", "BTC", "ETH", "BNB", "XBT",
];
/// Words of file names that look like a currency and are none.
const VENUES: [&str; 18] = [
    "BINANCE",
    "BINANCEUS",
    "BITFINEX",
    "BITGET",
    "BITMEX",
    "BITSTAMP",
    "BYBIT",
    "COINBASE",
    "DERIBIT",
    "FTX",
    "GATEIO",
    "GEMINI",
    "HUOBI",
    "KRAKEN",
    "KUCOIN",
    "MEXC",
    "OKX",
    "OHLCV",
];
const EXTENSIONS: [&str; 6] = [".gz", ".zip", ".csv", ".json", ".txt", ".tsv"];
const CURRENCY_MAX: usize = 20;

/// A pair of currencies by name.
///
/// # Examples
/// ```
/// use schwabot::market::PairSymbol;
/// let pair = PairSymbol::parse("BTC/USDT").ok_or("no pair")?;
/// assert_eq!((pair.base(), pair.quote()), ("BTC", "USDT"));
/// assert_eq!(pair.to_string(), "BTC/USDT");
/// assert_eq!(PairSymbol::parse("data/x"), None);
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PairSymbol {
    base: String,
    quote: String,
}

impl PairSymbol {
    /// Reads `BASE/QUOTE`: upper-case letters and digits, at most 20 on each side.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (base, quote) = text.split_once('/')?;
        (is_currency(base) && is_currency(quote)).then(|| Self::new(base, quote))
    }

    fn new(base: &str, quote: &str) -> Self {
        Self { base: base.to_owned(), quote: quote.to_owned() }
    }

    /// Returns the currency that is bought and sold.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Returns the currency it is paid in.
    #[must_use]
    pub fn quote(&self) -> &str {
        &self.quote
    }
}

impl fmt::Display for PairSymbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.quote)
    }
}

/// Reads one `--data` argument: `BASE/QUOTE=FILE`, or a file whose name says its pair.
///
/// # Examples
/// ```
/// use schwabot::market::parse_data_argument;
/// let file = parse_data_argument("BTC/USDT=some/prices.csv");
/// assert_eq!(file.pair.map(|pair| pair.to_string()).as_deref(), Some("BTC/USDT"));
/// assert_eq!(file.path.to_str(), Some("some/prices.csv"));
/// assert_eq!(parse_data_argument("a=b/prices.csv").path.to_str(), Some("a=b/prices.csv"));
/// ```
#[must_use]
pub fn parse_data_argument(text: &str) -> DataFile {
    let named =
        text.split_once('=').and_then(|(pair, path)| Some((PairSymbol::parse(pair)?, path)));
    match named {
        Some((pair, path)) => {
            DataFile { path: PathBuf::from(path), pair: Some(pair), format: None }
        }
        None => DataFile { path: PathBuf::from(text), pair: None, format: None },
    }
}

/// Reads the pair off a file name.
///
/// Looks for `BASE_QUOTE` or `BASE-QUOTE` with a known quote currency, then for `BASEQUOTE`, then
/// for any two upper-case words side by side.
///
/// # Errors
/// [`SourceError::UnknownPair`] and [`SourceError::AmbiguousPair`].
pub(crate) fn pair_of_name(file: &Path) -> Result<PairSymbol, SourceError> {
    let stem = stem(file);
    let words: Vec<&str> = stem.split(['_', '-', '.', ' ']).collect();
    let side_by_side = |known: bool| {
        words.windows(2).filter_map(move |two| {
            let (base, quote) = (two[0], two[1]);
            let fits = is_word(base) && is_word(quote) && base != quote;
            (fits && (!known || QUOTES.contains(&quote))).then(|| PairSymbol::new(base, quote))
        })
    };
    let joined = words.iter().filter(|word| is_word(word)).filter_map(|word| split_joined(word));
    let readings: [Vec<PairSymbol>; 3] =
        [side_by_side(true).collect(), joined.collect(), side_by_side(false).collect()];
    for reading in readings {
        let Some((first, others)) = reading.split_first() else { continue };
        return match others.iter().find(|other| *other != first) {
            None => Ok(first.clone()),
            Some(second) => Err(SourceError::AmbiguousPair {
                file: file.to_owned(),
                first: first.to_string(),
                second: second.to_string(),
            }),
        };
    }
    Err(SourceError::UnknownPair { file: file.to_owned() })
}

/// Reads the bars' length off a file name: a word such as `1m`, `15min` or `4H`.
///
/// Two different such words say nothing, and neither does `1M`, which may mean a month.
pub(crate) fn interval_of_name(file: &Path) -> Option<Span> {
    let stem = stem(file);
    let mut spans = stem.split(['_', '-', '.', ' ']).filter_map(|word| {
        let digits = word.len() - word.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (count, unit) = word.split_at(digits);
        let unit = match unit {
            "s" => "s",
            "m" | "min" => "m",
            "h" | "H" => "h",
            "d" | "D" => "d",
            "w" | "W" => "w",
            _ => return None,
        };
        format!("{count}{unit}").parse::<Span>().ok()
    });
    let first = spans.next()?;
    spans.all(|other| other == first).then_some(first)
}

/// The file name without folder and without the extensions that say how it is stored.
fn stem(file: &Path) -> String {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut rest = name.as_str();
    while let Some(shorter) = EXTENSIONS.iter().find_map(|extension| {
        let at = rest.len().checked_sub(extension.len())?;
        rest.get(at..)?.eq_ignore_ascii_case(extension).then(|| &rest[..at])
    }) {
        rest = shorter;
    }
    rest.to_owned()
}

fn is_currency(text: &str) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    plain && (1..=CURRENCY_MAX).contains(&text.len())
}

/// A currency-like word of a file name: no number, no interval such as `1H`, no venue.
fn is_word(text: &str) -> bool {
    let letters = text.bytes().filter(u8::is_ascii_uppercase).count();
    is_currency(text) && letters >= 2 && !VENUES.contains(&text)
}

/// Reads `BASEQUOTE` with a known quote currency.
pub(crate) fn split_joined(word: &str) -> Option<PairSymbol> {
    let (base, quote) = QUOTES.iter().find_map(|quote| {
        let base = word.strip_suffix(quote)?;
        // `XBTUSD` and `USDTUSD` end in TUSD, and are in USD.
        let is_usd = *quote == "TUSD" && QUOTES.contains(&format!("{base}T").as_str());
        (base.len() >= 2 && !is_usd).then_some((base, *quote))
    })?;
    Some(PairSymbol::new(base, quote))
}
