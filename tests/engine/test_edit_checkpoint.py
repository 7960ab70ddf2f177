"""An edit that is taken over from a checkpoint is what an undisturbed one is: its images are encoded again."""

import numpy as np
import pytest

from server.engine.interface import SampleOrder, SampleResumed
from server.engine.loader import LoadedModel
from tests.engine.conftest import Start
from tests.engine.samples import rule
from tests.engine.test_checkpoint import saved_and_finished, taken_up
from tests.engine.test_edits import BOX
from tests.engine.test_edits_equal_pipelines import edit
from tests.engine.test_equals_pipeline import pixels_of

CACHED = rule(0.5, 0.5)
EDITS = {
    "dev": edit("a", 0.8, BOX, cache=CACHED, steps=10, negative_prompt="b", true_cfg=2.0),
    "kontext": edit("a", 0.8, BOX, cache=CACHED, steps=10),
    "klein": edit("a", None, images=2, cache=CACHED),
    "fill": edit("a", 1.0, BOX, cache=CACHED),
}


@pytest.mark.parametrize(("name", "wanted"), EDITS.items(), ids=list(EDITS))
def test_an_edit_goes_on_from_its_checkpoint(
    name: str, wanted: SampleOrder, request: pytest.FixtureRequest, start: Start
) -> None:
    model: LoadedModel = request.getfixturevalue(name)
    saved, undisturbed = saved_and_finished(model, wanted, step=4)
    recorder, image = taken_up(start, model, wanted, saved.content)
    assert SampleResumed("a", 4, True) in recorder.events
    assert recorder.steps("a") == 8 - 4
    assert image.counts == undisturbed.counts
    assert np.abs(pixels_of(image) - pixels_of(undisturbed)).max() <= 1
