"""Methods that run the first blocks and decide by what these give."""

# mypy: ignore-errors
# Plain formulas, without types on purpose.

from tests.h2cache.plain.net import change


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
