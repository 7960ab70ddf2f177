"""`python -m nano.train --minutes N`: flux-nano from nothing to its folder; a stopped run goes on."""

import argparse
import copy
from pathlib import Path

import torch
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny

from nano.bank import Bank, build_bank
from nano.base import Compiler, Model, new_run, train_base
from nano.decoder import train_decoder
from nano.distil import new_distil_run, train_distil
from nano.export import FOLDER, export, fix_guidance
from nano.run import AveragedRun
from nano.settings import SETTINGS_FILE, FluxSettings, NanoSettings, load_settings
from nano.text import TextIds
from nano.vae import train_vae
from nano.warm_start import take_vae, take_weights
from nano.words import train_words


def main() -> None:
    """Each stage takes up what the one before left in the run's folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--minutes", type=float, required=True, help="the whole budget, shared out by settings.toml"
    )
    parser.add_argument("--run", type=Path, default=Path("nano-run"), help="checkpoints and the curve")
    parser.add_argument("--out", type=Path, default=FOLDER, help="the pipeline folder to write")
    parser.add_argument(
        "--warm-start", type=Path, help="a pipeline folder whose autoencoder and weights a new run goes on from"
    )
    parser.add_argument("--fresh-text", action="store_true", help="a warm start but for the text encoder")
    parser.add_argument("--settings", type=Path, default=SETTINGS_FILE, help="another settings.toml")
    arguments = parser.parse_args()
    arguments.run.mkdir(parents=True, exist_ok=True)
    train(
        load_settings(arguments.settings),
        60 * arguments.minutes,
        arguments.run,
        arguments.out,
        lambda module: torch.compile(module),
        arguments.warm_start,
        arguments.fresh_text,
    )


def train(
    settings: NanoSettings,
    seconds: float,
    run_folder: Path,
    out: Path,
    compiler: Compiler,
    warm_start: Path | None = None,
    fresh_text: bool = False,
) -> None:
    """All stages; `seconds` is the whole budget. A warm start has its autoencoder already."""
    if not (run_folder / "vae").exists():
        if warm_start:
            take_vae(warm_start).save_pretrained(run_folder / "vae")
        else:
            train_vae(settings.vae, settings.vae.share * seconds, run_folder)
    vae = AutoencoderTiny.from_pretrained(run_folder / "vae").eval()
    banks = load_banks(vae, settings.flux, run_folder / "banks.pt")
    base = new_run(settings.flux)
    if warm_start:
        take_weights(base, warm_start, fresh_text)
    if warm_start and not fresh_text:
        hold_text(base)
    elif not (run_folder / "base.pt").exists():
        teach_words(base, banks[0], settings, seconds, run_folder)
    train_base(
        base,
        banks,
        settings.flux,
        settings.words.weight,
        settings.flux.share * seconds,
        run_folder,
        compiler,
    )
    export(fix_guidance(base.average), copy.deepcopy(vae), out)
    student = distilled(base.average, banks, settings, seconds, run_folder, compiler)
    export(student, sharpened(vae, settings, seconds, run_folder), out)


def hold_text(run: AveragedRun[Model]) -> None:
    """Leave an encoder that knows the words as it is: the images alone, or an untaught reader, would undo that."""
    run.model.text.requires_grad_(False)
    run.model.words.requires_grad_(False)


def teach_words(
    run: AveragedRun[Model], bank: Bank, settings: NanoSettings, seconds: float, run_folder: Path
) -> None:
    """The text encoder before it sees images; the average starts from what it has learnt."""
    text, reader = run.model.text, run.model.words
    stage_s = settings.words.share * seconds
    train_words(text, reader, bank.text, bank.words, settings.words, stage_s, run_folder)
    run.average.text.load_state_dict(text.state_dict())
    run.average.words.load_state_dict(reader.state_dict())


def distilled(
    teacher: Model,
    banks: list[Bank],
    settings: NanoSettings,
    seconds: float,
    run_folder: Path,
    compiler: Compiler,
) -> Model:
    """The guided student's averaged weights."""
    run = new_distil_run(teacher, settings.distil)
    train_distil(
        run,
        teacher,
        banks,
        settings.flux,
        settings.distil,
        settings.distil.share * seconds,
        run_folder,
        compiler,
    )
    return run.average


def sharpened(vae: AutoencoderTiny, settings: NanoSettings, seconds: float, run_folder: Path) -> AutoencoderTiny:
    """The autoencoder with the decoder of its second stage."""
    if not (run_folder / "vae-sharp").exists():
        train_decoder(vae, settings.vae, settings.decoder, settings.decoder.share * seconds, run_folder)
    return AutoencoderTiny.from_pretrained(run_folder / "vae-sharp").eval()


def load_banks(vae: AutoencoderTiny, settings: FluxSettings, path: Path) -> list[Bank]:
    """The main size first, then the others; kept in a file for the next start."""
    if path.exists():
        with torch.serialization.safe_globals([Bank, TextIds]):
            return list(torch.load(path, weights_only=True))
    vae = vae.to(memory_format=torch.channels_last)
    banks = [build_bank(vae, range(settings.bank_scenes), 128, 128, settings.pair_share)]
    for i, (width, height) in enumerate(settings.other_sizes):
        first = settings.bank_scenes + i * settings.other_size_scenes
        seeds = range(first, first + settings.other_size_scenes)
        banks.append(build_bank(vae, seeds, width, height, settings.pair_share))
    torch.save(banks, path)
    return banks


if __name__ == "__main__":
    main()
