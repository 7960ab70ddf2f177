"""docker-compose.yml as data; docker/compose_test runs it."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
FILES = [ROOT / "docker-compose.yml", *sorted((ROOT / "docker").glob("compose.*.yml"))]
COMPOSE: dict[str, Any] = yaml.safe_load(FILES[0].read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
LASTING = [name for name in SERVICES if name != "secrets"]
OURS = ["api", "worker"]
UNKNOWN_TO_1_29 = ("name", "include", "start_interval", "environment_file", "attach", "develop", "pull_policy")


def keys(value: Any) -> Iterator[str]:
    """All keys of all mappings below services."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


def seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+)s", text)
    assert found is not None
    return float(found[1])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_schema_of_compose_v2_is_kept(file: Path) -> None:
    checker = Path(sys.executable).parent / "check-jsonschema"
    command = [str(checker), "--builtin-schema", "vendor.compose-spec", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_nothing_is_used_that_compose_1_29_does_not_know(file: Path) -> None:
    content = yaml.safe_load(file.read_text())
    assert not {"name", "include", "version"} & set(content)
    for service in content["services"].values():
        assert not set(UNKNOWN_TO_1_29) & set(keys(service))
        for needed in service.get("depends_on", {}).values():
            assert set(needed) == {"condition"}
        assert "secrets" not in service.get("build", {})


def test_the_second_gpu_s_worker_differs_from_the_first_by_its_gpu_and_its_name_only() -> None:
    gpu, second = (
        yaml.safe_load((ROOT / "docker" / f"compose.{name}.yml").read_text())["services"]
        for name in ("gpu", "second_gpu")
    )
    first = {**SERVICES["worker"], **gpu["worker"]}
    first["environment"] = {**SERVICES["worker"]["environment"], **gpu["worker"]["environment"]}
    ids = [
        worker["deploy"]["resources"]["reservations"]["devices"][0].pop("device_ids")
        for worker in (first, second["worker-1"])
    ]
    assert ids == [["0"], ["1"]]
    assert second["worker-1"].pop("networks") == {"front": {}, "back": {"aliases": ["worker"]}}
    assert {name: value for name, value in first.items() if name not in ("build", "networks")} == second[
        "worker-1"
    ]


def test_nothing_is_published_but_on_this_machine() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published and all(port.startswith("127.0.0.1:") for port in published)
    assert not any("ports" in SERVICES[name] for name in ("redis", "redis-results", "worker"))


def test_redis_is_on_a_network_that_nothing_outside_reaches() -> None:
    assert COMPOSE["networks"]["back"] == {"internal": True}
    assert SERVICES["redis"]["networks"] == SERVICES["redis-results"]["networks"] == ["back"]


@pytest.mark.parametrize("name", list(SERVICES))
def test_a_container_can_write_to_its_volumes_and_tmp_only_and_gain_no_rights(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True and service["tmpfs"] == ["/tmp:size=256m"]
    assert service["cap_drop"] == ["ALL"] and service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service and "container_name" not in service


@pytest.mark.parametrize("name", LASTING)
def test_a_lasting_service_is_bounded_and_comes_back(name: str) -> None:
    assert SERVICES[name]["restart"] == "unless-stopped"
    assert SERVICES[name]["mem_limit"]


@pytest.mark.parametrize("name", OURS)
def test_the_grace_period_is_longer_than_the_drain(name: str) -> None:
    drain = float(SERVICES[name]["environment"]["H2SERVE_SHUTDOWN_GRACE_S"])
    assert seconds(SERVICES[name]["stop_grace_period"]) >= drain + 15


@pytest.mark.parametrize("name", OURS)
def test_ours_wait_for_healthy_redis_and_are_healthy_when_they_answer(name: str) -> None:
    needed = SERVICES[name]["depends_on"]
    assert needed == {store: {"condition": "service_healthy"} for store in ("redis", "redis-results")}
    assert SERVICES[name]["healthcheck"]["test"][-1].endswith("/livez")


@pytest.mark.parametrize("name", ["redis", "redis-results"])
def test_redis_is_healthy_when_it_takes_a_write_with_the_password(name: str) -> None:
    (test,) = SERVICES[name]["healthcheck"]["test"][1:]
    assert "REDISCLI_AUTH" in test and " set " in test and "grep -qx OK" in test
    assert SERVICES[name]["command"][:2] == ["redis-server", "/run/h2serve/redis.conf"]
    assert SERVICES[name]["command"][-2:] == ["--maxmemory-policy", "noeviction"]


def test_the_queue_is_kept_on_disk_and_images_are_not() -> None:
    said = {name: " ".join(SERVICES[name]["command"]) for name in ("redis", "redis-results")}
    assert "--appendonly yes" in said["redis"] and "--dir /data" in said["redis"]
    assert "--appendonly no" in said["redis-results"]


def test_several_apis_and_the_next_one_know_the_secret_that_signs_addresses_of_images() -> None:
    assert SERVICES["api"]["environment"]["H2SERVE_URL_SECRET_FILE"] == "/run/h2serve/url_secret"


def test_prometheus_has_the_scrape_token_and_none_of_the_other_secrets() -> None:
    token = SERVICES["api"]["environment"]["H2SERVE_METRICS_TOKEN_FILE"]
    scrape = yaml.safe_load((ROOT / "docker" / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    (job,) = (job for job in scrape if job["job_name"] == "h2serve-api")
    assert job["authorization"] == {"credentials_file": token}
    mounted = dict(volume.split(":")[:2] for volume in SERVICES["prometheus"]["volumes"])
    assert mounted["scrape"] == str(Path(token).parent) and "secrets" not in mounted


@pytest.mark.parametrize("name", list(SERVICES))
def test_who_reads_a_secret_has_its_volume_and_comes_after_it_is_made(name: str) -> None:
    service = SERVICES[name]
    mounted = [volume.split(":")[1] for volume in service.get("volumes", [])]
    named = [word for word in service.get("environment", {}).values() if str(word).startswith("/run/")]
    assert {str(Path(path).parent) for path in named} <= set(mounted)
    needed, after = set(service.get("depends_on", {})), {"secrets", "redis", "redis-results"}
    assert name == "secrets" or not set(mounted) & {"/run/h2serve", "/run/h2serve-scrape"} or needed & after


def test_no_password_is_written_in_the_file() -> None:
    for service in SERVICES.values():
        for word in [*service.get("command", []), *map(str, service.get("environment", {}).values())]:
            assert not re.search(r"(?i)requirepass|redis://[^/]*:[^/]*@", word)


def test_monitoring_and_dashboards_are_asked_for() -> None:
    assert SERVICES["prometheus"]["profiles"] == ["monitoring", "dashboards"]
    assert SERVICES["grafana"]["profiles"] == ["dashboards"]
    assert not any("profiles" in SERVICES[name] for name in ("api", "worker", "redis", "redis-results"))


def test_every_mounted_file_is_in_the_repository() -> None:
    mounted = [
        volume.split(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if volume.startswith("./")
    ]
    assert mounted and all((ROOT / path).exists() for path in mounted)
