"""How much memory a sample's cache takes, told before it exists."""

from math import prod

from h2cache.family import FluxModel
from h2cache.method import Against, Measure, Method, Stage

FLOAT32 = 4


def cache_bytes(
    model: FluxModel, method: Method, img_tokens: int, txt_tokens: int, reference_tokens: int = 0
) -> int:
    """Bytes of one sample's state once every anchor is there: ``SampleCache.nbytes`` at its largest.

    An anchor has the residuals in the model's dtype: of the image and its references, and of the text where a
    later block reads it. A summary is in float32 and of the image alone; there is one for the newest anchor, for
    each where the fill compares them, and one of the step before where that is what the distance is taken to. At
    1024 x 1024 pixels and 512 text tokens ``paper`` on FLUX.1 in bfloat16 takes 66 MB.
    """
    num_blocks = len(model.blocks)
    spans = method.layout.spans(model.num_double, num_blocks - model.num_double)
    return sum(
        _stage_bytes(model, stage, span.end == num_blocks, img_tokens, txt_tokens, reference_tokens)
        for stage, span in zip(method.stages, spans, strict=False)
    )


def _stage_bytes(
    model: FluxModel, stage: Stage, is_last: bool, img_tokens: int, txt_tokens: int, reference_tokens: int
) -> int:
    if stage.reused.is_velocity:
        residual = img_tokens * model.channels
    else:
        residual = (img_tokens + reference_tokens + (0 if is_last else txt_tokens)) * model.width
    forecast = 2 * FLOAT32 * stage.asks_forecast
    anchors = stage.fill.num_anchors * (residual * model.dtype.itemsize + FLOAT32) + forecast
    gate = _summary_bytes(model, stage.measure, img_tokens, txt_tokens)
    fill = stage.fill.num_anchors * _summary_bytes(model, stage.followed, img_tokens, txt_tokens)
    is_shared = stage.followed == stage.measure and not _is_against_previous(stage)
    return anchors + (fill if is_shared else gate + fill)


def _is_against_previous(stage: Stage) -> bool:
    return stage.measure is not None and stage.measure.against is Against.PREVIOUS


def _summary_bytes(model: FluxModel, measure: Measure | None, img_tokens: int, txt_tokens: int) -> int:
    """Of one summary and its mean size."""
    if measure is None:
        return 0
    tokens = img_tokens + (txt_tokens if measure.signal.has_text else 0)
    return FLOAT32 * (prod(measure.summary.shape(tokens, measure.signal.channels(model))) + 1)
