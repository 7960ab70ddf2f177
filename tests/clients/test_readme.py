"""The README's lines for other people's clients are run as they stand, but for the address."""

import re
import shutil
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from server.engine.fake import InstantEngine
from tests.clients.foreign import ROOT, node, python_of, run, there_or_skip
from tests.live import live_server

ADDRESS = "http://127.0.0.1:8000"
README = (ROOT / "README.md").read_text()


def snippet(language: str, word: str) -> str:
    """The one fenced block of the language with the word in it."""
    (found,) = (code for code in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) if word in code)
    assert ADDRESS in found
    return str(found)


def curl_line() -> str:
    (found,) = re.findall(r"    (curl -s \S+/v1/images/generations .*?)\n\n", README, re.DOTALL)
    return str(found)


@pytest.mark.parametrize("client", ["curl", "openai", "litellm", "fetch"])
def test_the_line_makes_an_image(client: str, tmp_path: Path) -> None:
    match client:
        case "curl":
            there_or_skip(shutil.which("curl"), "there is no curl here")
            command, code = ["sh", "-c"], curl_line()
        case "fetch":
            command, code = [node(), "--input-type=module", "--eval"], snippet("js", "fetch")
        case _:
            command, code = [python_of(client), "-c"], snippet("python", f"import {client}")
    with live_server(InstantEngine) as server:
        run([*command, code.replace(ADDRESS, str(server.base_url).rstrip("/"))], tmp_path)
    with Image.open(BytesIO((tmp_path / "image.png").read_bytes())) as image:
        assert (image.format, image.size) == ("PNG", (128, 128))
