"""The names on the maps stay readable, wherever the marks are."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Locator, expect

from server.engine.fake import InstantEngine
from tests.live import live_server
from tests.playground.conftest import Served, Tab, open_tab

COVERED = """(svg) => {
    const boxOf = (each) => [each.textContent, each.getBoundingClientRect()];
    const boxes = (found) => [...svg.querySelectorAll(found)].map(boxOf);
    const [names, marks] = [boxes(".label"), boxes("[class^=mark-]:not(.mark-cross)")];
    const meet = (one, other) => one.left < other.right && other.left < one.right
        && one.top < other.bottom && other.top < one.bottom;
    return names.filter(([name, box], index) => marks.some(([, mark]) => meet(box, mark))
        || names.some(([, other], place) => place !== index && meet(box, other))
        || !meet(box, svg.getBoundingClientRect())).map(([name]) => name);
}"""
"""The names over which a mark or another name lies, or that are outside."""
COVERED_ANYWHERE = f"""(taus) => {{
    const covered = {COVERED};
    const set = (id, value) => {{
        const field = document.querySelector(id);
        field.value = value;
        field.dispatchEvent(new Event("input", {{ bubbles: true }}));
    }};
    const places = taus.flatMap((tau1) => taus.map((tau2) => [tau1, tau2]));
    return places.map(([tau1, tau2]) => {{
        set("#tau1", tau1);
        set("#tau2", tau2);
        const yours = document.querySelector("#map .mark-you").getBoundingClientRect();
        return [yours.left, yours.top, covered(document.querySelector("#map"))];
    }});
}}"""
"""For each pair of thresholds where "yours" is then, and what is covered; one question, as each takes long."""
DRAW_RUNS = """async (made) => {
    const { createFrontier } = await import("/playground/frontier.js");
    const presets = (await (await fetch("/v1/presets")).json()).data;
    const runOf = ([seconds, psnr]) => ({
        settings: { tau1: 0.1, tau2: 0.2 },
        lanes: { exact: { seconds: 2.01 }, paper: { seconds: 0.96, psnr: 37.9 }, yours: { seconds, psnr } },
    });
    createFrontier(document.querySelector("#frontier"))(presets, made.map(runOf));
}"""
"""Seconds and PSNR of runs: the fake engine's pictures are all equal."""
MADE = (("0.06", "0.09"), ("0.25", "0.20"), ("0.10", "0.18"), ("0.17", "0.25"))
TAUS = [f"{0.03 * step:.3f}" for step in range(1, 14)]


@pytest.fixture
def tab(context: BrowserContext, served: Served) -> Iterator[Tab]:
    """In front of a server of its own, on whose map is nothing of other tests."""
    with live_server(InstantEngine) as client:
        tab = open_tab(context, Served(client, served.engine))
        tab.open()
        yield tab


def covered(plot: Locator) -> list[str]:
    found: list[str] = plot.evaluate(COVERED)
    return found


def set_thresholds(tab: Tab, tau1: str, tau2: str) -> None:
    tab.page.locator("#tau1").fill(tau1)
    tab.page.locator("#tau2").fill(tau2)


@pytest.mark.parametrize("preset", ["fast", "balanced", "quality", "lossless"])
def test_yours_on_a_preset_s_place_is_written_beside_its_name(tab: Tab, preset: str) -> None:
    tab.page.locator(f"[data-preset={preset}]").click()
    label = tab.page.locator("#map .label", has_text=preset)
    expect(label).to_have_text("balanced, paper, yours" if preset == "balanced" else f"{preset}, yours")
    expect(tab.page.locator("#map .label", has_text="yours")).to_have_count(1)
    set_thresholds(tab, "0.4", "0.4")
    expect(tab.page.locator("#map .label", has_text="yours")).to_have_count(0)


def test_no_mark_lies_on_a_name_of_the_map_wherever_yours_is(tab: Tab) -> None:
    found = tab.page.evaluate(COVERED_ANYWHERE, TAUS)
    assert len({(left, top) for left, top, _ in found}) == len(TAUS) ** 2
    assert [names for _, _, names in found if names] == []


def test_what_was_made_here_hides_no_name(tab: Tab) -> None:
    for place in MADE:
        set_thresholds(tab, *place)
        tab.generate_all()
        tab.page.evaluate("() => { document.querySelector('#said').textContent = ''; }")
    for tau1, tau2 in MADE:
        made = tab.page.locator("#map .mark-measured title", has_text=f"{tau1} / {tau2}")
        expect(made).to_have_count(1)
    for preset in ("fast", "balanced", "quality", "lossless"):
        tab.page.locator(f"[data-preset={preset}]").click()
        assert covered(tab.page.locator("#map")) == []


def test_no_run_hides_a_preset_s_name_in_speed_over_fidelity(tab: Tab) -> None:
    tab.page.evaluate(DRAW_RUNS, [[0.47, 40.0], [0.72, 42.0], [0.5, 34.4], [0.92, 44.9]])
    plot = tab.page.locator("#frontier")
    expect(plot.locator(".mark-you")).to_have_count(4)
    assert covered(plot) == []
