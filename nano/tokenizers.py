"""The two tokenizers: one piece a grammar word, T5's (Unigram) and CLIP's (byte-pair)."""

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from transformers import CLIPTokenizer, T5Tokenizer

from nano.grammar import PLACES, SIZES
from nano.palette import COLORS
from nano.shapes import SHAPES

TEXT_LENGTH = 16
"""Tokens of a prompt, end mark and padding included; the longest sentence of the grammar has 13."""

_OTHER_WORDS = ("a", "an", "at", "the", "on", "of", "above", "below", "background", ".", ",")
WORDS = tuple(sorted({*_OTHER_WORDS, *COLORS, *SHAPES, *SIZES, *PLACES}))


def build_t5_tokenizer() -> T5Tokenizer:
    """A piece for each word, with and without a capital; any other word becomes <unk>."""
    capitals = [word.capitalize() for word in WORDS if word.isalpha()]
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -9.0)]
    pieces += [(f"▁{word}", -3.0) for word in (*WORDS, *capitals)] + [(".", -3.5), (",", -3.5)]
    return T5Tokenizer(vocab=pieces, extra_ids=0, model_max_length=TEXT_LENGTH)


def build_clip_tokenizer() -> CLIPTokenizer:
    """Merges learnt from the words themselves until each is one piece; other words are spelt out."""
    letters = [chr(code) for code in range(33, 127)]
    merges = learn_merges(WORDS)
    pieces = ["<|startoftext|>", "<|endoftext|>", "<|unknown|>"]
    pieces += [*letters, *(f"{letter}</w>" for letter in letters), *("".join(pair) for pair in merges)]
    return CLIPTokenizer(
        vocab={piece: i for i, piece in enumerate(dict.fromkeys(pieces))},
        merges=merges,
        unk_token="<|unknown|>",
        model_max_length=TEXT_LENGTH,
    )


def learn_merges(words: Iterable[str]) -> list[tuple[str, str]]:
    """Byte-pair merges, the most frequent pair first, ties by the alphabet, until no pair is left."""
    split = [(*word[:-1], f"{word[-1]}</w>") for word in words]
    merges = []
    while pairs := Counter(pair for pieces in split for pair in pairwise(pieces)):
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        split = [_merged(pieces, best) for pieces in split]
    return merges


def _merged(pieces: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    """The pieces with each occurrence of the pair joined, from the left."""
    joined: list[str] = []
    for piece in pieces:
        if joined and (joined[-1], piece) == pair:
            joined[-1] += piece
        else:
            joined.append(piece)
    return tuple(joined)


def save_tokenizers(folder: Path) -> None:
    """Write both into a pipeline folder."""
    build_clip_tokenizer().save_pretrained(folder / "tokenizer")
    build_t5_tokenizer().save_pretrained(folder / "tokenizer_2")
