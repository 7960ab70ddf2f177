"""``h2serve serve``: API, queue and engine in one process."""

import json
import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.early_end import end_early_when_told
from server.cli.options import Device, Dtype, Host, MaxBatch, MaxQueue, Model, Port, Profile
from server.cli.serving import serving_settings

if TYPE_CHECKING:
    from server.profile import ModelProfile


def serve(
    model: Model = None,
    device: Device = None,
    dtype: Dtype = None,
    host: Host = None,
    port: Port = None,
    max_batch: MaxBatch = None,
    max_queue: MaxQueue = None,
    presets: Annotated[
        str | None, typer.Option(help="a TOML file of calibrate, whose presets are added to the model's")
    ] = None,
    keys: Annotated[
        str | None,
        typer.Option(help="file or Redis of `h2serve keys`; without it everybody may call, on loopback only"),
    ] = None,
    insecure_no_auth: Annotated[
        bool, typer.Option("--insecure-no-auth", help="listen on other addresses without keys")
    ] = False,
    config: Profile = None,
) -> None:
    """Serve a model: API, queue and engine in one process."""
    end_early_when_told()
    from server.app import EmbeddedServer
    from server.app_access import keys_of
    from server.app_engine import real_engine
    from server.app_models import served_profile
    from server.loading import run_and_leave
    from server.serve import open_socket
    from server.serve import serve as serve_until_signalled

    settings = serving_settings(
        config,
        model=model,
        device=device,
        dtype=dtype,
        host=host,
        port=port,
        max_batch=max_batch,
        max_queue=max_queue,
        presets=presets,
        keys=keys,
        insecure_no_auth=insecure_no_auth or None,
    )
    profile = served_profile(settings)
    keys_of(settings)  # before anything is loaded
    listening = open_socket(settings.host, settings.port)
    address = address_of(*listening.getsockname()[:2])
    typer.echo(f"h2serve: loading {profile.name} ...")
    server = EmbeddedServer(settings, profile, lambda: real_engine(settings, profile))
    run_and_leave(
        serve_until_signalled(
            server, listening, lambda: typer.echo(greeting(address, profile, settings.playground))
        )
    )


def address_of(host: str, port: int) -> str:
    """The URL of a listening socket."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def greeting(address: str, profile: "ModelProfile", playground: bool) -> str:
    """The address, and a line to paste that makes an image."""
    body = json.dumps({"prompt": profile.example_prompt, "cache": profile.default_preset, "seed": 7})
    decode = "base64.b64decode(json.load(sys.stdin)['data'][0]['b64_json'])"
    save = f"import sys,json,base64;open('image.png','wb').write({decode})"
    page = ", which a browser shows as a playground" if playground else ""
    return (
        f"h2serve: {profile.name} is ready at {address}{page}. Try:\n\n"
        f"  curl -s {address}/v1/images/generations -H 'content-type: application/json' \\\n"
        f"    -d {shlex.quote(body)} \\\n"
        f'    | python3 -c "{save}"\n'
    )
