"""What does not come to a picture, in a real browser: cancelled, refused, cut off, waiting."""

import re

import pytest
from playwright.sync_api import Route, expect

from tests.playground.conftest import Served, Tab


@pytest.mark.parametrize("how", ["button", "Escape"])
def test_cancelling_ends_the_job_on_the_server_too(tab: Tab, served: Served, how: str) -> None:
    served.engine.hold()
    served.engine.allow(3)
    tab.generate()
    expect(tab.lane("exact").locator(".state")).to_have_text("step 3 of 28")
    if how == "button":
        tab.page.get_by_role("button", name="Cancel").click()
    else:
        tab.page.keyboard.press(how)
    expect(tab.lane("exact").locator(".state")).to_have_text("cancelled")
    expect(tab.page.get_by_role("status")).to_have_text("Cancelled")
    expect(tab.page.get_by_role("button", name="Cancel")).to_be_hidden()
    (job,) = served.client.get("/v1/jobs?limit=1").json()["data"]
    assert job["state"] == "cancelled"
    served.engine.is_free.set()
    tab.generate_all()


def test_what_is_wrong_is_said_at_its_field_and_goes_when_it_is_put_right(tab: Tab) -> None:
    steps = tab.page.get_by_label("Steps", exact=True)
    steps.fill("999")
    tab.generate()
    problem = tab.page.get_by_role("alert")
    expect(problem).to_have_text("num_inference_steps is '999', allowed is a whole number from 1 to 100.")
    expect(steps).to_be_focused()
    expect(steps).to_have_attribute("aria-invalid", "true")
    expect(steps).to_have_accessible_description(re.compile("allowed is a whole number"))
    expect(tab.lane("exact").locator(".state")).to_have_text("failed")
    steps.fill("4")
    expect(problem).to_be_hidden()
    tab.generate_all()
    expect(tab.page.locator("#history li")).to_have_count(1)


def test_a_server_that_is_gone_is_said_in_words(tab: Tab) -> None:
    tab.page.route("**/v1/jobs", lambda route: route.abort())
    tab.generate()
    expect(tab.page.get_by_role("alert")).to_have_text("The server does not answer.")


def test_a_line_that_breaks_is_taken_up_again(tab: Tab) -> None:
    broken: list[str] = []

    def break_once(route: Route) -> None:
        if broken:
            route.continue_()
        else:
            broken.append(route.request.url)
            route.abort()

    tab.page.route("**/events", break_once)
    tab.generate_all()
    assert len(broken) == 1


def test_a_job_that_waits_says_how_many_are_before_it(tab: Tab, served: Served) -> None:
    served.engine.hold()
    body = {"prompt": "another's", "num_inference_steps": 4}
    for _ in range(3):  # one runs, two wait
        assert served.client.post("/v1/jobs", json=body).status_code == 202
    tab.generate()
    expect(tab.lane("exact").locator(".state")).to_contain_text("waiting, 2 before it")
    served.engine.is_free.set()
    tab.is_done()
