"""``python -m load_tests.peers.one_lock``: FastAPI, one FluxPipeline, one lock."""

import threading
from typing import Any

import uvicorn
from fastapi import FastAPI

from load_tests.peers.bounded_queue import BoundedQueue
from load_tests.peers.peer_flags import peer_parser
from load_tests.peers.pipeline import Answer, Pipeline
from load_tests.peers.wanted import parse_wanted


def create_app(pipeline: Pipeline) -> FastAPI:
    """The endpoint, and one to ask whether it is there."""
    app, lock = FastAPI(), threading.Lock()

    @app.post("/v1/images/generations")
    def generate(body: dict[str, Any]) -> Answer:
        """One image at a time."""
        with lock:
            (answer,) = pipeline.generate([parse_wanted(body)])
        return answer

    @app.get("/health")
    def health() -> str:
        """The model is loaded."""
        return "ok"

    return app


def main() -> None:
    """Serve until a signal."""
    arguments = peer_parser(__doc__).parse_args()
    app = create_app(Pipeline(arguments.model, arguments.text_length, arguments.threads))
    bounded = BoundedQueue(app, arguments.max_queue)
    uvicorn.run(bounded, host="127.0.0.1", port=arguments.port, log_level="warning")


if __name__ == "__main__":
    main()
