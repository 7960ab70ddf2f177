"""Strangers' text in our messages: short and printable."""

QUOTED_LENGTH = 64


def quoted(value: object) -> str:
    """At most 64 printable ASCII characters of a key or value, in quotes."""
    return f"'{printable(str(value))}'"


def printable(text: str, length: int = QUOTED_LENGTH) -> str:
    """The first ``length`` characters, anything but printable ASCII replaced by '?'."""
    shown = "".join(c if " " <= c <= "~" else "?" for c in text[:length])
    return shown if len(text) <= length else shown[: length - 3] + "..."
