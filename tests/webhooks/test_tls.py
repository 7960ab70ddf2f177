"""Over real TLS: the connection goes to the pinned address, and the certificate has to be the name's."""

import asyncio
import shutil
import ssl
import subprocess
from pathlib import Path

import httpx
import pytest

from server.webhooks.origin import read_origins
from server.webhooks.sender import WebhookSender
from tests.clients.foreign import there_or_skip
from tests.webhooks.receiver import KEY

ANSWER = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"


def certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed one of hooks.example, and its key."""
    pem, key = folder / "cert.pem", folder / "key.pem"
    openssl = there_or_skip(shutil.which("openssl"), "there is no openssl here")
    kind = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=hooks.example"]
    names = ["-addext", "subjectAltName=DNS:hooks.example", "-keyout", str(key), "-out", str(pem)]
    subprocess.run([openssl, *kind, *names], check=True, capture_output=True, timeout=60)
    return pem, key


@pytest.mark.parametrize(("name", "is_taken"), [("hooks.example", True), ("other.example", False)])
def test_the_certificate_has_to_be_the_names(name: str, is_taken: bool, tmp_path: Path) -> None:
    pem, key = certificate(tmp_path)
    heads: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(ANSWER)
        await writer.drain()
        writer.close()

    async def to_loopback(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    async def at_once(seconds: float) -> None:
        """No wait."""

    async def scenario() -> None:
        served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        served.load_cert_chain(pem, key)
        trusting = ssl.create_default_context(cafile=str(pem))
        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=served)
        async with server:
            port = server.sockets[0].getsockname()[1]
            url = f"https://{name}:{port}"
            sender = WebhookSender(
                read_origins(url),
                KEY,
                to_loopback,
                lambda: httpx.AsyncHTTPTransport(verify=trusting, trust_env=False),
                lambda: 1000.0,
                at_once,
                lambda: 0.0,
                may_reach=lambda address: address == "127.0.0.1",
            )
            assert await sender.send(f"{url}/done", "id", b"{}") is is_taken
            if is_taken:
                assert heads[0].startswith(b"POST /done HTTP/1.1\r\n")
                assert f"host: hooks.example:{port}".encode() in heads[0].lower()
            else:
                assert heads == []

    asyncio.run(scenario())
