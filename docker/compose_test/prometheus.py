"""What the Prometheus of the compose file sees."""

from collections.abc import Callable
from typing import Any

import httpx

from docker.compose_test.commands import StepFailed
from docker.compose_test.compose import wait_for

SCRAPED_S = 120.0


def query(url: str, expression: str) -> list[dict[str, Any]]:
    """The instant vector."""
    answer = httpx.get(f"{url}/api/v1/query", params={"query": expression}, timeout=10, trust_env=False)
    found: list[dict[str, Any]] = answer.raise_for_status().json()["data"]["result"]
    return found


def wait_for_targets(url: str, api: int, workers: int) -> None:
    """Every replica is scraped."""

    def are_up() -> bool:
        counts = {result["metric"]["job"]: int(result["value"][1]) for result in query(url, "sum by (job) (up)")}
        return counts == {"h2serve-api": api, "h2serve-worker": workers}

    wait_for(are_up, f"targets up: {api} api, {workers} workers", SCRAPED_S)


def wait_for_rules(url: str, go_on: Callable[[], object]) -> int:
    """Every recording rule has a value, while requests ``go_on``: rates are of late. How many rules."""
    answer = httpx.get(f"{url}/api/v1/rules", timeout=10, trust_env=False).raise_for_status().json()
    rules = [rule for group in answer["data"]["groups"] for rule in group["rules"]]
    names = sorted({rule["name"] for rule in rules if rule["type"] == "recording"})

    missing = names

    def have_values() -> bool:
        nonlocal missing
        go_on()
        missing = [name for name in names if not query(url, name)]
        return not missing

    try:
        wait_for(have_values, "recorded values", SCRAPED_S)
    except StepFailed as error:
        raise StepFailed(f"{error} of {', '.join(missing)}") from error
    return len(names)
