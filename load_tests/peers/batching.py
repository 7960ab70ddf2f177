"""``python -m load_tests.peers.batching``: LitServe with batching around one FluxPipeline."""

import litserve

from load_tests.peers.bounded_queue import BoundedQueue
from load_tests.peers.images_api import ImagesApi
from load_tests.peers.peer_flags import peer_parser


def main() -> None:
    """Serve until a signal."""
    parser = peer_parser(__doc__)
    parser.add_argument("--batch-size", type=int, default=8, help="requests collected at most (8)")
    parser.add_argument("--wait", type=float, default=0.05, help="seconds to collect (0.05)")
    arguments = parser.parse_args()
    api = ImagesApi(
        arguments.model, arguments.text_length, arguments.threads, arguments.batch_size, arguments.wait
    )
    server = litserve.LitServer(
        api, accelerator="cpu", timeout=False, middlewares=[(BoundedQueue, {"most": arguments.max_queue})]
    )
    server.run(host="127.0.0.1", port=arguments.port, log_level="warning", generate_client_file=False)


if __name__ == "__main__":
    main()
