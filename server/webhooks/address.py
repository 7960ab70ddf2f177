"""Addresses: those that a name stands for, and which of them are out on the Internet."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from ipaddress import IPv6Address, IPv6Network, ip_address

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""The addresses of a host's name. Raises OSError."""
_UNICAST = IPv6Network("2000::/3")
"""All of IPv6 that is given out (RFC 4291); mapped, translated and local addresses are elsewhere."""


async def resolve(host: str, port: int) -> list[str]:
    """As the system does it."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def is_public(address: str) -> bool:
    """False for private, loopback, link-local, multicast and reserved ones, and for IPv6 that tunnels to IPv4."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address) and (ip not in _UNICAST or ip.sixtofour or ip.teredo or ip.scope_id):
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved
