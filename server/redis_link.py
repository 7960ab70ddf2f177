"""How this server speaks with Redis: the address, the time-outs, and what Redis' errors mean here."""

import asyncio
import contextlib
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import redis.exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff

from server.errors import SettingsError, StartupError, StorageFull, StorageUnreachable
from server.redis_pool import FairPool

SCHEMES = ("redis", "rediss", "unix")
CONNECT_TIMEOUT_S = 2.0
ANSWER_TIMEOUT_S = 2.0
"""Beyond what a command blocks by itself. Without one, a cut link hangs for ever (redis-py issues 2243, 1305)."""
HEALTH_CHECK_EACH_S = 15
REPEATS = 1
"""Once at once: a connection of the pool may have died unseen. More patience is the caller's."""
REPEAT_AFTER_S = 0.05
NOT_WRITABLE = re.compile(r"(^|: -)(OOM|MISCONF|READONLY|NOREPLICAS)\b")
"""At the beginning, or of a script under Redis 6.2: "Error running script ...: 96: -OOM command not allowed"."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """Where a Redis is. Printed without its secrets."""

    url: str = field(repr=False)

    def __str__(self) -> str:
        parts = urlsplit(self.url)
        if parts.scheme == "unix":
            return f"unix://{parts.path}"
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{parts.scheme}://{host}:{parts.port or 6379}{parts.path}"


def read_address(url: str, password_file: str = "") -> RedisAddress:
    """Check a URL; its password may lie in a file instead. SettingsError never shows the URL's secrets."""
    try:
        parts = urlsplit(url)
        port, has_password = parts.port, parts.password is not None
    except ValueError as error:
        raise SettingsError("the Redis URL cannot be read, allowed is redis://HOST:PORT/DB") from error
    if parts.scheme not in SCHEMES:
        allowed = ", ".join(f"{scheme}://" for scheme in SCHEMES)
        raise SettingsError(f"the Redis URL has scheme {parts.scheme[:32]!r}, allowed are {allowed}")
    is_socket = parts.scheme == "unix"
    if not (parts.path if is_socket else parts.hostname) or port == 0:
        raise SettingsError("the Redis URL names no host or socket, allowed is redis://HOST:PORT/DB")
    if not is_socket and not (parts.path in ("", "/") or parts.path.removeprefix("/").isdecimal()):
        raise SettingsError(f"the Redis URL has path {parts.path[:32]!r}, allowed is the number of a database")
    if has_password or not password_file:
        return RedisAddress(url)
    try:
        password = quote(Path(password_file).read_text().strip(), safe="")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the Redis password file {password_file!r} cannot be read: {error}") from error
    user, _, place = parts.netloc.rpartition("@")
    return RedisAddress(parts._replace(netloc=f"{user}:{password}@{place}").geturl())


def open_redis(address: RedisAddress, max_connections: int, block_s: float = 0.0, text: bool = False) -> Any:
    """A client that connects when it is first used. ``block_s``: the longest that a command of it blocks.

    Answers are bytes, or with ``text`` strings. Whoever finds all connections busy waits for one, first
    come, first served.
    """
    pool = FairPool.from_url(
        address.url,
        max_connections=max_connections,
        wait_s=block_s + ANSWER_TIMEOUT_S,
        socket_timeout=block_s + ANSWER_TIMEOUT_S,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        health_check_interval=HEALTH_CHECK_EACH_S,
        retry=Retry(ConstantBackoff(REPEAT_AFTER_S), REPEATS),
        decode_responses=text,
        encoding_errors="replace",  # a payload that is no text is one job's affair
    )
    return Redis.from_pool(pool)


@contextlib.contextmanager
def plain_errors() -> Iterator[None]:
    """Redis' errors as ours: StorageUnreachable when nobody answers, StorageFull when writes are refused.

    redis-py sends under asyncio.wait_for, which in Python 3.11 may swallow a cancellation; it is raised here then.
    """
    task = asyncio.current_task()
    cancellations = 0 if task is None else task.cancelling()
    try:
        yield
        if task is not None and task.cancelling() > cancellations:
            raise asyncio.CancelledError
    except redis.exceptions.AuthenticationError as error:
        raise StorageUnreachable("Redis refuses the password") from error
    except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, OSError, TimeoutError) as error:
        raise StorageUnreachable("Redis cannot be reached") from error
    except redis.exceptions.ResponseError as error:
        if isinstance(error, redis.exceptions.OutOfMemoryError) or NOT_WRITABLE.search(str(error)):
            raise StorageFull("Redis takes no writes: its memory or disk is full, or it is a replica") from error
        raise


async def check_redis(client: Any, address: RedisAddress, has_jobs: bool = True) -> None:
    """Warn of settings that can lose what it keeps. Raises StartupError for a refused password or database.

    One that cannot be reached is no error: the process starts, is not ready, and tries again.
    """
    try:
        told = {**await client.info("persistence"), **await client.info("memory")}
    except redis.exceptions.AuthenticationError as error:
        raise StartupError(f"Redis at {address} refuses the password") from error
    except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, OSError) as error:
        log.warning("Redis at %s cannot be reached yet: %s", address, type(error).__name__)
        return
    except redis.exceptions.NoPermissionError:
        log.warning("Redis at %s does not tell its settings: the user may not call INFO", address)
        return
    except redis.exceptions.ResponseError as error:
        if "NOAUTH" in str(error) or "WRONGPASS" in str(error):
            raise StartupError(f"Redis at {address} asks for a password") from error
        raise StartupError(f"Redis at {address} refuses: {str(error)[:200]}") from error
    for warning in warnings_of(told, has_jobs):
        log.warning("Redis at %s: %s", address, warning)


def warnings_of(told: dict[str, Any], has_jobs: bool = True) -> list[str]:
    """What in Redis' INFO endangers accepted jobs, or where there are none (``has_jobs``) images.

    Images live for minutes, and one that a crash of their own Redis loses can be made again: they need no file.
    """
    found = []
    if has_jobs and not int(told.get("aof_enabled", 0)):
        found.append("appendonly is off, a crash of Redis loses accepted jobs; set appendonly yes")
    policy, what = told.get("maxmemory_policy", "noeviction"), "jobs" if has_jobs else "images"
    if policy != "noeviction":
        found.append(f"maxmemory-policy is {policy}, which may throw {what} away; set noeviction")
    return found
