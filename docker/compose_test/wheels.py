"""docker/wheels, filled on the host: the build itself asks no index."""

import hashlib
import shutil
import sys
from pathlib import Path

from docker.compose_test.commands import Runner
from docker.requirements import requirements

ROOT = Path(__file__).parent.parent.parent
WHEELS = ROOT / "docker" / "wheels"
OF_DEBIAN_S_PYTHON = "async-timeout>=4.0.3"
"""redis wants it of a Python before 3.11.3, which Debian 12's is and this machine's need not be."""
OF_THE_BUILD = "setuptools>=77"
"""pyproject.toml's own: our name and version are installed too."""


def make_wheels(runner: Runner, cache: Path) -> None:
    """What both images need, in the versions of the lock; made anew when one of the two lists has changed."""
    wanted = [*requirements("worker", ROOT / "pyproject.toml"), OF_DEBIAN_S_PYTHON, OF_THE_BUILD]
    constraints = ROOT / "constraints.txt"
    lists = "\n".join(wanted).encode() + constraints.read_bytes()
    folder = cache / hashlib.sha256(lists).hexdigest()[:16]
    if not folder.exists():
        shutil.rmtree(cache, ignore_errors=True)
        half = cache / "half"
        # `wheel` and not `download`: what comes as source is built here, where compilers are.
        options = ["--quiet", "--constraint", str(constraints), "--wheel-dir", str(half)]
        runner.run(sys.executable, "-m", "pip", "wheel", *options, *wanted, timeout_s=900)
        half.rename(folder)
    for old in WHEELS.glob("*.whl"):
        old.unlink()
    for wheel in folder.glob("*.whl"):
        shutil.copy2(wheel, WHEELS)
