"""``python -m load_tests.peers.deep_model FOLDER``: flux-nano around a random transformer of FLUX.1's depth.

What matters on it is time: 19 + 38 blocks of width 384 outweigh text encoders and decoder, as they do in FLUX.1.
Its images show nothing.
"""

import argparse
from pathlib import Path

import torch
from diffusers import FluxPipeline, FluxTransformer2DModel

DEPTH = {"num_layers": 19, "num_single_layers": 38}
HEADS = 6
"""Of 64 channels."""
PROFILE = Path("config/models/flux-nano.toml")
"""Of our server, for its sizes; its presets were measured on another model."""


def main() -> None:
    """Write the folder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--around", default="nano/flux-nano", help="where all else is from (nano/flux-nano)")
    arguments = parser.parse_args()
    pipeline = FluxPipeline.from_pretrained(arguments.around, torch_dtype=torch.float32)
    torch.manual_seed(0)
    config = {**pipeline.transformer.config, **DEPTH, "num_attention_heads": HEADS}
    deep = FluxTransformer2DModel.from_config(config)
    pipeline.register_modules(transformer=deep)
    pipeline.save_pretrained(arguments.folder)
    (arguments.folder / "h2serve.toml").write_text(profile(arguments.folder.name), encoding="utf-8")


def profile(name: str) -> str:
    """flux-nano's under another name, without what was measured."""
    dropped = ("aliases", "measured_", "name", "#")
    lines = PROFILE.read_text(encoding="utf-8").splitlines()
    return "\n".join([f'name = "{name}"', *(line for line in lines if not line.startswith(dropped))]) + "\n"


if __name__ == "__main__":
    main()
