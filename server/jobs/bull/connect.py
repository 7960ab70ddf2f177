"""How we talk to Redis: few connections, short patience, no silent waiting."""

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError, TimeoutError

CONNECTIONS = 12
"""With the reader's subscription and a worker's wait this stays below 16 a process."""
ANSWER_S = 5.0
CONNECT_S = 2.0


def connect(url: str, connections: int = CONNECTIONS, answer_s: float = ANSWER_S) -> Redis:
    """A client over a pool; a command that finds all connections busy waits for one, as long as for an answer.

    A command that failed on its way is sent again twice: every command may arrive twice.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=connections,
        timeout=answer_s,
        decode_responses=True,
        encoding_errors="replace",  # a payload that is no text is one job's affair
        protocol=2,
        socket_timeout=answer_s,
        socket_connect_timeout=CONNECT_S,
        health_check_interval=15,
        retry=Retry(ExponentialWithJitterBackoff(base=0.05, cap=0.5), 2),
        retry_on_error=[ConnectionError, TimeoutError],
    )
    return Redis.from_pool(pool)
