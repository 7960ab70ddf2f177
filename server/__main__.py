"""The command line: ``h2serve serve``, ``bench`` and ``calibrate``."""

import argparse
import asyncio
import json
import logging
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from server.app import EmbeddedServer, real_engine, served_profile
from server.calibrate.command import Calibration, calibrate
from server.errors import ServerError, StartupError
from server.profile import ModelProfile, load_profile
from server.serve import open_socket, serve
from server.settings import DEFAULT_FILE, load_settings

FLAGS = ("model", "device", "dtype", "host", "port", "max_batch", "max_queue", "presets")
BENCHMARKS = ("overhead", "throughput", "http", "memory", "presets")


def main(words: Sequence[str] | None = None) -> None:
    """Exit code 0 after an orderly end, 2 with one line when the process cannot start, 1 when it broke."""
    arguments = parser().parse_args(words)
    try:
        arguments.run(arguments)
    except ServerError as error:
        print(f"h2serve: {error.message}", file=sys.stderr)
        sys.exit(2 if isinstance(error, StartupError) else 1)


def parser() -> argparse.ArgumentParser:
    """All commands and flags; a flag that is not given leaves the profile's value."""
    top = argparse.ArgumentParser(prog="h2serve", description="Flux images under H2-Cache.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("serve", help="API, queue and engine in one process")
    command.add_argument("--model", help="a profile's name, a diffusers folder or a hub id (flux-nano)")
    command.add_argument("--device", help="auto, cpu, cuda, cuda:N or mps (auto)")
    command.add_argument("--dtype", help="auto, float32, bfloat16 or float16 (auto)")
    command.add_argument("--host", help="address to listen on (127.0.0.1)")
    command.add_argument("--port", type=int, help="port to listen on, 0 for a free one (8000)")
    command.add_argument("--max-batch", type=int, help="samples in one forward at most (8)")
    command.add_argument("--max-queue", type=int, help="images waiting at most (128)")
    command.add_argument("--presets", help="a TOML file of calibrate, whose presets are added to the model's")
    command.add_argument("--config", type=Path, default=DEFAULT_FILE, help="a TOML profile")
    command.set_defaults(run=run_serve)
    command = commands.add_parser("bench", help="the numbers of docs/benchmarks.md")
    command.add_argument("--engine", action="store_true", required=True, help="cache, throughput, HTTP, memory")
    command.add_argument("--only", choices=BENCHMARKS, help="one of them")
    command.add_argument("--model", default="flux-nano", help="of throughput and presets (flux-nano)")
    command.add_argument("--device", default="cpu", help="of throughput and presets: auto, cpu, cuda (cpu)")
    command.set_defaults(run=run_bench)
    command = commands.add_parser("calibrate", help="presets measured on your own model and prompts")
    command.add_argument("--model", default="flux-nano", help="a profile's name, a diffusers folder or a hub id")
    command.add_argument("--prompts", type=Path, required=True, help="a prompt a line, UTF-8")
    command.add_argument("--out", type=Path, required=True, help="the TOML file; a plot goes beside it")
    command.add_argument("--seeds", type=int, default=1, help="seeds 0 to N - 1 for each prompt (1)")
    command.add_argument("--steps", type=int, help="denoising steps (the model's default)")
    command.add_argument("--device", default="cpu", help="cpu or cuda (cpu)")
    command.set_defaults(run=run_calibrate)
    return top


def run_serve(arguments: argparse.Namespace) -> None:
    """Read the settings, open the socket, serve."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # Read when transformers is imported: it would remark that torchvision is not there, and nothing needs it.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    settings = load_settings(arguments.config, given(arguments), os.environ)
    profile = served_profile(settings)
    listening = open_socket(settings.host, settings.port)
    host, port = listening.getsockname()[:2]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    print(f"h2serve: loading {profile.name} ...", flush=True)
    server = EmbeddedServer(settings, profile, lambda: real_engine(settings, profile))
    asyncio.run(serve(server, listening, lambda: print(greeting(address, profile), flush=True)))


def run_bench(arguments: argparse.Namespace) -> None:
    """Print the table; the benchmarks import much that the server does not need."""
    from server.bench.table import print_table

    print_table(arguments.only, arguments.model, arguments.device)


def run_calibrate(arguments: argparse.Namespace) -> None:
    """Measure presets and write them."""
    profile = load_profile(arguments.model)
    calibrate(
        Calibration(profile, arguments.prompts, arguments.out, arguments.seeds, arguments.steps, arguments.device)
    )
    print(f"h2serve: wrote {arguments.out}; serve it with `h2serve serve --presets {arguments.out}`")


def given(arguments: argparse.Namespace) -> dict[str, Any]:
    """The flags that were given."""
    return {name: value for name in FLAGS if (value := getattr(arguments, name)) is not None}


def greeting(address: str, profile: ModelProfile) -> str:
    """The address, and a line to paste that makes an image."""
    body = json.dumps({"prompt": profile.example_prompt, "cache": profile.default_preset, "seed": 7})
    decode = "base64.b64decode(json.load(sys.stdin)['data'][0]['b64_json'])"
    save = f"import sys,json,base64;open('image.png','wb').write({decode})"
    return (
        f"h2serve: {profile.name} is ready at {address} (docs at {address}/docs). Try:\n\n"
        f"  curl -s {address}/v1/images/generations -H 'content-type: application/json' \\\n"
        f"    -d {shlex.quote(body)} \\\n"
        f'    | python3 -c "{save}"\n'
    )


if __name__ == "__main__":
    main()
