"""What a server's process holds: memory and open files, its children's included."""

from dataclasses import dataclass
from urllib.parse import urlsplit

import psutil

from load_tests.errors import LoadTestError


@dataclass(frozen=True)
class Held:
    """Resident bytes and open file descriptors."""

    resident_bytes: int
    open_files: int


def held_by(pid: int) -> Held:
    """Raises LoadTestError where the process has ended: a server that dies in a soak has failed it."""
    try:
        main = psutil.Process(pid)
        family = [main, *main.children(recursive=True)]
        return Held(sum(one.memory_info().rss for one in family), sum(one.num_fds() for one in family))
    except psutil.NoSuchProcess as error:
        raise LoadTestError(f"the server's process {error.pid} has ended") from error


def pid_of(url: str) -> int:
    """The process that listens on the URL's port of this machine. Raises LoadTestError where none is seen."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    for connection in psutil.net_connections("tcp"):
        is_ours = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
        if is_ours and connection.pid:
            return connection.pid
    raise LoadTestError(f"no process that listens on port {port} is to be seen: give --pid")
