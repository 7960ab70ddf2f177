"""What docs/operations.md says to type does what it says, as far as it goes without containers."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import redis

from tests.metrics.promtool import RULES, promtool
from tests.redis_server import RedisServer, redis_server

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "operations.md").read_text()


def takes(server: RedisServer, password: str) -> bool:
    """Whether Redis lets somebody in by it."""
    with redis.Redis(port=server.port, password=password) as client:
        try:
            return bool(client.ping())
        except redis.AuthenticationError:
            return False


def make_secrets(folder: Path, *words: str) -> str:
    """The password that is valid now."""
    program = ROOT / "docker" / "make_secrets.py"
    subprocess.run([sys.executable, program, folder, folder, *words], check=True)
    return (folder / "redis_password").read_text().strip()


def test_both_passwords_of_redis_are_good_in_between_and_the_new_one_alone_at_the_end(tmp_path: Path) -> None:
    tell, take_away = re.findall(r"'(cd /run/h2serve && echo \"ACL .*)'; done", PAGE)
    old = make_secrets(tmp_path)
    with redis_server(requirepass=old) as server:

        def run(command: str) -> str:
            command = command.replace("/run/h2serve", str(tmp_path))
            command = command.replace("redis-cli", f"{shutil.which('redis-cli')} -p {server.port}")
            return subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout

        new = make_secrets(tmp_path, "--new-password")
        assert (takes(server, old), takes(server, new)) == (True, False)
        assert run(tell) == "OK\n"
        assert (takes(server, old), takes(server, new)) == (True, True)
        assert run(take_away) == "OK\n"
        assert (takes(server, old), takes(server, new)) == (False, True)


def test_the_line_that_changes_the_objective_changes_it_in_rules_alerts_and_their_tests(tmp_path: Path) -> None:
    (line,) = re.findall(r"^    (sed -i .*)$", PAGE, re.MULTILINE)
    shutil.copytree(RULES, tmp_path / "docker" / "prometheus")
    subprocess.run(["sh", "-c", line], cwd=tmp_path, check=True)
    changed = [path.read_text() for path in (tmp_path / "docker" / "prometheus").rglob("*.yml")]
    assert not any('le="10.0"' in text or "10 s or failed" in text for text in changed)
    assert sum('le="20.0"' in text for text in changed) == 2
    for name in ("alerts", "recording"):
        tests = tmp_path / "docker" / "prometheus" / "tests" / f"{name}_test.yml"
        assert "SUCCESS" in promtool("test", "rules", str(tests))


def test_every_link_of_the_page_to_a_part_of_it_or_to_a_file_leads_there() -> None:
    anchors = {heading.lower().replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)}
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        file, _, part = target.partition("#")
        assert not file or (ROOT / "docs" / file).exists(), target
        assert file or part in anchors, target
