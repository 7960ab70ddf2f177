"""The static files by their paths. All of them are open to strangers, and nothing else is for their sake."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "static"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
PAGES = {"/": "index.html", "/docs": "docs.html"}
ASSETS = (
    "api.js",
    "docs.js",
    "dom.js",
    "events.js",
    "figures.js",
    "frontier.js",
    "history.js",
    "icon.svg",
    "image_job.js",
    "key.js",
    "lane.js",
    "main.js",
    "names.js",
    "outcomes.js",
    "plot.js",
    "question.js",
    "run.js",
    "snippets.js",
    "strip.js",
    "style.css",
    "thresholds.js",
    "wipe.js",
)
FILES = {**PAGES, **{f"/playground/{name}": name for name in ASSETS}}
"""Path to file name: a committed list, so that no file becomes public by being put into the folder."""


@dataclass(frozen=True, slots=True)
class StaticFile:
    """What a path is answered with."""

    content: bytes
    media_type: str


def read_files() -> Mapping[str, StaticFile]:
    """All files by their paths, read once."""
    return {
        path: StaticFile((FOLDER / name).read_bytes(), TYPES[Path(name).suffix]) for path, name in FILES.items()
    }
