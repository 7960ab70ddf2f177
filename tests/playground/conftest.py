"""One server with an engine that steps by hand, one browser, and a page of its own for each test."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.live import live_server
from tests.playground.browser import PATIENCE_MS, open_browser
from tests.playground.by_hand import ByHand


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with open_browser() as browser:
        yield browser


@dataclass
class Served:
    """The server: a client of it, its engine, and its origin."""

    client: httpx.Client
    engine: ByHand

    @property
    def origin(self) -> str:
        return str(self.client.base_url).rstrip("/")


@pytest.fixture(scope="package")
def served() -> Iterator[Served]:
    engine = ByHand()
    with live_server(lambda: engine) as client:
        try:
            yield Served(client, engine)
        finally:
            engine.is_free.set()


@dataclass
class Tab:
    """An open page and all that it asked for and complained of."""

    page: Page
    origin: str
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def lane(self, name: str) -> Locator:
        return self.page.locator(f"[data-lane={name}]")

    def open(self, path: str = "/") -> None:
        self.page.goto(self.origin + path)
        if path == "/":
            expect(self.page.locator("#generate")).to_be_enabled()

    def generate(self) -> None:
        self.page.get_by_role("button", name="Generate").click()

    def generate_all(self) -> None:
        self.generate()
        self.is_done()

    def is_done(self) -> None:
        expect(self.page.get_by_role("status")).to_have_text("All three are done")

    def outsiders(self) -> list[str]:
        """What was asked of anybody but the server."""
        return [url for url in self.asked if not url.startswith((self.origin + "/", "data:", "blob:"))]


def open_tab(context: BrowserContext, served: Served) -> Tab:
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    tab = Tab(page, served.origin)
    page.on("request", lambda request: tab.asked.append(request.url))
    page.on("pageerror", lambda error: tab.complaints.append(str(error)))
    page.on("console", lambda said: tab.complaints.append(said.text) if said.type == "error" else None)
    return tab


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1360, "height": 900})
    try:
        yield context
    finally:
        context.close()


@pytest.fixture
def tab(context: BrowserContext, served: Served) -> Iterator[Tab]:
    """A page that is ready, in front of an engine that steps at once; it has to ask nobody else for anything."""
    served.engine.hold()
    served.engine.is_free.set()
    tab = open_tab(context, served)
    tab.open()
    yield tab
    assert tab.outsiders() == []
    assert urlsplit(tab.page.url).netloc == urlsplit(served.origin).netloc
