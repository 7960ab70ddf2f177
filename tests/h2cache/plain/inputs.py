"""Methods that decide by what goes into a step, before any block runs."""

# mypy: ignore-errors
# Plain formulas, without types on purpose.

import torch

from tests.h2cache.plain.net import change


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
