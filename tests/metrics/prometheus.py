"""The real Prometheus with the shipped rules, watching a live server, for one test."""

import contextlib
import json
import math
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.metrics.promtool import RULES, tool

PATIENCE_S = 60


@dataclass(frozen=True)
class Prometheus:
    """What its HTTP API says."""

    client: httpx.Client

    def ask(self, path: str, **parameters: str) -> Any:
        answer = self.client.get(f"/api/v1/{path}", params=parameters)
        answer.raise_for_status()
        return answer.json()["data"]

    def values(self, query: str) -> dict[tuple[tuple[str, str], ...], float]:
        """Finite values of an instant query by labels, the name left out."""
        found = {}
        for item in self.ask("query", query=query)["result"]:
            labels = tuple(sorted((name, text) for name, text in item["metric"].items() if name != "__name__"))
            found[labels] = float(item["value"][1])
        return {labels: value for labels, value in found.items() if math.isfinite(value)}


@contextlib.contextmanager
def watching(target: str, folder: Path) -> Iterator[Prometheus]:
    """Prometheus scraping ``target`` (host:port) each second; its data are in ``folder``."""
    config = folder / "prometheus.json"
    config.write_text(
        json.dumps(
            {
                "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                "rule_files": [str(RULES / "recording.yml"), str(RULES / "alerts.yml")],
                "scrape_configs": [{"job_name": "h2serve-api", "static_configs": [{"targets": [target]}]}],
            }
        )
    )
    address = f"127.0.0.1:{free_port()}"
    command = [tool("prometheus"), f"--config.file={config}", f"--web.listen-address={address}"]
    command += [f"--storage.tsdb.path={folder / 'data'}", "--log.level=error"]
    with subprocess.Popen(command) as process, httpx.Client(base_url=f"http://{address}", timeout=10) as client:
        try:
            until(lambda: is_ready(client))
            yield Prometheus(client)
        finally:
            process.terminate()


def is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/-/ready").status_code == 200
    except httpx.TransportError:
        return False


def until(is_so: Callable[[], bool]) -> None:
    """Wait for it, within a time limit."""
    end_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < end_s, "it did not come about in time"
        time.sleep(0.2)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
