"""Clients of servers on the loopback."""

import httpx


def client_of(address: str, timeout_s: float = 120.0) -> httpx.Client:
    """Without certificates: there are none to be checked, and reading the world's takes each client its time."""
    return httpx.Client(base_url=address, timeout=timeout_s, verify=False)
