"""A small HTTP server that speaks the OpenAI images endpoint, for tests of the load generator."""

import base64
import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any

from PIL import Image

Answer = tuple[int, dict[str, Any]]


@dataclass
class LittleServer:
    """``answer`` makes status and JSON of a body; ``bodies`` are those that came."""

    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


def png(color: tuple[int, int, int], size: tuple[int, int] = (32, 32)) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", size, color).save(buffer, "PNG")
    return buffer.getvalue()


def with_image(body: dict[str, Any]) -> Answer:
    """An image whose color is the seed's, a bit darker under a cache."""
    shade = body.get("seed", 0) % 200
    color = (shade, 100, 50 if body.get("cache") == "off" else 40)
    width, height = map(int, body.get("size", "32x32").split("x"))
    content = base64.b64encode(png(color, (width, height))).decode("ascii")
    blocks_run = 100 if body.get("cache") == "off" else 25
    return 200, {"data": [{"b64_json": content}], "cache": {"blocks_run": blocks_run, "blocks_total": 100}}


@contextlib.contextmanager
def little_server(answer: Callable[[dict[str, Any]], Answer] = with_image) -> Iterator[LittleServer]:
    """Served on a free port of the loopback by a thread a request."""
    state = LittleServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            state.bodies.append(body)
            state.headers.append({key.lower(): value for key, value in self.headers.items()})
            self.say(*answer(body))

        def do_GET(self) -> None:
            self.say(404, {})

        def say(self, status: int, content: dict[str, Any]) -> None:
            written = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(written)))
            self.end_headers()
            self.wfile.write(written)

        def log_message(self, *words: Any) -> None:
            """Quiet."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

    with Server(("127.0.0.1", 0), Handler) as server:
        state.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()
