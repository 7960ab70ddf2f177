"""Every route that names a job answers another tenant's key as if there were none."""

import pytest
from fastapi.routing import iter_route_contexts
from starlette.routing import Route

from server.access.access import Access
from server.access.rates_memory import MemoryRates
from server.api.router import create_routes
from tests.api.conftest import error_of
from tests.api.parts import api_parts, new_queue
from tests.api.world import IMAGE, Keys, World, run

MINE, OTHER = {"x-key": "mine"}, {"x-key": "other"}


def routes_of_jobs() -> list[tuple[str, str]]:
    """Method and path of all that take an id, by a parameter of the path or of the query."""
    found = [("GET", "/v1/get_result?id={id}"), ("GET", "/v1/jobs?after={id}")]
    for context in iter_route_contexts(create_routes(api_parts(new_queue())).routes):
        route = context.original_route
        assert isinstance(route, Route), route
        path, names = context.path or route.path, route.param_convertors
        if set(names) & {"job_id", "file_id"}:
            for name in names:
                path = path.replace(f"{{{name}}}", "{id}")
            found += [(method, path) for method in sorted(route.methods or ())]
    return found


def test_the_walk_sees_results_events_cancel_and_files() -> None:
    paths = {path for _, path in routes_of_jobs()}
    ends = ("", "/result", "/events", "/cancel")
    assert {*(f"/v1/jobs/{{id}}{end}" for end in ends), "/v1/files/{id}"} <= paths
    assert ("DELETE", "/v1/jobs/{id}") in routes_of_jobs()


@pytest.mark.parametrize("has_ended", [True, False], ids=["ended", "waiting"])
@pytest.mark.parametrize(("method", "path"), routes_of_jobs(), ids=" ".join)
def test_anothers_job_is_answered_as_one_that_is_not_there(method: str, path: str, has_ended: bool) -> None:
    async def scenario(world: World) -> None:
        job_id = (await world.submit(headers=OTHER)).json()["id"]
        if has_ended:
            await world.finish()
        theirs = await world.client.request(method, path.format(id=job_id), headers=MINE)
        none = await world.client.request(method, path.format(id="f" * 32), headers=MINE)
        assert theirs.status_code == none.status_code == 404
        assert theirs.text.replace(job_id, "") == none.text.replace("f" * 32, "")
        assert error_of(theirs) if "get_result" not in path else theirs.json()["result"] is None
        shown = (await world.client.get(f"/v1/jobs/{job_id}", headers=OTHER)).json()
        assert shown["state"] == ("finished" if has_ended else "queued")

    run(scenario, access=Access(MemoryRates(lambda: 0.0), Keys()))


def test_a_files_address_is_good_for_who_has_it_and_for_no_other_file() -> None:
    async def scenario(world: World) -> None:
        ids = []
        for _ in range(2):
            ids.append((await world.submit(headers=OTHER)).json()["id"])
            await world.finish()
        path = world.parts.signer.path(ids[0], 0)
        assert (await world.client.get(path)).content == IMAGE
        assert (await world.client.get(path, headers=MINE)).content == IMAGE
        for wrong in (path.replace(ids[0], ids[1]), path.replace("image=0", "image=1"), path[:-1], path + "0"):
            assert (await world.client.get(wrong, headers=OTHER)).status_code == 404
            assert (await world.client.get(wrong)).status_code == 401

    run(scenario, access=Access(MemoryRates(lambda: 0.0), Keys()))
