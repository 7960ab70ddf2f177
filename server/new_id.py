"""Names of jobs and of whatever else strangers must not guess."""

import secrets


def new_id() -> str:
    """32 hexadecimal digits, not to be guessed."""
    return secrets.token_hex(16)
