#!/usr/bin/env python3
"""Frozen vectors for the formulas in `src/signals`, computed another way.

Usage: python3 tools/signal_vectors.py > tests/golden/signals/vectors.json

Only the standard library, and none of the shortcuts of the crate: transforms are plain double
sums over every bar, averages run from the first price without a restart, probabilities and
logarithms are fractions or 50-digit decimals. Inputs are raw integers (10^-9 for returns and
ratios, 10^-12 for prices and volumes). Outputs are decimal text, exact to the digits printed; the
tests say how near the crate must come.
"""
import json
import math
from decimal import Decimal, getcontext
from fractions import Fraction
from itertools import groupby

getcontext().prec = 50
ONE = 10**9


def stream(seed):
    """A linear congruential generator (Knuth's MMIX constants); the upper 32 bits of its state."""
    state = seed
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        yield state >> 32


def noise(seed, count, size):
    """Whole numbers around zero, roughly normal: the sum of four uniform ones."""
    draw = stream(seed)
    half = 2**33
    return [(sum(next(draw) for _ in range(4)) - half) * size // half for _ in range(count)]


def dec(value):
    if isinstance(value, Fraction):
        return Decimal(value.numerator) / Decimal(value.denominator)
    return Decimal(value)


def text(value, digits=15):
    return f"{dec(value):.{digits}f}"


def periodogram(window):
    n = len(window)
    mean = Fraction(sum(window), n)
    centred = [float(value - mean) for value in window]
    rows = []
    for k in range(1, (n - 1) // 2 + 1):
        angles = [2 * math.pi * ((k * j) % n) / n for j in range(n)]
        re = math.fsum(c * math.cos(a) for c, a in zip(centred, angles))
        im = -math.fsum(c * math.sin(a) for c, a in zip(centred, angles))
        rows.append((re, im))
    return rows


def chrono():
    cases = []
    for n, count, seed in [(128, 128, 1), (128, 1500, 2), (129, 2300, 3), (31, 1100, 4), (6, 40, 5)]:
        returns = noise(seed, count, 2_000_000)
        for t in range(count):  # a wave of a seventh of the window, so that a peak exists
            returns[t] += round(900_000 * math.cos(2 * math.pi * t * max(1, n // 7) / n + 0.4))
        rows = periodogram(returns[-n:])
        powers = [re * re + im * im for re, im in rows]
        k = max(range(len(powers)), key=powers.__getitem__)
        turns = math.atan2(rows[k][1], rows[k][0]) / (2 * math.pi) % 1.0
        cases.append({
            "bars": n, "returns": returns,
            "share": repr(powers[k] / math.fsum(powers)),
            "frequency": k + 1, "period": text(Fraction(n, k + 1)), "phase": repr(turns),
        })
    return cases


def fisher_exact(g, m):
    """Over the common denominator ONE^(m-1), so that it is one sum of whole numbers."""
    total = 0
    for j in range(1, m + 1):
        if j * g >= ONE:
            break
        total += (-1) ** (j - 1) * math.comb(m, j) * (ONE - j * g) ** (m - 1)
    return Fraction(total, ONE ** (m - 1))


def fisher():
    cases = []
    for m in (2, 7, 15, 63, 64, 255, 511, 2047):
        for scale in (11, 12, 15, 20, 30, 45, 60, 80, 100, 120, 160, 250):
            # g from just above 1/m, where p is one, to deep into the tail
            g = min(ONE, scale * ONE // (10 * m))
            cases.append({"m": m, "g": g, "p": text(fisher_exact(g, m), 18)})
    return cases


def clock():
    returns = noise(11, 400, 3_000_000)
    cases = []
    for short, long, count in [(60, 300, 400), (1, 2, 17), (7, 50, 50)]:
        squares = [r * r for r in returns[:count]]
        rate = Fraction(sum(squares[-short:]) * long, sum(squares[-long:]) * short)
        cases.append({"short": short, "long": long, "returns": returns[:count],
                      "log_rate": text(dec(rate).ln())})
    return cases


def warped(x, y, band):
    """All of the matrix, by the recursion as written."""
    inf = Fraction(10**40)
    d = [[inf] * (len(y) + 1) for _ in range(len(x) + 1)]
    d[0][0] = Fraction(0)
    for i in range(1, len(x) + 1):
        for j in range(1, len(y) + 1):
            if abs(i - j) <= band:
                step = Fraction(x[i - 1] - y[j - 1], ONE) ** 2
                d[i][j] = step + min(d[i - 1][j], d[i][j - 1], d[i - 1][j - 1])
    return dec(d[-1][-1]).sqrt()


def dtw():
    cases = []
    for seed, left, right, band in [(21, 30, 30, 0), (22, 30, 30, 3), (23, 40, 37, 5), (24, 5, 25, 20), (25, 16, 16, 99)]:
        x, y = noise(seed, left, 1_500_000_000), noise(seed + 100, right, 1_500_000_000)
        cases.append({"left": x, "right": y, "band": band, "distance": text(warped(x, y, band))})
    return cases


def variance(values):
    n = len(values)
    mean = Fraction(sum(values), n)
    return sum((v - mean) ** 2 for v in values) / (n - 1)


def trailing():
    returns = noise(31, 260, 2_500_000)
    window, newest = returns[-240 - 1:-1], returns[-1]
    deviation = dec(variance(window)).sqrt()
    mean = Fraction(sum(window), 240)
    volumes = [abs(v) + 1 for v in noise(32, 260, 9 * 10**12)]
    for place in range(0, 260, 9):
        volumes[place] = 0
    volumes[-1] = 40 * 10**12
    logs = [(Decimal(v) / 10**12).ln() for v in volumes[-241:-1] if v > 0]
    log_mean = sum(logs) / len(logs)
    log_deviation = (sum((x - log_mean) ** 2 for x in logs) / (len(logs) - 1)).sqrt()
    z = ((Decimal(volumes[-1]) / 10**12).ln() - log_mean) / log_deviation
    return {
        "bars": 240, "returns": returns,
        "spike": text(newest / deviation),
        "drift_t": text(dec(mean) * Decimal(240).sqrt() / deviation),
        "realised_volatility": text(Decimal(sum(r * r for r in window)).sqrt() / ONE),
        "volumes": volumes, "surge": text(z),
    }


def ema():
    cases = []
    for fast, slow, count, seed in [(60, 240, 239 + 1, 41), (60, 240, 1024, 42), (60, 240, 3100, 43), (5, 20, 2500, 44), (1, 3, 1200, 45)]:
        price, prices = Fraction(50_000 * 10**12), []
        for step in noise(seed, count, 1_000):
            price = price * (1_000_000 + step) // 1_000_000
            prices.append(int(price))
        averages = []
        for span in (fast, slow):
            share, average = Decimal(2) / (span + 1), Decimal(prices[0])
            for value in prices:
                average += share * (value - average)
            averages.append(average)
        cases.append({"fast": fast, "slow": slow, "prices": [str(p) for p in prices],
                      "spread": text(averages[0] / averages[1] - 1)})
    return cases


def entropy():
    cases = []
    for order, count, step in [(3, 60, 1), (4, 200, 1), (5, 300, 40), (7, 500, 1), (3, 40, 300)]:
        # Rounding to `step` makes ties, which keep their order in time.
        values = [v // step for v in noise(51 + order, count, 2_000)]
        patterns = [tuple(sorted(range(order), key=lambda i: (values[s + i], i)))
                    for s in range(count - order + 1)]
        shares = [Fraction(patterns.count(p), len(patterns)) for p in set(patterns)]
        h = -sum(dec(p) * dec(p).ln() for p in shares) / Decimal(math.factorial(order)).ln()
        cases.append({"order": order, "values": values, "entropy": text(h)})
    return cases


def runs():
    cases = []
    for width, word in [(4, 0b0101), (8, 0b11110000), (12, 0b110010111010), (64, 0x0123456789ABCDEF)]:
        bits = [(word >> i) & 1 for i in range(width)]
        ups, downs = sum(bits), width - sum(bits)
        count = len(list(groupby(bits)))
        mean = Fraction(2 * ups * downs, width) + 1
        spread = (mean - 1) * (mean - 2) / (width - 1)
        cases.append({"width": width, "word": str(word),
                      "score": text(dec(count - mean) / dec(spread).sqrt())})
    return cases


def wilson():
    cases = []
    for s, n, z in [(0, 1, 1.96), (1, 1, 1.96), (1, 3, 1.96), (3, 3, 1.96), (10, 20, 1.96), (16, 20, 1.96),
                    (57, 100, 2.576), (5_000_001, 9_999_999, 1.96), (1, 10**12, 1.645)]:
        p, z = Fraction(s, n), Fraction(str(z))
        centre = p + z * z / (2 * n)
        half = dec(z) * dec(p * (1 - p) / n + z * z / (4 * n * n)).sqrt()
        below = 1 + z * z / n
        cases.append({"successes": s, "cases": n, "z": int(z * ONE),
                      "lower": text((dec(centre) - half) / dec(below)),
                      "upper": text((dec(centre) + half) / dec(below))})
    return cases


def gradient():
    cases = []
    for n, seed, size in [(2, 61, 10**8), (7, 62, 10**9), (40, 63, 10**10), (3, 64, 10**12)]:
        gains = noise(seed, n, size)
        weights = [Fraction(1, n)] * n
        weights = [Fraction(int(w * ONE), ONE) for w in weights]
        grown = [dec(w) * (Decimal(g) / ONE).exp() for w, g in zip(weights, gains)]
        grown = [w / sum(grown) for w in grown]
        floored = [max(w, Decimal("0.1") / n) for w in grown]
        cases.append({"weights": [int(w * ONE) for w in weights], "gains": gains,
                      "after": [text(w / sum(floored)) for w in floored]})
    return cases


def cycles():
    cases = []
    for legs in [
        [("sell", "45000", "0.001", "0"), ("buy", "2000", "0.001", "0"), ("sell", "0.05", "0.001", "0")],
        [("buy", "0.05", "0", "0"), ("sell", "2000", "0", "0"), ("buy", "45454.545454545455", "0", "0")],
        [("sell", "0.000000001", "0.9", "0.5"), ("buy", "123456789.123456789", "0.00075", "0.0003")],
    ]:
        walk = Fraction(1)
        for way, price, fee, slippage in legs:
            rate = Fraction(price) if way == "sell" else 1 / Fraction(price)
            walk *= rate * (1 - Fraction(fee)) * (1 - Fraction(slippage))
        cases.append({"legs": legs, "log_return": text(dec(walk).ln())})
    return cases


def cosines():
    cases = []
    for n, seed, size in [(2, 71, 10**9), (6, 72, 3 * 10**9), (100, 73, 10**11)]:
        x, y = noise(seed, n, size), noise(seed + 7, n, size)
        dot = sum(a * b for a, b in zip(x, y))
        norms = Decimal(sum(a * a for a in x)).sqrt() * Decimal(sum(b * b for b in y)).sqrt()
        cases.append({"left": x, "right": y, "cosine": text(Decimal(dot) / norms)})
    return cases


def kelly():
    cases = []
    for count, seed, drift, share, cap in [(20, 81, 20_000_000, 0.25, 0.1), (300, 82, 1_000_000, 0.25, 1), (50, 83, -90_000_000, 0.5, 0.1), (40, 84, 9_000_000, 0.5, 1)]:
        returns = [r + drift for r in noise(seed, count, 300_000_000)]
        mean, spread = Fraction(sum(returns), count * ONE), variance(returns) / ONE**2
        wanted = Fraction(str(share)) * mean / spread
        cases.append({"returns": returns, "share": int(share * ONE), "cap": int(cap * ONE),
                      "fraction": text(min(max(wanted, Fraction(0)), Fraction(str(cap)))),
                      "cap_hit": wanted > Fraction(str(cap)),
                      "mean": text(mean), "variance": text(spread)})
    return cases


def ranks(values):
    """The mean of the places that a value and its equals take."""
    places = sorted(values)
    return [Fraction(2 * places.index(v) + 1 + places.count(v), 2) for v in values]


def spearmans():
    cases = []
    for n, seed, step, pull in [(10, 91, 1, 0), (30, 92, 10**8, 1), (120, 93, 5 * 10**8, 2), (60, 94, 1, -3)]:
        x = [v // step for v in noise(seed, n, 10**9)]
        y = [(v + pull * w * step) // step for v, w in zip(noise(seed + 9, n, 10**9), x)]
        a, b = ranks(x), ranks(y)
        mean_a, mean_b = sum(a) / n, sum(b) / n
        cross = sum((p - mean_a) * (q - mean_b) for p, q in zip(a, b))
        squares = sum((p - mean_a) ** 2 for p in a) * sum((q - mean_b) ** 2 for q in b)
        rho = dec(cross) / dec(squares).sqrt()
        z = ((1 + rho) / (1 - rho)).ln() / 2
        error = (Decimal("1.06") / (n - 3)).sqrt()
        ends = []
        for way in (-1, 1):
            e = (2 * (z + way * Decimal("1.959963984540054235524594") * error)).exp()
            ends.append((e - 1) / (e + 1))
        cases.append({"left": x, "right": y, "rho": text(rho), "lower": text(ends[0]),
                      "upper": text(ends[1]), "p": repr(math.erfc(float(abs(z) / error) / math.sqrt(2)))})
    return cases


def main():
    vectors = {
        "comment": "Made by tools/signal_vectors.py; see there. Inputs are raw integers, outputs decimal text.",
        "chrono": chrono(), "fisher": fisher(), "clock": clock(), "dtw": dtw(), "trailing": trailing(),
        "ema": ema(), "entropy": entropy(), "runs": runs(), "wilson": wilson(), "gradient": gradient(),
        "cycles": cycles(), "cosines": cosines(), "kelly": kelly(), "spearman": spearmans(),
    }
    print(json.dumps(vectors, indent=None, separators=(",", ":")).replace('],"', '],\n"').replace('},{', '},\n{'))


if __name__ == "__main__":
    main()
