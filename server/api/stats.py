"""GET /v1/stats/thresholds: skip counts and seconds of the threshold pairs that are asked for most."""

from typing import Any

from fastapi import APIRouter, Request

from server.api.catalogue_schema import STATS_DOC
from server.api.guard import caller_of
from server.api.parts import ApiParts
from server.pair_stats.figures import Figures
from server.pair_stats.interface import PairKey, PairReport


def stats_router(parts: ApiParts) -> APIRouter:
    """The route over its parts."""
    router = APIRouter()

    @router.get("/v1/stats/thresholds", openapi_extra=STATS_DOC)
    async def thresholds(request: Request) -> dict[str, Any]:
        """Figures of the 256 threshold pairs that the tenant asked for most, and of all others together."""
        caller = caller_of(request.scope)
        return shape_report(await parts.pair_stats.report(None if caller.is_admin else caller.tenant))

    return router


def shape_report(report: PairReport) -> dict[str, Any]:
    """``since`` in seconds since 1970; of the seconds the mean is exact and the quantiles are within 1 %."""
    return {
        "since": int(report.since_s),
        "other": shape_figures(report.other),
        "pairs": [shape_pair(key, figures) for key, figures in report.pairs],
    }


def shape_pair(key: PairKey, figures: Figures) -> dict[str, Any]:
    """Thresholds are null where the rule has none."""
    return {"tau1": key.tau1, "tau2": key.tau2, "preset": key.preset, **shape_figures(figures)}


def shape_figures(figures: Figures) -> dict[str, Any]:
    """``count`` is of requests, the others are of their images' steps; ``skip_share`` is of blocks."""
    quantiles = {f"p{share}": figures.durations.quantile(share / 100) for share in (50, 90, 99)}
    return {
        "count": figures.count,
        "full": figures.full,
        "detail_hits": figures.detail_hits,
        "structure_hits": figures.structure_hits,
        "skip_share": round(figures.skip_share, 4),
        "seconds": {
            name: None if value is None else round(value, 4)
            for name, value in {"mean": figures.mean_s, **quantiles}.items()
        },
    }
