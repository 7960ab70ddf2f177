"""API keys in a JSON file, which ``h2serve keys`` writes and a server reads again when it changes."""

import hmac
import json
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from server.access.caller import Caller, Limits
from server.access.key import ApiKey, digest
from server.errors import SettingsError

LOOK_EACH_S = 1.0
"""How often the file is looked at; reading it takes far less than ``SEEN_WITHIN_S``."""
log = logging.getLogger(__name__)


@dataclass
class FileKeyStore:
    """Implements ``KeyStore``. ``clock`` gives monotonic seconds.

    A file that is gone has no keys. One that cannot be read leaves the keys as they were, and the log says so:
    half an edit locks nobody out.
    """

    path: Path
    clock: Callable[[], float]
    _keys: dict[str, ApiKey] = field(default_factory=dict)
    _stamp: tuple[int, int, int] | None = None
    _looked_s: float | None = None

    def __post_init__(self) -> None:
        """Read once; SettingsError where that fails."""
        self._keys = {key.sha256: key for key in read_keys(self.path)}
        self._stamp = stamp_of(self.path)
        self._looked_s = self.clock()

    async def find(self, secret: str) -> ApiKey | None:
        """See KeyStore."""
        self._look_again()
        # The look-up is by a hash that a stranger can neither choose nor learn anything from; the last word is a
        # comparison in constant time.
        wanted = digest(secret)
        key = self._keys.get(wanted)
        return key if key is not None and hmac.compare_digest(key.sha256, wanted) else None

    def _look_again(self) -> None:
        now_s = self.clock()
        if self._looked_s is not None and now_s - self._looked_s < LOOK_EACH_S:
            return
        self._looked_s, stamp = now_s, stamp_of(self.path)
        if stamp == self._stamp:
            return
        try:
            self._keys = {key.sha256: key for key in read_keys(self.path)} if stamp else {}
            self._stamp = stamp
        except SettingsError as error:
            log.error("the keys stay as they were: %s", error.message)


def stamp_of(path: Path) -> tuple[int, int, int] | None:
    """Changes with the file's content; None where there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def read_keys(path: Path) -> list[ApiKey]:
    """All keys of a file. Raises SettingsError with one line, which shows no hash."""
    try:
        return [key_from(entry) for entry in json.loads(path.read_text())["keys"]]
    except OSError as error:
        raise SettingsError(f"key file {path}: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SettingsError(f"key file {path} is not one of `h2serve keys`: {type(error).__name__}") from error


def write_keys(path: Path, keys: Sequence[ApiKey]) -> None:
    """Replace the file in one piece, readable by its owner only. Raises SettingsError."""
    text = json.dumps({"keys": [entry_of(key) for key in keys]}, indent=2)
    beside = path.with_name(path.name + ".new")
    try:
        beside.unlink(missing_ok=True)
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text + "\n")
        beside.replace(path)
    except OSError as error:
        raise SettingsError(f"key file {path}: {error.strerror}") from error


def key_from(entry: dict[str, Any]) -> ApiKey:
    """A key of its JSON object. Raises KeyError, TypeError or ValueError."""
    caller = Caller(
        str(entry["id"]),
        str(entry["tenant"]),
        float(entry["weight"]),
        Limits(**entry["limits"]),
        entry["admin"] is True,
    )
    if len(bytes.fromhex(entry["sha256"])) != 32:
        raise ValueError("a hash is not of SHA-256")
    return ApiKey(entry["sha256"], caller, int(entry["created"]))


def entry_of(key: ApiKey) -> dict[str, Any]:
    """The JSON object of a key; bounds that are not set are left out."""
    limits = {name: value for name, value in asdict(key.caller.limits).items() if value is not None}
    return {
        "id": key.id,
        "tenant": key.caller.tenant,
        "weight": key.caller.weight,
        "limits": limits,
        "admin": key.caller.is_admin,
        "created": key.created_s,
        "sha256": key.sha256,
    }
