"""How well distances foretell what a reuse costs, on a random model of a few blocks."""

from itertools import pairwise
from pathlib import Path

import pytest

from h2cache import SampleCache, denoise_step, method
from h2cache.arena.fidelity import relative_l1
from h2cache.arena.random_model.distances import main, rank_correlation, read_pairs
from h2cache.arena.random_model.model import Shape, random_model
from h2cache.arena.random_model.reuse import DISTANCES, LONGEST, pairs_of
from h2cache.arena.shots import inputs_at

TINY = Shape(num_double=2, num_single=3, heads=1, rows=4, columns=4, text_tokens=3)
FLAGS = ("--blocks", "2+3", "--heads", "1", "--grid", "4x4", "--text-tokens", "3", "--steps", "7")


def test_the_error_is_that_of_first_block_caching() -> None:
    source = random_model(TINY)
    first = next(pair for pair in pairs_of(source, 0, 5) if (pair.before, pair.after) == (0, 1))
    text, pooled = (part[None] for part in source.embed("text 0"))
    (latents, ids), sigmas = source.noise(0), source.sigmas(5)
    x, velocities = latents[None], []
    for said in (None, {"threshold": 1e6}):
        caches = [SampleCache.start(None if said is None else method("fbcache", said), 5)]
        now = x
        for sigma, following in pairwise(sigmas[:3]):
            result = denoise_step(source.model, inputs_at(source, now, text, pooled, ids, sigma), caches)
            caches, now = list(result.caches), now + (following - sigma) * result.velocity
        velocities.append(result.velocity)
    computed, reused = velocities
    assert first.error == pytest.approx(relative_l1(reused, computed), rel=1e-4)
    assert first.error > 0


def test_each_pair_of_steps_up_to_four_apart_is_looked_at_with_every_distance() -> None:
    pairs = pairs_of(random_model(TINY), 1, 7)
    seen = [(pair.before, pair.after) for pair in pairs]
    assert sorted(seen) == [(b, a) for b in range(7) for a in range(b + 1, min(b + LONGEST, 6) + 1)]
    assert all(list(pair.distances) == list(DISTANCES) for pair in pairs)
    assert all(value > 0 for pair in pairs for value in pair.distances.values())


def test_rank_correlation_looks_at_the_order_alone() -> None:
    assert rank_correlation([1, 2, 3, 40], [0.1, 0.2, 0.9, 1]) == pytest.approx(1)
    assert rank_correlation([1, 2, 3, 40], [4, 3, 2, -9]) == pytest.approx(-1)
    assert rank_correlation([1, 2, 3, 4], [2, 1, 4, 3]) == pytest.approx(0.6)


def test_the_command_goes_on_with_seeds_that_are_not_there(tmp_path: Path) -> None:
    main([*FLAGS, "--seeds", "1", "--out", str(tmp_path / "begun")])
    main([*FLAGS, "--seeds", "2", "--out", str(tmp_path / "begun")])
    main([*FLAGS, "--seeds", "2", "--out", str(tmp_path / "whole")])
    for name in ("distances.csv", "distances.md"):
        assert (tmp_path / "begun" / name).read_text() == (tmp_path / "whole" / name).read_text()
    assert {pair.seed for pair in read_pairs(tmp_path / "whole" / "distances.csv")} == {0, 1}
    assert len((tmp_path / "whole" / "distances.md").read_text().splitlines()) == 2 + len(DISTANCES)


def test_seeds_of_another_shape_or_of_other_steps_are_not_added(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([*FLAGS, "--seeds", "1", "--out", str(tmp_path)])
    pairs = (tmp_path / "distances.csv").read_bytes()
    for words, said in ((("--steps", "8"), "steps 7 there, 8 here"), (("--grid", "2x4"), "rows 4 there, 2 here")):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([*FLAGS, "--seeds", "2", *words, "--out", str(tmp_path)])
        assert ended.value.code == 2
        assert f"has another run: {said}; " in capsys.readouterr().err
    assert (tmp_path / "distances.csv").read_bytes() == pairs


def test_too_few_steps_are_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*FLAGS, "--steps", "2", "--out", str(tmp_path)])
    assert ended.value.code == 2
    assert capsys.readouterr().err == "distances: steps is 2, seeds 2, allowed are from 7 and from 1 up\n"
