"""Ours: a polynomial through what was computed, as far as a sample's own rate of change allows."""

# mypy: ignore-errors
# Plain formulas, without types on purpose.

from tests.h2cache.plain.net import change


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
