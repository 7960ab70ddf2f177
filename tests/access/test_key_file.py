"""Keys in a file: written without their secrets, read again when they change."""

import asyncio
import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.access.caller import Caller, Limits
from server.access.key import ApiKey, digest, new_secret
from server.access.key_file import FileKeyStore, entry_of, key_from, read_keys, write_keys
from server.access.store import SEEN_WITHIN_S
from server.errors import SettingsError

BOUNDS = st.none() | st.integers(1, 1000)


def key_of(secret: str, key_id: str = "k1") -> ApiKey:
    return ApiKey(digest(secret), Caller(key_id, "tenant", 2.0, Limits(max_images=2)), 1000)


def find(store: FileKeyStore, secret: str) -> ApiKey | None:
    return asyncio.run(store.find(secret))


@given(st.text(min_size=1), st.floats(0.01, 100), BOUNDS, BOUNDS, st.booleans())
def test_a_key_is_read_as_it_was_written(
    tenant: str, weight: float, images: int | None, steps: int | None, admin: bool
) -> None:
    limits = Limits(max_images=images, max_steps=steps)
    key = ApiKey(digest("x"), Caller("id", tenant, weight, limits, admin), 5)
    assert key_from(json.loads(json.dumps(entry_of(key)))) == key


def test_a_secret_has_256_bits_and_is_not_in_the_file(tmp_path: Path) -> None:
    secret, path = new_secret(), tmp_path / "keys.json"
    assert len(bytes.fromhex(secret.removeprefix("h2s_"))) == 32
    write_keys(path, [key_of(secret)])
    assert secret not in path.read_text()
    assert secret.removeprefix("h2s_") not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert find(FileKeyStore(path, lambda: 0.0), secret) == key_of(secret)


def test_what_is_added_or_revoked_is_seen_in_time(tmp_path: Path) -> None:
    path, now_s = tmp_path / "keys.json", 0.0
    write_keys(path, [key_of("one")])
    store = FileKeyStore(path, lambda: now_s)
    assert find(store, "one") is not None
    write_keys(path, [key_of("two", "k2")])
    assert find(store, "one") is not None
    now_s = SEEN_WITHIN_S
    assert find(store, "one") is None
    assert find(store, "two") is not None
    path.unlink()
    now_s = 2 * SEEN_WITHIN_S
    assert find(store, "two") is None


def test_a_file_that_breaks_later_leaves_the_keys_as_they_were(tmp_path: Path) -> None:
    path, now_s = tmp_path / "keys.json", 0.0
    write_keys(path, [key_of("one")])
    store = FileKeyStore(path, lambda: now_s)
    path.write_text("{")
    now_s = SEEN_WITHIN_S
    assert find(store, "one") is not None
    write_keys(path, [])
    now_s = 2 * SEEN_WITHIN_S
    assert find(store, "one") is None


@pytest.mark.parametrize("secret", ["", "nonsense", "\ud800", "h2s_" + "0" * 64])
def test_other_words_are_no_keys(tmp_path: Path, secret: str) -> None:
    write_keys(tmp_path / "keys.json", [key_of("one")])
    assert find(FileKeyStore(tmp_path / "keys.json", lambda: 0.0), secret) is None


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"keys": 3}', '{"keys": [{}]}', '{"keys": [{"id": "SECRETHASH"}]}', "\udcff"]
)
def test_a_wrong_file_stops_the_start_in_one_line_that_shows_nothing_of_it(tmp_path: Path, content: str) -> None:
    (tmp_path / "keys.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(SettingsError, match=r"keys\.json") as refused:
        FileKeyStore(tmp_path / "keys.json", lambda: 0.0)
    assert "\n" not in refused.value.message
    assert "SECRETHASH" not in refused.value.message


def test_a_file_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        read_keys(tmp_path / "none.json")
