"""The prompt files: one a line, UTF-8."""

from hashlib import sha256
from pathlib import Path

from h2cache.errors import H2CacheError


def read_prompts(path: Path) -> list[str]:
    """The lines that are not blank, in order. Raises H2CacheError where there are none."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise H2CacheError(f"prompt file {str(path)!r} cannot be read: {error}") from error
    prompts = [line.strip() for line in lines if line.strip()]
    if not prompts:
        raise H2CacheError(f"prompt file {str(path)!r} has no prompts, allowed is one or more, one a line")
    return prompts


def refuse_overlap(tuning: list[str], reporting: list[str]) -> None:
    """What was tuned on says nothing when it is reported on."""
    both = set(tuning) & set(reporting)
    if both:
        raise H2CacheError(f"{len(both)} prompts are in both files, allowed is none")


def hash_of(*prompts: str) -> str:
    """The same for the same prompts in the same order."""
    said = "\n".join(prompts)
    return f"sha256:{sha256(said.encode()).hexdigest()}"
