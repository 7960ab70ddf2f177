"""The flags that both peers' servers have."""

import argparse


def peer_parser(description: str | None) -> argparse.ArgumentParser:
    """To which a peer adds its own."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--model", required=True, help="a diffusers folder")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--text-length", type=int, default=512, help="tokens (512)")
    parser.add_argument("--max-queue", type=int, default=128, help="requests under way at most (128)")
    parser.add_argument("--threads", type=int, default=1, help="of torch (1)")
    return parser
