"""axe-core, put into the page by the test, finds nothing serious in any of its faces."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.playground.conftest import Tab


def serious(tab: Tab) -> list[tuple[str, Any]]:
    found = Axe().run(tab.page).response["violations"]
    return [
        (each["id"], [node["html"] for node in each["nodes"]])
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1360, 390])
def test_nothing_serious_is_found_before_and_after_a_run_nor_beside_an_error(
    tab: Tab, scheme: Any, width: int
) -> None:
    tab.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    tab.page.set_viewport_size({"width": width, "height": 900})
    assert serious(tab) == []
    tab.generate_all()
    tab.page.get_by_label("Prompt", exact=True).fill(" ")
    tab.generate()
    expect(tab.page.get_by_role("alert")).to_be_visible()
    assert serious(tab) == []


def test_nor_in_the_description_of_the_api(tab: Tab) -> None:
    tab.open("/docs")
    tab.page.locator("summary").first.click()
    assert serious(tab) == []
