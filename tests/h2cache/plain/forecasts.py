"""Methods that compute by a schedule and forecast from the differences of what was computed."""

# mypy: ignore-errors
# Plain formulas, without types on purpose.

import math

import torch


def taylorseer(every, order, offset, warmup):
    state = {"at": None, "factors": []}

    def step(net, k, n):
        if k < warmup or (k - offset) % every == 0 or state["at"] is None:
            _, img = net.run(net.txt, net.img, 0, len(net.all))
            factors = [net.head(img)]
            for old in state["factors"][:order]:
                factors.append((factors[-1] - old) / (k - state["at"]))
            state["at"], state["factors"] = k, factors
            return factors[0]
        ahead = k - state["at"]
        return sum(factor * ahead**i / math.factorial(i) for i, factor in enumerate(state["factors"]))

    return step


def forecast(factors, ahead, order, scale=None):
    """Differences at the newest computed step; without a scale Taylor's powers, with one Hermite's polynomials."""
    total = factors[0]
    for i, factor in enumerate(factors[1 : order + 1], 1):
        if scale is None:
            total = total + factor * ahead**i / math.factorial(i)
        else:
            x = scale * ahead
            total = total + factor * {1: 2 * x, 2: 4 * x * x - 2}[i] * scale**i / math.factorial(i)
    return total


def remembered(value, k, state, order, since):
    """The differences after a computed step; none reaches back to a step before ``since``."""
    factors = [value]
    if state["at"] is not None and k > since:
        for old in state["factors"][:order]:
            factors.append((factors[-1] - old) / (k - state["at"]))
    state["at"], state["factors"] = k, factors


def hicache(every, order, scale, warmup):
    state = {"at": None, "factors": []}

    def step(net, k, n):
        if k < warmup or (k - max(0, warmup - 1)) % every == 0 or state["at"] is None:
            _, img = net.run(net.txt, net.img, 0, len(net.all))
            remembered(net.head(img), k, state, order, max(0, warmup - 2))
            return state["factors"][0]
        return forecast(state["factors"], k - state["at"], order, scale)

    return step


def low_band(signal, rows, columns, cutoff):
    """(1, T, C): the cosines of low frequency, one by one."""
    image, low = signal[0].reshape(rows, columns, -1), 0.0
    y = torch.arange(rows, dtype=signal.dtype)[:, None] + 0.5
    x = torch.arange(columns, dtype=signal.dtype)[None, :] + 0.5
    for v in range(rows):
        for u in range(columns):
            if math.hypot(v, u) <= cutoff * math.hypot(rows - 1, columns - 1):
                wave = torch.cos(math.pi * v * y / rows) * torch.cos(math.pi * u * x / columns)
                wave = (wave / wave.norm())[..., None]
                low = low + (image * wave).sum((0, 1)) * wave
    return low.reshape(signal.shape)


def freqca(every, order, scale, cutoff, warmup, rows, columns):
    state = {"at": None, "factors": []}

    def step(net, k, n):
        if k < warmup or (k - max(0, warmup - 1)) % every == 0 or state["at"] is None:
            _, img = net.run(net.txt, net.img, 0, len(net.all))
            remembered(img, k, state, order, max(0, warmup - 2))
            return net.head(img)
        lows = [low_band(factor, rows, columns, cutoff) for factor in state["factors"]]
        highs = [factor - low for factor, low in zip(state["factors"], lows, strict=True)]
        return net.head(lows[0] + forecast(highs, k - state["at"], order, scale))

    return step


def procache(pattern, order, warmup):
    state = {"at": None, "factors": []}

    def step(net, k, n):
        if k < warmup or pattern[k] == "0" or state["at"] is None:
            _, img = net.run(net.txt, net.img, 0, len(net.all))
            remembered(net.head(img), k, state, order, max(0, warmup - 2))
        return forecast(state["factors"], k - state["at"], order)

    return step
