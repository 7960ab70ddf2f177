"""Whether a server without keys may listen where it was told to."""

import ipaddress


def is_loopback(host: str) -> bool:
    """True for addresses that only this machine reaches."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def reason_to_refuse(host: str, has_keys: bool, insecure_no_auth: bool) -> str | None:
    """None where the server may start."""
    if has_keys or insecure_no_auth or is_loopback(host):
        return None
    return (
        f"host is {host!r} and there are no API keys: anybody could use this server. Make keys with "
        "`h2serve keys add` and start with --keys FILE, or say --insecure-no-auth"
    )
