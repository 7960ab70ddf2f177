"""A real Chromium, headless, without a download: Debian's."""

import contextlib
import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

PATIENCE_MS = 20_000
"""For what takes no time on a machine that does nothing else."""


PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser")
"""The first draws no windows that nobody sees, and takes half of the others' CPU time."""
MISSING = f"none of {', '.join(PROGRAMS)} is installed (apt-get install {PROGRAMS[0]})"


def chromium_path() -> str:
    """Where it is; skips where it is not, and fails where nothing may skip."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is None and os.environ.get("CI"):
        pytest.fail(MISSING)
    if found is None:
        pytest.skip(MISSING)
    return found


@contextlib.contextmanager
def open_browser() -> Iterator[Browser]:
    """Without a sandbox, which root may not have and which guards against pages of strangers."""
    path = chromium_path()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"], timeout=PATIENCE_MS
        )
        try:
            yield browser
        finally:
            browser.close()
