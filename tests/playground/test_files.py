"""The static files: a list that says exactly what is there, open to strangers, and with a policy of their own."""

import re
from pathlib import Path

import pytest

from server.engine.fake import InstantEngine
from server.playground.files import FILES, FOLDER
from tests.live import live_server

SCRIPTS = sorted(FOLDER.glob("*.js"))


def test_the_list_is_what_is_in_the_folder() -> None:
    assert sorted(FILES.values()) == sorted(path.name for path in FOLDER.iterdir())


def test_every_file_is_served_with_its_type_and_a_policy_that_lets_nothing_out(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text('{"keys": []}')
    with live_server(InstantEngine, keys=str(keys)) as client:
        for path, name in FILES.items():
            response = client.get(path)
            assert response.status_code == 200
            assert response.content == (FOLDER / name).read_bytes()
            policy = response.headers["content-security-policy"]
            assert "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            kind = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
            assert response.headers["content-type"].startswith(kind[Path(name).suffix])
        assert client.get("/playground/").status_code == 401
        assert client.get("/playground/../files.py").status_code == 401
        assert client.get("/v1/models").status_code == 401


def test_a_server_may_have_no_playground() -> None:
    with live_server(InstantEngine, playground=False) as client:
        assert [client.get(path).status_code for path in FILES] == [404] * len(FILES)
        assert client.get("/openapi.json").status_code == 200


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.html")), ids=lambda path: path.name)
def test_a_page_has_no_script_or_style_in_it_and_asks_for_nothing_that_is_not_served(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*\ssrc=)", text)
    wanted = re.findall(r"(?:src|href)=\"([^\"#]+)\"", text)
    assert set(wanted) <= {*FILES, "/openapi.json"}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_imports_what_is_served_and_makes_no_html_of_text(path: Path) -> None:
    text = path.read_text()
    assert {name.removeprefix("./") for name in re.findall(r"from \"([^\"]+)\"", text)} <= set(FILES.values())
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(", text)


def test_every_script_is_reached_from_a_page() -> None:
    pages = "".join(path.read_text() for path in FOLDER.glob("*.html"))
    reached = set(re.findall(r"/playground/(\w+\.js)", pages))
    for _ in SCRIPTS:
        reached |= {
            name for known in reached for name in re.findall(r"from \"\./([^\"]+)\"", (FOLDER / known).read_text())
        }
    assert reached == {path.name for path in SCRIPTS}


def test_a_client_learns_of_a_model_what_the_page_shows() -> None:
    with live_server(InstantEngine) as client:
        (model,) = client.get("/v1/models").json()["data"]
        assert model["example_prompt"] and model["max_steps"] >= model["default_steps"]
