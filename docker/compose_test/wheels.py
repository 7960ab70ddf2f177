"""docker/wheels, filled on the host: the build itself asks no index."""

import sys
from pathlib import Path

from docker.compose_test.commands import Runner
from docker.requirements import requirements

ROOT = Path(__file__).parent.parent.parent
WHEELS = ROOT / "docker" / "wheels"


def make_wheels(runner: Runner) -> None:
    """What both images need, in the versions of the lock. Wheels that are there already are kept."""
    wanted = requirements("worker", ROOT / "pyproject.toml")
    common = ["--quiet", "--constraint", str(ROOT / "constraints.txt"), "--find-links", str(WHEELS)]
    # `wheel` and not `download`: what comes as source is built here, where compilers are.
    runner.run(sys.executable, "-m", "pip", "wheel", *common, "--wheel-dir", str(WHEELS), *wanted, timeout_s=900)
