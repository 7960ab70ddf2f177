"""The playground in a real browser: made, moved, compared, in two tabs, by keyboard, on a phone."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from server.access.caller import Caller
from server.access.key import ApiKey, digest
from server.access.key_file import write_keys
from server.engine.fake import InstantEngine
from tests.live import live_server
from tests.playground.conftest import Served, Tab, open_tab

LANES = ("exact", "paper", "yours")


def test_one_click_makes_three_pictures_with_their_steps_and_figures(tab: Tab) -> None:
    tab.generate_all()
    for name in LANES:
        lane = tab.lane(name)
        expect(lane.locator(".state")).to_have_text("done")
        expect(lane.locator(".strip .cell")).to_have_count(28)
        assert lane.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 128
    expect(tab.lane("exact").locator(".strip")).to_have_attribute("aria-label", re.compile("^28 steps: 28 full"))
    expect(tab.lane("paper").locator(".cell.structure_hit")).to_have_count(14)
    expect(tab.lane("yours").locator(".figures")).to_contain_text("equal")
    expect(tab.lane("yours").locator(".figures")).to_contain_text("43 %")
    expect(tab.page.locator("#history li")).to_have_count(1)
    assert tab.complaints == []


def test_the_picture_forms_and_its_steps_are_told_while_it_is_made(tab: Tab, served: Served) -> None:
    served.engine.hold()
    served.engine.allow(20)
    tab.generate()
    exact = tab.lane("exact")
    expect(exact.locator(".state")).to_have_text("step 20 of 28")
    expect(exact.locator(".cell.full")).to_have_count(20)
    expect(exact.locator(".cell.to_come")).to_have_count(8)
    expect(exact).to_have_class(re.compile("preview"))
    expect(exact.get_by_role("img", name=re.compile("^Exact, forming: a large"))).to_be_visible()
    served.engine.is_free.set()
    tab.is_done()
    expect(exact).not_to_have_class(re.compile("preview"))


def test_moving_a_slider_makes_the_thresholds_your_own_and_only_your_picture_anew(tab: Tab) -> None:
    tab.generate_all()
    tau1 = tab.page.locator("#tau1")
    expect(tab.page.locator("#presets [aria-pressed=true]")).to_have_text(re.compile("balanced"))
    tau1.focus()
    for _ in range(3):
        tau1.press("ArrowRight")
    expect(tab.page.locator("#tau1-value")).to_have_text("0.165")
    expect(tab.page.locator("#presets [aria-pressed=true]")).to_have_count(0)
    expect(tab.page.locator("#snippet")).to_contain_text('"tau1":0.165,"tau2":0.22')
    jobs = [url for url in tab.asked if url.endswith("/v1/jobs")]
    tab.generate_all()
    expect(tab.lane("exact").locator(".state")).to_have_text("done, from before")
    expect(tab.lane("yours").locator(".what")).to_contain_text("0.165")
    assert len([url for url in tab.asked if url.endswith("/v1/jobs")]) == len(jobs) + 1


def test_the_map_and_the_presets_set_both_thresholds(tab: Tab) -> None:
    tab.page.get_by_role("button", name=re.compile("^fast")).click()
    expect(tab.page.locator("#tau1-value")).to_have_text("0.20")
    expect(tab.page.locator("#tau2-value")).to_have_text("0.30")
    expect(tab.page.locator("#snippet")).to_contain_text('"cache":"fast"')
    tab.page.locator("#map").click()
    expect(tab.page.locator("#snippet")).not_to_contain_text('"cache":"fast"')
    for name in ("tau1", "tau2"):
        assert float(tab.page.locator(f"#{name}-value").inner_text()) == pytest.approx(0.3, abs=0.06)


def test_a_preset_between_two_places_of_the_sliders_is_shown_as_it_is(tab: Tab) -> None:
    tab.page.get_by_role("button", name=re.compile("^lossless")).click()
    expect(tab.page.locator("#tau2-value")).to_have_text("0.037")
    expect(tab.page.locator("#snippet")).to_contain_text('"cache":"lossless"')
    tab.page.locator("#tau1").press("ArrowRight")
    expect(tab.page.locator("#snippet")).to_contain_text('"tau1":0.03,"tau2":0.037')


def test_the_map_shows_what_was_measured_here(tab: Tab) -> None:
    tab.page.locator("#tau2").press("End")
    tab.generate_all()
    expect(
        tab.page.locator("#map .mark-measured title", has_text="0.15 / 0.60: 43 % of the blocks")
    ).to_have_count(1)


def test_two_tabs_at_once_do_not_see_each_others_pictures(
    tab: Tab, served: Served, context: BrowserContext
) -> None:
    other = open_tab(context, served)
    other.open()
    other.page.get_by_label("Seed", exact=True).fill("255")
    served.engine.hold()
    served.engine.allow(5)
    tab.generate()
    expect(tab.lane("exact")).to_have_attribute("data-state", "running")
    other.generate()
    expect(tab.lane("exact").locator(".state")).to_have_text("step 5 of 28")
    expect(other.lane("exact").locator(".state")).to_have_text("waiting, next in the queue")
    served.engine.is_free.set()
    for each, colour in ((tab, [7, 0, 0]), (other, [255, 0, 0])):
        each.is_done()
        assert colour_of(each.page, "exact") == colour
        expect(each.page.locator("#history li")).to_have_count(1)
    assert other.outsiders() == []


def colour_of(page: Page, lane: str) -> list[int]:
    """Of the first pixel; the fake engine paints the seed."""
    found: list[int] = page.locator(f"[data-lane={lane}] img").evaluate(
        """async (image) => {
            await image.decode();
            const context = document.createElement("canvas").getContext("2d");
            context.drawImage(image, 0, 0);
            return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
        }"""
    )
    return found


def test_the_history_brings_a_run_back(tab: Tab) -> None:
    tab.generate_all()
    tab.page.get_by_label("Prompt", exact=True).fill("something else")
    tab.page.get_by_role("button", name="Another seed").click()
    tab.page.get_by_role("button", name=re.compile("^quality")).click()
    tab.generate_all()
    assert colour_of(tab.page, "yours") != [7, 0, 0]
    tab.page.locator("#history button").last.click()
    expect(tab.page.get_by_label("Prompt", exact=True)).to_have_value(re.compile("^a large red heart"))
    expect(tab.page.get_by_label("Seed", exact=True)).to_have_value("7")
    expect(tab.page.locator("#presets [aria-pressed=true]")).to_have_text(re.compile("balanced"))
    assert colour_of(tab.page, "yours") == [7, 0, 0]


def test_the_line_between_two_pictures_moves_by_keyboard_and_pointer(tab: Tab) -> None:
    tab.generate_all()
    line = tab.page.get_by_label("Line", exact=True)
    line.focus()
    line.press("ArrowRight")
    expect(line).to_have_attribute("aria-valuetext", "51 % exact, the rest yours")
    assert tab.page.locator("#wipe").evaluate("frame => frame.style.getPropertyValue('--edge')") == "51%"
    box = tab.page.locator("#wipe").bounding_box()
    assert box is not None
    tab.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    tab.page.mouse.down()
    tab.page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 20)
    tab.page.mouse.up()
    assert int(line.input_value()) == pytest.approx(80, abs=1)
    tab.page.get_by_label("only what differs").check()
    expect(line).to_be_disabled()


def test_the_request_can_be_copied_and_means_the_same_picture(tab: Tab, context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=tab.origin)
    tab.page.get_by_label("Prompt", exact=True).fill('it\'s "quoted" $HOME `ls` \\ end')
    tab.page.get_by_label("Steps", exact=True).fill("3")
    tab.page.get_by_role("button", name="Copy").click()
    expect(tab.page.get_by_role("status")).to_have_text("Copied")
    copied = tab.page.evaluate("() => navigator.clipboard.readText()")
    done = subprocess.run(["bash", "-c", copied], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout)["data"][0]["seed"] == 7
    tab.page.get_by_role("button", name="JSON").click()
    assert json.loads(tab.page.locator("#snippet").inner_text())["prompt"] == 'it\'s "quoted" $HOME `ls` \\ end'
    tab.page.get_by_role("button", name="Python").click()
    compile(tab.page.locator("#snippet").inner_text(), "snippet", "exec")


def test_it_works_without_a_pointer(tab: Tab) -> None:
    tab.page.keyboard.press("Tab")
    expect(tab.page.get_by_role("link", name="Skip to the pictures")).to_be_focused()
    reached = []
    for _ in range(16):
        tab.page.keyboard.press("Tab")
        reached.append(
            tab.page.evaluate("() => document.activeElement.id || document.activeElement.dataset.preset")
        )
    wanted = ["key", "prompt", "size", "steps", "seed", "dice", "fast", "balanced", "quality", "paper"]
    assert [each for each in reached if each in wanted] == wanted
    assert {"tau1", "tau2", "method", "generate"} <= {*reached}
    tab.page.get_by_label("Prompt", exact=True).focus()
    tab.page.keyboard.press("Control+Enter")
    tab.is_done()


def test_a_server_with_keys_asks_for_one_and_sends_it(
    tmp_path: Path, context: BrowserContext, served: Served
) -> None:
    write_keys(tmp_path / "keys.json", [ApiKey(digest("h2s_good"), Caller("1", "a"), 0)])
    with live_server(InstantEngine, keys=str(tmp_path / "keys.json")) as client:
        tab = open_tab(context, Served(client, served.engine))
        tab.page.goto(tab.origin)
        key = tab.page.get_by_label("API key")
        expect(tab.page.get_by_role("alert")).to_contain_text("An API key is missing")
        expect(key).to_be_focused()
        key.fill("h2s_good")
        key.press("Tab")
        expect(tab.page.locator("#generate")).to_be_enabled()
        expect(tab.page.get_by_role("alert")).to_be_hidden()
        tab.generate_all()
        snippet = tab.page.locator("#snippet").inner_text()
        assert "$H2SERVE_API_KEY" in snippet and "h2s_good" not in snippet
        tab.page.goto(tab.origin + "/docs")
        expect(tab.page.locator("summary", has_text="/v1/images/generations")).to_be_visible()
        assert not [url for url in tab.asked if "h2s_good" in url]
        assert tab.outsiders() == []


def test_the_page_can_speak_to_nobody_else(tab: Tab) -> None:
    blocked = tab.page.evaluate(
        """async () => {
            const blocked = [];
            const note = (event) => blocked.push(event.effectiveDirective);
            document.addEventListener("securitypolicyviolation", note);
            await fetch("https://elsewhere.example/").catch(() => {});
            const image = document.body.appendChild(document.createElement("img"));
            image.src = "https://elsewhere.example/x.png";
            const script = document.body.appendChild(document.createElement("script"));
            script.textContent = "window.isBroken = true";
            const style = document.head.appendChild(document.createElement("style"));
            style.textContent = "body { display: none }";
            await new Promise((resolve) => setTimeout(resolve, 200));
            return [...blocked, window.isBroken === undefined, getComputedStyle(document.body).display];
        }"""
    )
    assert {"connect-src", "img-src", "script-src-elem", "style-src-elem"} <= {*blocked}
    assert blocked[-2:] == [True, "block"]
    tab.asked.clear()  # what was tried, and blocked


def test_it_fits_a_phone_and_follows_the_dark_mode(tab: Tab) -> None:
    tab.generate_all()
    light = tab.page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    tab.page.emulate_media(color_scheme="dark")
    assert tab.page.evaluate("() => getComputedStyle(document.body).backgroundColor") != light
    for width in (320, 390, 768):
        tab.page.set_viewport_size({"width": width, "height": 800})
        assert tab.page.evaluate("() => document.documentElement.scrollWidth") <= width
