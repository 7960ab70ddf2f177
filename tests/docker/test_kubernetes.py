"""The Kubernetes base: its schemas, and that its parts fit each other."""

from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.docker.manifests import FOLDER, container_of, documents, of_kind, pod_of

OURS = ["h2serve-api", "h2serve-worker"]
NOT_CORE = {"ScaledObject"}


def test_every_file_is_in_the_kustomization() -> None:
    named = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]
    assert sorted(named) == sorted(file.name for file in FOLDER.glob("*.yaml") if file.stem != "kustomization")


@pytest.mark.parametrize(
    "manifest",
    [found for found in documents() if found["kind"] not in NOT_CORE],
    ids=lambda found: f"{found['kind']}-{found['metadata']['name']}",
)
def test_an_object_keeps_its_schema(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, "1.37", strict=True)


def test_a_wrong_object_would_not_pass() -> None:
    (service,) = of_kind("Service").values()
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**service, "speck": {}}, "1.37", strict=True)


@pytest.mark.parametrize("name", OURS)
def test_a_pod_is_found_by_its_deployment_its_budget_and_its_policy(name: str) -> None:
    deployment = of_kind("Deployment")[name]["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    assert deployment["selector"]["matchLabels"] == labels
    assert of_kind("PodDisruptionBudget")[name]["spec"]["selector"]["matchLabels"] == labels
    assert of_kind("NetworkPolicy")[name]["spec"]["podSelector"]["matchLabels"] == labels


def test_the_service_leads_to_the_api() -> None:
    (service,) = of_kind("Service").values()
    assert service["spec"]["selector"] == {"app": "h2serve", "part": "api"}
    (port,) = service["spec"]["ports"]
    assert port["targetPort"] in {each["name"] for each in container_of("h2serve-api")["ports"]}


@pytest.mark.parametrize("name", OURS)
def test_a_container_has_no_rights_that_it_does_not_need(name: str) -> None:
    assert pod_of(name)["securityContext"]["runAsNonRoot"] is True
    assert pod_of(name)["automountServiceAccountToken"] is False
    rights = container_of(name)["securityContext"]
    assert rights["readOnlyRootFilesystem"] is True and rights["allowPrivilegeEscalation"] is False
    assert rights["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize("name", OURS)
def test_a_pod_is_ready_by_readyz_and_has_time_to_drain(name: str) -> None:
    container = container_of(name)
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez"
    environment = {each["name"]: each.get("value") for each in container["env"]}
    before = container.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", ["", "0"])[1]
    needed = float(before) + float(environment["H2SERVE_SHUTDOWN_GRACE_S"]) + 15
    assert pod_of(name)["terminationGracePeriodSeconds"] >= needed


@pytest.mark.parametrize("name", OURS)
def test_the_port_in_the_arguments_is_the_port_of_container_and_policy(name: str) -> None:
    container = container_of(name)
    (port,) = (each["containerPort"] for each in container["ports"])
    assert any(word in (f"--port={port}", f"--metrics-port={port}") for word in container["args"])
    allowed = of_kind("NetworkPolicy")[name]["spec"]["ingress"]
    assert {each["port"] for rule in allowed for each in rule["ports"]} == {port}


@pytest.mark.parametrize("name", OURS)
def test_every_secret_s_path_lies_in_a_mounted_volume(name: str) -> None:
    container = container_of(name)
    mounted = [each["mountPath"] for each in container["volumeMounts"]]
    paths = [each["value"] for each in container["env"] if each.get("value", "").startswith("/")]
    assert paths and all(any(path.startswith(f"{mount}/") for mount in mounted) for path in paths)
    assert {each["name"] for each in container["volumeMounts"]} == {
        each["name"] for each in pod_of(name)["volumes"]
    }


def test_several_replicas_have_a_url_secret_that_is_the_same_in_all() -> None:
    assert of_kind("Deployment")["h2serve-api"]["spec"]["replicas"] > 1
    (path,) = (each["value"] for each in container_of("h2serve-api")["env"] if "URL_SECRET" in each["name"])
    (mount,) = (each for each in container_of("h2serve-api")["volumeMounts"] if path.startswith(each["mountPath"]))
    (volume,) = (each for each in pod_of("h2serve-api")["volumes"] if each["name"] == mount["name"])
    assert f"{volume['secret']['secretName']} " in (FOLDER / "kustomization.yaml").read_text()


def test_workers_scale_by_the_queue_which_every_api_exports_alike() -> None:
    (scaled,) = of_kind("ScaledObject").values()
    assert scaled["spec"]["scaleTargetRef"]["name"] in of_kind("Deployment")
    triggers = scaled["spec"]["triggers"]
    assert {trigger["type"] for trigger in triggers} == {"prometheus"}
    queries = [trigger["metadata"]["query"] for trigger in triggers]
    assert queries == ["max(h2serve_queue_oldest_age_seconds)", "max(h2serve_queue_images_waiting)"]
