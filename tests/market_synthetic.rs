//! The synthetic market: what it declares is in it, and nothing else.

use crate::support::TestResult;
use crate::support::market::drain;
use schwabot::event::{Bar, Event, Payload, Vantage};
use schwabot::hash::{Digest, FileHasher};
use schwabot::market::{Source, SourceError, SyntheticConfig, SyntheticMarket};
use schwabot::time::Span;
use schwabot::units::{Price, Quantity};

fn config(seed: u64, bars: u64) -> SyntheticConfig {
    SyntheticConfig { seed, bars, ..SyntheticConfig::default() }
}

fn events(config: SyntheticConfig) -> TestResult<Vec<Event>> {
    let (events, error) = drain(&mut SyntheticMarket::new(config)?);
    error.map_or(Ok(events), |error| Err(error.into()))
}

/// The bars of each pair: BTC/USDC, ETH/BTC, ETH/USDC.
fn bars(config: SyntheticConfig) -> TestResult<[Vec<Bar>; 3]> {
    let mut pairs = [Vec::new(), Vec::new(), Vec::new()];
    for event in events(config)? {
        let Event::Bar(bar) = event else { return Err("no bar".into()) };
        pairs[usize::from(bar.pair.0)].push(bar);
    }
    Ok(pairs)
}

fn digest(config: SyntheticConfig) -> TestResult<Digest> {
    let mut hasher = FileHasher::default();
    let mut bytes = Vec::new();
    for event in events(config)? {
        bytes.clear();
        event.encode_payload(&mut bytes)?;
        hasher.update(&bytes);
    }
    Ok(hasher.finish())
}

#[test]
fn a_seed_gives_the_same_market_on_every_machine_and_another_seed_another() -> TestResult {
    let golden = "5aebf681cc24589109219ec18fe212e89a0c913f795c72ed2ed286f8d9a06b1e";
    assert_eq!(digest(config(42, 5_000))?.to_string(), golden);
    assert_ne!(digest(config(43, 5_000))?.to_string(), golden);
    Ok(())
}

#[test]
fn a_longer_market_begins_with_the_shorter_one() -> TestResult {
    let (short, long) = (events(config(7, 500))?, events(config(7, 2_000))?);
    assert_eq!((short.len(), long.len()), (1_500, 6_000));
    assert_eq!(short, long[..1_500]);
    Ok(())
}

#[test]
fn every_bar_is_valid_on_the_grid_and_follows_the_one_before() -> TestResult {
    for seed in 0..8 {
        for pair in bars(config(seed, 20_000))? {
            for bar in &pair {
                let body = (bar.open.min(bar.close), bar.open.max(bar.close));
                assert!(
                    bar.low.is_positive() && bar.low <= body.0 && body.1 <= bar.high,
                    "{bar:?}"
                );
                assert!(bar.volume > Quantity::ZERO && bar.trades > Some(0), "{bar:?}");
                for raw in [bar.open, bar.high, bar.low, bar.close].map(Price::raw) {
                    assert_eq!(raw % 10_000, 0, "{bar:?}");
                }
                assert_eq!(bar.available_at.since(bar.open_time), Some("1m".parse()?));
                assert_eq!(bar.last_of_instant, bar.pair.0 == 2);
            }
            for two in pair.windows(2) {
                assert_eq!(two[0].available_at, two[1].open_time);
                assert_eq!((two[0].close, two[0].row + 1), (two[1].open, two[1].row));
            }
        }
    }
    Ok(())
}

#[test]
fn the_three_pairs_are_a_triangle_up_to_the_declared_noise() -> TestResult {
    let noise = f64::from(SyntheticConfig::default().triangle_noise_ppm) / 1e6;
    let [bitcoin, cross, ether] = bars(config(3, 5_000))?;
    let mut strays = 0;
    for ((bitcoin, cross), ether) in bitcoin.iter().zip(&cross).zip(&ether) {
        let [bitcoin, cross, ether] = [bitcoin, cross, ether].map(|bar| bar.close.raw() as f64);
        let stray = cross / 1e12 * bitcoin / ether - 1.0;
        assert!(stray.abs() < noise + 1e-6, "{stray}");
        strays += usize::from(stray.abs() > noise / 2.0);
    }
    assert!(strays > 2_000, "the noise is there: {strays}");
    Ok(())
}

/// Returns over the ten bars after each burst in the given direction, in basis points.
fn after_bursts(bars: &[Bar], up: bool) -> Vec<f64> {
    let mut volumes: Vec<Quantity> = bars.iter().map(|bar| bar.volume).collect();
    volumes.sort_unstable();
    let usual = volumes[volumes.len() / 2].raw();
    (0..bars.len().saturating_sub(10))
        .filter(|at| bars[*at].volume.raw() > 5 * usual && (bars[*at].close > bars[*at].open) == up)
        .map(|at| (bars[at + 10].close.raw() as f64 / bars[at].close.raw() as f64).ln() * 1e4)
        .collect()
}

/// The mean over sixteen demo markets.
fn mean_after_bursts(drift_ppm: u32, pair: usize, up: bool) -> TestResult<f64> {
    let mut returns = Vec::new();
    for seed in 0..16 {
        let config = SyntheticConfig { drift_ppm, ..config(seed, 5_000) };
        returns.extend(after_bursts(&bars(config)?[pair], up));
    }
    assert!(returns.len() > 400, "{} bursts", returns.len());
    Ok(returns.iter().sum::<f64>() / returns.len() as f64)
}

#[test]
fn only_up_bursts_of_ether_are_followed_by_the_planted_drift() -> TestResult {
    let planted = mean_after_bursts(800, 2, true)?;
    assert!((72.0..88.0).contains(&planted), "{planted}");
    for (name, drift, pair, up) in [
        ("ether down", 800, 2, false),
        ("bitcoin up", 800, 0, true),
        ("bitcoin down", 800, 0, false),
        ("ether up, nothing planted", 0, 2, true),
    ] {
        let other = mean_after_bursts(drift, pair, up)?;
        assert!(other.abs() < 8.0, "{name}: {other}");
    }
    Ok(())
}

#[test]
fn extreme_settings_are_refused_or_stay_in_range() -> TestResult {
    let wild = SyntheticConfig {
        drift_ppm: 40_000,
        drift_bars: 10,
        burst_one_in: 1,
        triangle_noise_ppm: 10_000,
        ..config(5, 30_000)
    };
    assert_eq!(events(wild)?.len(), 90_000);
    let refused = [
        ("bars", SyntheticConfig { bars: u64::MAX, ..config(0, 0) }),
        ("bars", SyntheticConfig { bars: 1 << 40, ..config(0, 0) }),
        ("interval", SyntheticConfig { interval: Span::from_nanos(0), ..config(0, 1) }),
        ("burst_one_in", SyntheticConfig { burst_one_in: 0, ..config(0, 1) }),
        (
            "drift_ppm",
            SyntheticConfig { drift_ppm: u32::MAX, drift_bars: u32::MAX, ..config(0, 1) },
        ),
        ("triangle_noise_ppm", SyntheticConfig { triangle_noise_ppm: 10_001, ..config(0, 1) }),
    ];
    for (setting, config) in refused {
        let error = SyntheticMarket::new(config).err();
        let Some(SourceError::BadConfig { field, .. }) = error else {
            return Err(format!("{setting}: {error:?}").into());
        };
        assert_eq!(field, setting);
    }
    Ok(())
}

#[test]
fn the_generator_declares_every_setting_and_the_vantage_is_simulated() -> TestResult {
    let market = SyntheticMarket::new(config(9, 10))?;
    let generator = market.generator();
    assert_eq!((generator.seed, generator.bars), (9, 10));
    assert_eq!(
        generator.name,
        "schwabot-synthetic-1 start=2025-01-01T00:00:00Z interval=1m drift_ppm=800 drift_bars=10 \
         burst_one_in=40 triangle_noise_ppm=100"
    );
    assert_eq!(market.vantage(), Vantage::Simulated);
    let symbols: Vec<String> = market.pairs().iter().map(|pair| pair.symbol.to_string()).collect();
    assert_eq!(symbols, ["BTC/USDC", "ETH/BTC", "ETH/USDC"]);
    Ok(())
}
