"""Make the pictures of docs/playground.md: python -m docs.playground_shots, with Debian's chromium."""

import argparse
from pathlib import Path

from playwright.sync_api import Browser, expect

from server.app_engine import real_engine
from server.profile import load_profile
from tests.live import live_server, settings_for_tests
from tests.playground.browser import open_browser

FOLDER = Path(__file__).parent / "pictures"
PATIENCE_MS = 300_000
SHOTS = {
    "playground_light": ("light", 1360, 1530),
    "playground_dark": ("dark", 1360, 1530),
    "playground_phone": ("light", 390, 1330),
}


def shoot(browser: Browser, address: str, name: str, scheme: str, width: int, height: int) -> None:
    """Four runs under thresholds of one's own."""
    page = browser.new_page(viewport={"width": width, "height": height}, device_scale_factor=1.5)
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(address)
    for tau1, tau2 in (("0.06", "0.09"), ("0.25", "0.2"), ("0.1", "0.18"), ("0.17", "0.25")):
        expect(page.locator("#generate")).to_be_enabled()
        page.locator("#tau1").fill(tau1)
        page.locator("#tau2").fill(tau2)
        page.locator("#generate").click()
        expect(page.locator("#said")).to_have_text("All three are done")
        page.evaluate("() => { document.querySelector('#said').textContent = ''; }")
    page.screenshot(path=FOLDER / f"{name}.png")
    print(f"docs/pictures/{name}.png")
    page.close()


def main() -> None:
    """All of SHOTS, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(SHOTS)}; all where none is given")
    names = parser.parse_args().names or list(SHOTS)
    expect.set_options(timeout=PATIENCE_MS)
    settings, profile = settings_for_tests(device="cpu"), load_profile("flux-nano")
    with live_server(lambda: real_engine(settings, profile)) as client, open_browser() as browser:
        # A model's first images after it was loaded take longer.
        for _ in range(2):
            client.post("/v1/images/generations", json={"prompt": profile.example_prompt}).raise_for_status()
        for name in names:
            shoot(browser, str(client.base_url), name, *SHOTS[name])


if __name__ == "__main__":
    main()
