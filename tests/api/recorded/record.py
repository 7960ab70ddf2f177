"""Records what openai-python sends for an edit and a variation, byte by byte.

Run by hand, with a Python of its own that has ``openai`` and ``pillow``: their pins are not ours.

    /path/to/venv/bin/python tests/api/recorded/record.py
"""

import http.server
import threading
from io import BytesIO
from pathlib import Path

import openai
from PIL import Image

HERE = Path(__file__).parent
ANSWER = b'{"created": 1, "data": [{"b64_json": "aGk="}]}'
CACHE = {"tau1": 0.1, "tau2": 0.2, "last_full": True, "warmup": 2, "max_consecutive": None}


class Recorder(http.server.BaseHTTPRequestHandler):
    """Writes the body of each request to a file; its first line is the boundary's."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        (HERE / f"openai_{self.path.rsplit('/', 1)[-1]}.bin").write_bytes(body)
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)


def png(mode: str, color: tuple[int, ...], hole: bool = False) -> bytes:
    image = Image.new(mode, (128, 128), color)
    if hole:
        image.paste((0, 0, 0, 0), (32, 32, 96, 96))
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def main() -> None:
    """Start a server, ask it, leave the files."""
    server = http.server.HTTPServer(("127.0.0.1", 0), Recorder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = openai.OpenAI(base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="none")
    image = ("in.png", png("RGB", (200, 40, 40)), "image/png")
    client.images.edit(
        model="flux-nano",
        image=[image],
        mask=("mask.png", png("RGBA", (0, 0, 0, 255), hole=True), "image/png"),
        prompt="a large red heart at the left on a blue background",
        n=2,
        size="128x128",
        quality="high",
        background="opaque",
        output_format="png",
        input_fidelity="high",
        stream=False,
        extra_body={"seed": 7, "strength": 0.5, "num_inference_steps": 10, "guidance_scale": 2.5, "cache": CACHE},
    )
    client.images.create_variation(image=image, n=1, size="256x256", response_format="b64_json")


main()
