"""Draw the dashboard's panels: Grafana's queries, asked of a real Prometheus that watched a real server.

    python docs/dashboard_pictures.py --minutes 3 --out docs/pictures

Starts `h2serve serve` with flux-nano and Debian's prometheus with the rules of docker/prometheus, sends requests
with presets and random thresholds, and draws one picture a row of the dashboard.
"""

import argparse
import contextlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from server.bench.memory import address_of

ROOT = Path(__file__).parent.parent
DASHBOARD = ROOT / "docker" / "grafana" / "dashboards" / "h2serve.json"
PROMETHEUS = "127.0.0.1:19090"
RATE_OVER, STEP_S = "1m", 5
PRESETS = ("off", "fast", "balanced", "quality")
TAUS = (0.03, 0.07, 0.15, 0.3, 0.6)
CLIENTS = 2


def main() -> None:
    """Run, draw, stop."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures")
    wanted = parser.parse_args()
    wanted.out.mkdir(parents=True, exist_ok=True)
    with running_server() as address, watched(address), httpx.Client(base_url=f"http://{PROMETHEUS}") as asked:
        load(address, wanted.minutes * 60)
        for path in draw(asked, wanted.minutes * 60, wanted.out):
            print(path)


@contextlib.contextmanager
def running_server() -> Iterator[str]:
    """The address of a server with flux-nano."""
    command = [sys.executable, "-m", "server", "serve", "--port", "0", "--max-batch", "4"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield address_of(process.stdout)
        finally:
            process.terminate()


@contextlib.contextmanager
def watched(address: str) -> Iterator[None]:
    """Prometheus with the shipped rules, scraping the server every five seconds."""
    rules = [str(ROOT / "docker" / "prometheus" / name) for name in ("recording.yml", "alerts.yml")]
    with tempfile.TemporaryDirectory() as folder:
        config = {
            "global": {"scrape_interval": f"{STEP_S}s", "evaluation_interval": f"{STEP_S}s"},
            "rule_files": rules,
            "scrape_configs": [
                {"job_name": "h2serve-api", "static_configs": [{"targets": [address.removeprefix("http://")]}]}
            ],
        }
        path = Path(folder) / "prometheus.json"
        path.write_text(json.dumps(config))
        flags = [
            f"--config.file={path}",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address={PROMETHEUS}",
        ]
        with subprocess.Popen(["prometheus", *flags, "--log.level=error"]) as process:
            try:
                yield
            finally:
                process.terminate()


def load(address: str, seconds: float) -> None:
    """Requests of presets and of pairs over the whole grid, a burst of clients now and then."""
    until_s, draw = time.monotonic() + seconds, random.Random(7)

    def one(seed: int) -> None:
        pair = {
            "tau1": draw.choice(TAUS) * draw.uniform(0.9, 1.1),
            "tau2": draw.choice(TAUS) * draw.uniform(0.9, 1.1),
        }
        cache = draw.choice(PRESETS) if draw.random() < 0.5 else pair
        body = {"prompt": f"a red star on a blue background, {seed % 5}", "cache": cache, "seed": seed}
        body |= {"size": "64x64", "num_inference_steps": 16}
        with httpx.Client(base_url=address, timeout=120) as client:
            client.post("/v1/images/generations", json=body)

    seed = 0
    with ThreadPoolExecutor(4 * CLIENTS) as clients:
        while time.monotonic() < until_s:
            burst = CLIENTS * (4 if seed // CLIENTS % 5 == 0 else 1)
            list(clients.map(one, range(seed, seed + burst)))
            seed += burst


def draw(asked: httpx.Client, seconds: float, out: Path) -> Iterator[Path]:
    """One picture a row of the dashboard."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    starts = [place for place, panel in enumerate(panels) if panel["type"] == "row"]
    for start, end in zip(starts, [*starts[1:], len(panels)], strict=True):
        row, members = panels[start], panels[start + 1 : end]
        figure, axes = plt.subplots(1, len(members), figsize=(6 * len(members), 4.2), layout="constrained")
        figure.suptitle(row["title"], x=0.01, ha="left", fontsize=12)
        for axis, panel in zip([axes] if len(members) == 1 else axes, members, strict=True):
            axis.set_title(panel["title"], fontsize=10)
            (matrix if panel["type"] == "table" else lines)(axis, panel, asked, seconds)
        path = out / f"dashboard_{row['title'].split(':')[0].split()[0].lower()}.png"
        figure.savefig(path, dpi=80)
        plt.close(figure)
        yield path


def lines(axis: Axes, panel: dict[str, Any], asked: httpx.Client, seconds: float) -> None:
    """A panel over time."""
    now_s = time.time()
    for target in panel["targets"]:
        expr = target["expr"].replace("$__rate_interval", RATE_OVER)
        parameters = {"query": expr, "start": now_s - seconds, "end": now_s, "step": STEP_S}
        for series in asked.get("/api/v1/query_range", params=parameters).json()["data"]["result"]:
            label = target["legendFormat"]
            for name, text in series["metric"].items():
                label = label.replace(f"{{{{{name}}}}}", text)
            points = [(float(at) - now_s, float(value)) for at, value in series["values"]]
            axis.plot(*zip(*points, strict=True), label=label)
    axis.set_ylim(0, 1.1 * axis.get_ylim()[1])
    axis.grid(alpha=0.3)
    axis.xaxis.set_major_formatter("{x:.0f} s")
    if axis.lines:
        axis.legend(fontsize=7, ncols=5, loc="upper center", bbox_to_anchor=(0.5, -0.16))
    else:
        axis.text(0.5, 0.5, "no data", ha="center", transform=axis.transAxes)


def matrix(axis: Axes, panel: dict[str, Any], asked: httpx.Client, seconds: float) -> None:
    """A panel over tau1 (rows) and tau2 (columns), as of now."""
    found = asked.get("/api/v1/query", params={"query": panel["targets"][0]["expr"]}).json()["data"]["result"]
    cells = {(item["metric"]["tau1"], item["metric"]["tau2"]): float(item["value"][1]) for item in found}
    rows, columns = (sorted({pair[axis] for pair in cells}, key=place_of) for axis in (0, 1))
    values = [[cells.get((row, column), float("nan")) for column in columns] for row in rows]
    axis.imshow(values, cmap="viridis", aspect="auto")
    axis.set_xticks(range(len(columns)), columns, rotation=40, ha="right", fontsize=8)
    axis.set_yticks(range(len(rows)), rows, fontsize=8)
    axis.set_xlabel("tau2")
    axis.set_ylabel("tau1")
    low, high = min(cells.values(), default=0.0), max(cells.values(), default=0.0)
    for (row, column), value in cells.items():
        color = "black" if value > (low + high) / 2 else "white"
        place = columns.index(column), rows.index(row)
        axis.text(*place, f"{value:.2f}", ha="center", va="center", fontsize=7, color=color)


def place_of(label: str) -> tuple[float, float]:
    """By lower and upper bound; ``none`` first."""
    if label == "none":
        return -1.0, -1.0
    low, _, high = label.partition("..")
    return float(low), float(high or low)


if __name__ == "__main__":
    main()
