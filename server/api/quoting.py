"""Strangers' text in our messages: short and printable."""

QUOTED_LENGTH = 64


def quoted(value: object) -> str:
    """At most 64 printable ASCII characters of a key or value, in quotes."""
    return f"'{printable(str(value))}'"


def printable(text: str) -> str:
    """The first 64 characters, anything but printable ASCII replaced by '?'."""
    cut = text[:QUOTED_LENGTH]
    shown = "".join(c if " " <= c <= "~" else "?" for c in cut)
    return shown if len(text) <= QUOTED_LENGTH else shown[: QUOTED_LENGTH - 3] + "..."
