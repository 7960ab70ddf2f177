"""What the test needs of Debian's packages."""

import shutil

from docker.compose_test.commands import Runner

NEEDED = {
    "/usr/sbin/dockerd": "docker.io",
    "/usr/bin/docker-compose": "docker-compose",
    "/usr/sbin/debootstrap": "debootstrap",
    "/usr/sbin/iptables": "iptables",
}


def install_packages(runner: Runner) -> None:
    """By apt, if any is missing. Needs root then."""
    missing = [package for file, package in NEEDED.items() if shutil.which(file) is None]
    if missing:
        runner.run("apt-get", "update", "--quiet")
        runner.run("apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *missing)
