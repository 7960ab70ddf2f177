"""Methods by parts: the API and the library know the same parts, and refuse the same combinations."""

import json
from dataclasses import MISSING, fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from h2cache import (
    H2CacheError,
    Method,
    by_parts,
    cache_bytes,
    from_bytes,
    method,
    to_bytes,
)
from h2cache.guards import Guards
from h2cache.method import Reused
from h2cache.parts import PARTS
from server.api.cache_choice import resolve_cache
from server.cache_parts import A_STAGE, GUARDS, OF, PART_KINDS, PARTS_AS_LONG, PARTS_NEED
from server.engine.sample import cache_method
from server.errors import RequestError
from server.profile import load_profile
from tests.core.test_cache_methods import values
from tests.h2cache.models import tiny_model
from tests.h2cache.samples import Request, Shape, run_alone

PROFILE = load_profile("flux-nano")


def test_both_know_the_same_parts_with_the_same_parameters() -> None:
    ours = {("distance" if role == "summary" else role): kinds for role, kinds in PARTS.items()}
    assert {role: set(kinds) for role, kinds in ours.items()} == {
        role: set(kinds) for role, kinds in PART_KINDS.items()
    }
    for role, kinds in ours.items():
        for kind, cls in kinds.items():
            assert {field.name for field in fields(cls)} == set(PART_KINDS[role][kind])
            needed = {field.name for field in fields(cls) if field.default is MISSING}
            assert needed == set(PARTS_NEED.get(kind, ()))
    assert {field.name for field in fields(Guards)} == set(GUARDS)
    assert OF.words == tuple(Reused)


@st.composite
def parts(draw: st.DrawFn, role: str) -> dict[str, Any]:
    """Any part of a role, whatever else there is."""
    kind = draw(st.sampled_from(list(PART_KINDS[role])))
    length, tables = draw(st.integers(1, 4)), PARTS_AS_LONG.get(kind, ())
    needed = PARTS_NEED.get(kind, ())
    known = {**PART_KINDS[role][kind], "of": OF} if role == "fill" else PART_KINDS[role][kind]
    strategies = {key: values(spec, length if key in tables else None) for key, spec in known.items()}
    chosen = st.fixed_dictionaries(
        {key: strategies[key] for key in needed},
        optional={key: strategy for key, strategy in strategies.items() if key not in needed},
    )
    return {"kind": kind, **draw(chosen)}


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    layout = draw(parts("layout"))
    has_two = layout["kind"] == "two-stages"
    said: dict[str, Any] = {"layout": layout}
    for role in A_STAGE:
        one = parts(role)
        if role == "gate" or draw(st.booleans()):
            said[role] = draw(st.lists(one, min_size=2, max_size=2) if has_two and draw(st.booleans()) else one)
    guards = {key: values(spec) for key, spec in GUARDS.items()}
    return {**said, "guards": draw(st.fixed_dictionaries({}, optional=guards))}


@settings(max_examples=300, deadline=None)
@given(requests())
def test_the_api_lets_through_what_the_library_builds_and_nothing_else(cache: dict[str, Any]) -> None:
    try:
        wanted = by_parts(cache)
    except H2CacheError:
        with pytest.raises(RequestError, match="allowed") as refused:
            resolve_cache({"cache": cache}, PROFILE)
        assert refused.value.param is not None
        assert refused.value.param.startswith("cache.")
    else:
        choice = resolve_cache({"cache": cache}, PROFILE)
        assert not choice.is_off
        assert cache_method(choice) == wanted


def same_but_name(one: Method, other: Method) -> bool:
    return (one.layout, one.stages, one.guards, one.linked) == (
        other.layout,
        other.stages,
        other.guards,
        other.linked,
    )


NAMED: list[tuple[str, dict[str, Any]]] = [
    (
        "paper",
        {
            "layout": "two-stages",
            "signal": ["probe-residual", {"kind": "probe-residual", "text": True}],
            "distance": [{"kind": "windows", "pool_size": 2048}, {"kind": "windows", "pool_size": 384}],
            "gate": [{"kind": "below", "threshold": 0.15}, {"kind": "below", "threshold": 0.22}],
        },
    ),
    ("fbcache", {"signal": "probe-residual", "gate": {"kind": "below", "threshold": 0.08}}),
    (
        "dicache",
        {
            "signal": "probe-state",
            "gate": {"kind": "accumulated", "threshold": 0.4},
            "fill": {"kind": "guarded", "of": "stage"},
            "guards": {"warmup": 1, "warmup_share": 0.2, "last_full": True},
        },
    ),
    (
        "seacache",
        {
            "layout": "whole-step",
            "signal": "modulated-input",
            "distance": "wiener",
            "gate": {"kind": "accumulated", "threshold": 0.3},
            "fill": {"kind": "last", "of": "stage"},
            "guards": {"warmup": 1, "last_full": True},
        },
    ),
    (
        "taylorseer",
        {
            "layout": "whole-step",
            "gate": "interval",
            "fill": {"kind": "taylor", "of": "output"},
            "guards": {"warmup": 3},
        },
    ),
]


@pytest.mark.parametrize(("name", "said"), NAMED, ids=[name for name, _ in NAMED])
def test_named_methods_can_be_put_together_by_parts(name: str, said: dict[str, Any]) -> None:
    assert same_but_name(by_parts(said), method(name, {}))
    choice = resolve_cache({"cache": said}, PROFILE)
    assert choice.parts is not None
    assert by_parts(json.loads(choice.parts)) == by_parts(said)


BELOW = {"kind": "below", "threshold": 0.1}
ON_FIRST_BLOCK = {"signal": "probe-residual", "gate": BELOW}


@pytest.mark.parametrize(
    ("cache", "param", "said"),
    [
        ({"gate": "fastest"}, "cache.gate", "allowed are below, accumulated"),
        ({"gate": {"kind": "below"}, "signal": "latents"}, "cache.gate.threshold", "gate below needs it"),
        ({"gate": {**BELOW, "most": 1}}, "cache.gate.most", "allowed for gate below are threshold, at"),
        ({"gate": {**BELOW, "threshold": "x"}}, "cache.gate.threshold", "a number from 0"),
        ({"signal": "latents"}, "cache.gate", "missing"),
        ({"gate": BELOW}, "cache.signal", "missing, and gate below with fill last needs one"),
        ({"gate": "interval", "signal": "latents"}, "cache.signal", "looks at one"),
        ({"gate": "interval", "distance": "whole"}, "cache.distance", "there is no signal"),
        ({"gate": "interval", "fill": "guarded"}, "cache.signal", "fill guarded needs one"),
        ({**ON_FIRST_BLOCK, "layout": "whole-step"}, "cache.signal", "whole-step has no probe"),
        (
            {**ON_FIRST_BLOCK, "layout": {"kind": "first-and-last", "first": 50, "last": 7}},
            "cache.layout.first",
            "57",
        ),
        (
            {**ON_FIRST_BLOCK, "layout": "two-stages", "fill": {"kind": "last", "of": "output"}},
            "cache.fill.of",
            "all",
        ),
        (
            {**ON_FIRST_BLOCK, "layout": "two-stages", "fill": {"kind": "hermite", "cutoff": 0.1}},
            "cache.fill.cutoff",
            "text tokens",
        ),
        (
            {"gate": "interval", "fill": {"kind": "polynomial", "of": "stage", "calms_first": True}},
            "cache.fill.calms_first",
            "allowed is false, or of output",
        ),
        ({"gate": BELOW, "signal": "modulated-input", "layout": "two-stages"}, "cache.signal", "first block's"),
        (
            {"gate": BELOW, "signal": {"kind": "probe-residual", "text": True}, "distance": "disc"},
            "cache.distance",
            "allowed are windows, whole",
        ),
        ({**ON_FIRST_BLOCK, "gate": [BELOW, BELOW]}, "cache.gate", "a list of 2"),
        (
            {**ON_FIRST_BLOCK, "layout": "two-stages", "gate": [BELOW, {"kind": 7}]},
            "cache.gate.1",
            "allowed are below",
        ),
        ({**ON_FIRST_BLOCK, "guards": {"cap": 2}}, "cache.guards.cap", "allowed for guards are warmup"),
        (
            {**ON_FIRST_BLOCK, "guards": {"max_reuse_share": 0.1, "min_reuse_share": 0.2}},
            "cache.guards.max_reuse_share",
            "below min_reuse_share",
        ),
        ({**ON_FIRST_BLOCK, "tau1": 0.1}, "cache.tau1", "allowed are layout, signal"),
        ({**ON_FIRST_BLOCK, "method": "paper"}, "cache.signal", "unknown"),
        ({**ON_FIRST_BLOCK, "fill": {"kind": "last", "of": "all"}}, "cache.fill.of", "allowed are rest, stage"),
    ],
)
def test_what_has_no_meaning_is_refused_by_its_path(cache: dict[str, Any], param: str, said: str) -> None:
    with pytest.raises(RequestError, match=said) as refused:
        resolve_cache({"cache": cache}, PROFILE)
    assert refused.value.param == param
    if "method" not in cache:
        with pytest.raises(H2CacheError):
            by_parts(cache)


def test_a_threshold_beside_parts_is_refused() -> None:
    with pytest.raises(RequestError) as refused:
        resolve_cache({"cache": ON_FIRST_BLOCK, "tau1": 0.1}, PROFILE)
    assert refused.value.param == "tau1"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["kind", "of", "threshold", "text"]), inner)
        ),
    )
)
def test_whatever_is_said_of_a_part_is_refused_by_name_or_built(said: Any) -> None:
    for role in ("layout", *A_STAGE, "guards"):
        cache = {**ON_FIRST_BLOCK, role: said}
        try:
            assert isinstance(by_parts(cache), Method)
        except H2CacheError as error:
            assert str(error)
        try:
            resolve_cache({"cache": cache}, PROFILE)
        except RequestError as refused:
            assert refused.param is not None


SHAPE = Shape(3, 4, 2)
MODEL = tiny_model()


@settings(max_examples=60, deadline=None)
@given(requests())
def test_what_is_built_runs_to_the_end(cache: dict[str, Any]) -> None:
    try:
        made = by_parts(cache)
    except H2CacheError:
        return
    ended = run_alone(MODEL, Request(made, 5, 1), SHAPE)
    assert ended.cache.statistics.steps == 5
    assert ended.cache.nbytes <= cache_bytes(MODEL, made, SHAPE.image, SHAPE.text)
    assert from_bytes(to_bytes(ended.cache)).method == made
