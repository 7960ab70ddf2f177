"""Methods that measure nothing and put in the last residual: a mask, and what comes of a calibration run."""

# mypy: ignore-errors
# Plain formulas, without types on purpose.


def mask(steps):
    state = {"residual": None}

    def step(net, k, n):
        if steps[k] == "0" or state["residual"] is None:
            _, img = net.run(net.txt, net.img, 0, len(net.all))
            state["residual"] = img - net.img
        return net.head(net.img + state["residual"])

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
