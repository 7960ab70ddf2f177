"""The methods for one sample in the plainest way, from their formulas; shares nothing with the library."""

# mypy: ignore-errors
# Plain formulas, without types on purpose.

import math

import torch


class Net:
    """One step's embedded inputs of a FluxTransformer2DModel, and its blocks by number."""

    def __init__(self, model, latents, prompt_embeds, pooled, timestep, guidance, img_ids, txt_ids):
        self.model, self.latents = model, latents
        self.img, self.txt = model.x_embedder(latents), model.context_embedder(prompt_embeds)
        self.temb = model.time_text_embed(timestep * 1000, guidance * 1000, pooled)
        self.rope = model.pos_embed(torch.cat([txt_ids, img_ids]))
        self.all = [*model.transformer_blocks, *model.single_transformer_blocks]
        self.count = 0

    def run(self, txt, img, first, end):
        for block in self.all[first:end]:
            txt, img = block(img, txt, self.temb, self.rope)
            self.count += 1
        return txt, img

    def modulated(self):
        return self.all[0].norm1(self.img, emb=self.temb)[0]

    def head(self, img):
        return self.model.proj_out(self.model.norm_out(img, self.temb))


def change(new, old):
    return float((new.float() - old.float()).abs().mean() / old.float().abs().mean())


def fbcache(threshold, first=1, last=0, warmup=0, taylor=0):
    """Also DBCache: ``first`` and ``last`` in blocks of this model."""
    state = {"probe": None, "rest": []}

    def step(net, k, n):
        end = len(net.all) - last
        txt, img = net.run(net.txt, net.img, 0, first)
        probe = img - net.img
        hit = state["probe"] is not None and k >= warmup and change(probe, state["probe"]) < threshold
        if hit:
            (at, r_txt, r_img), ahead = state["rest"][0], 0.0
            if taylor and len(state["rest"]) > 1:
                before, b_txt, b_img = state["rest"][1]
                ahead = (k - at) / (at - before)
                r_txt, r_img = r_txt + ahead * (r_txt - b_txt), r_img + ahead * (r_img - b_img)
            txt, img = txt + r_txt, img + r_img
        else:
            out_txt, out_img = net.run(txt, img, first, end)
            state["probe"] = probe
            state["rest"] = [(k, out_txt - txt, out_img - img), *state["rest"]][:2]
            txt, img = out_txt, out_img
        _, img = net.run(txt, img, end, len(net.all))
        return net.head(img)

    return step


def teacache(threshold, polynomial, last_full=True):
    state = {"sum": 0.0, "seen": None, "residual": None}

    def step(net, k, n):
        seen = net.modulated()
        if k == 0 or (last_full and k == n - 1):
            compute = True
        else:
            d = change(seen, state["seen"])
            state["sum"] += sum(
                c * d**p for c, p in zip(polynomial, range(len(polynomial) - 1, -1, -1), strict=True)
            )
            compute = not state["sum"] < threshold
        state["seen"] = seen
        if compute:
            state["sum"] = 0.0
            _, img = net.run(net.txt, net.img, 0, len(net.all))
            state["residual"] = img - net.img
        return net.head(net.img + state["residual"])

    return step


def seacache(threshold, power, rows, columns):
    state = {"sum": 0.0, "seen": None, "residual": None}

    def axis(length, sigma):
        f = torch.tensor([min(i, length - i) / length for i in range(length)])
        s = 1 / (f**power + 1e-16)
        return (1 - sigma) * s / ((1 - sigma) ** 2 * s + sigma**2 + 1e-16)

    def step(net, k, n):
        sigma = min(max(1 - k / n, 1e-6), 1 - 1e-6)
        gain = axis(rows, sigma)[:, None] * axis(columns, sigma)[None, :]
        gain = gain / gain.mean()
        image = net.modulated().float()[0].reshape(rows, columns, -1)
        seen = torch.stack(
            [torch.fft.ifft2(torch.fft.fft2(image[..., c]) * gain).real for c in range(image.shape[-1])]
        )
        if k == 0 or k == n - 1:
            compute = True
        else:
            state["sum"] += change(seen, state["seen"])
            compute = not state["sum"] < threshold
        state["seen"] = seen
        if compute:
            state["sum"] = 0.0
            _, img = net.run(net.txt, net.img, 0, len(net.all))
            state["residual"] = img - net.img
        return net.head(net.img + state["residual"])

    return step


def dicache(threshold, depth, most, share):
    state = {"sum": 0.0, "probe": None, "window": []}

    def step(net, k, n):
        txt, probe = net.run(net.txt, net.img, 0, depth)
        if k <= int(share * n) or k == n - 1:
            compute = True
        else:
            state["sum"] += change(probe, state["probe"])
            compute = not state["sum"] < threshold
        state["probe"] = probe
        if compute:
            state["sum"] = 0.0
            _, img = net.run(txt, probe, depth, len(net.all))
            state["window"].append((probe - net.img, img - net.img))
            return net.head(img)
        img = net.img + state["window"][-1][1]
        if len(state["window"]) >= 2:
            (p2, r2), (p1, r1) = state["window"][-2:]
            gamma = float(
                ((probe - net.img).float() - p2.float()).abs().mean() / (p1.float() - p2.float()).abs().mean()
            )
            img = net.img + r2 + min(max(gamma, 1.0), most) * (r1 - r2)
        return net.head(img)

    return step


def magcache(threshold, max_skips, share, ratios):
    state = {"product": 1.0, "error": 0.0, "skips": 0, "residual": None}

    def step(net, k, n):
        compute = True
        if k >= int(share * n + 0.5):
            place = len(ratios) - 1 if n == 1 else round(k * (len(ratios) - 1) / (n - 1))
            state["product"] *= ratios[place]
            state["error"] += abs(1 - state["product"])
            state["skips"] += 1
            fine = state["error"] <= threshold and state["skips"] <= max_skips
            compute = state["residual"] is None or not fine
        if compute:
            state.update(product=1.0, error=0.0, skips=0)
            _, img = net.run(net.txt, net.img, 0, len(net.all))
            state["residual"] = img - net.img
        return net.head(net.img + state["residual"])

    return step


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


def sencache(threshold, start, max_skips, to_latents, to_time):
    """With tables of one entry a step."""
    state = {"at": None, "x": None, "skips": 0, "residual": None}

    def step(net, k, n):
        compute = k == 0 or k == n - 1
        if not compute:
            moved = float((net.latents - state["x"]).norm()) / net.latents.numel() ** 0.5
            j = state["at"]
            error = to_latents[j] * moved + to_time[j] * abs(k - j) / n
            compute = not (error < (start if k < 0.2 * n else threshold) and state["skips"] < max_skips)
        state["skips"] += 1
        if compute:
            _, img = net.run(net.txt, net.img, 0, len(net.all))
            state.update(at=k, x=net.latents, skips=0, residual=img - net.img)
        return net.head(net.img + state["residual"])

    return step


def ertacache_like(pattern, gains):
    """With one gain a step."""
    state = {"residual": None}

    def step(net, k, n):
        if pattern[k] == "1" and state["residual"] is not None:
            return net.latents + gains[k] * state["residual"]
        _, img = net.run(net.txt, net.img, 0, len(net.all))
        velocity = net.head(img)
        state["residual"] = velocity - net.latents
        return velocity

    return step


def through(points, at):
    """Neville's scheme: the polynomial through some (step, value), at another step."""
    values = [value for _, value in points]
    for width in range(1, len(points)):
        for i in range(len(points) - width):
            left, right = points[i][0], points[i + width][0]
            values[i] = ((at - right) * values[i] - (at - left) * values[i + 1]) / (left - right)
    return values[0]


def calmed(velocity, latents, sigma):
    """To an image of at most unit size."""
    image = latents - sigma * velocity
    return (latents - min(1.0, 1 / float(image.square().mean().sqrt())) * image) / sigma


def default(tau1, tau2, order):
    state = {"points": [], "at": 0.0, "far": 0.0, "is_first": False}

    def step(net, k, n):
        points, sigma = state["points"], 1 - k / n
        if points and state["at"] - sigma <= state["far"]:
            return through(points, k)
        _, img = net.run(net.txt, net.img, 0, len(net.all))
        velocity = net.head(img)
        tolerance = (tau1 * sigma + tau2 * 0.68 * (1 - sigma)) ** 2 * 2.5
        if not points:
            state["far"] = tolerance / 0.9
            state["points"] = [(k, calmed(velocity, net.latents, sigma))]
        else:
            rate = change(through(points, k), velocity) / (state["at"] - sigma)
            usual = 0.4 + 15 * sigma**10
            state["far"] = (tolerance / (rate * usual) ** 0.5) ** 0.5
            state["points"] = [*([] if state["is_first"] else points), (k, velocity)][-order - 1 :]
        state["at"], state["is_first"] = sigma, not points
        return velocity

    return step


def mask(steps):
    state = {"residual": None}

    def step(net, k, n):
        if steps[k] == "0" or state["residual"] is None:
            _, img = net.run(net.txt, net.img, 0, len(net.all))
            state["residual"] = img - net.img
        return net.head(net.img + state["residual"])

    return step
