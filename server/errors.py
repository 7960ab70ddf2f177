"""The one tree of errors.

    ServerError
    |-- RequestError            the client can cure it: 400 and its kin
    |   |-- UnknownModel        404
    |   |-- UnknownJob          404, or another tenant's
    |   |-- UnknownFile         404, or not by this address
    |   |-- UnknownPrompt       400, told by the engine of a model without a text encoder
    |   |-- BodyTooLarge        413
    |   `-- UnsupportedMedia    415
    |-- BodyTooSlow             408, the body did not come in time
    |-- NotAllowed              401, no key or none that is good
    |-- QueueFull               429, come back after ``retry_after_s``
    |   `-- RateLimited         429, this key's own bounds
    |-- NotReady                503, loading or draining
    |   |-- ShuttingDown        503, the job that was waited for lives on
    |   |-- StorageUnreachable  503, nobody answers where jobs or results are kept
    |   `-- StorageFull         503, there is no room left, or writes are refused
    |-- JobFailed               500, the engine could not make this image
    |   `-- JobDead             500, lost with its worker too often
    |-- ResultGone              410, it was there and is past its life
    |-- JobCancelled            409, ended on the client's wish
    |-- KeyConflict             409, the Idempotency-Key stands for another request
    |-- JobExpired              504, its deadline passed before it was started
    |-- JobLost                 500, the queue's store lost it; a repeated request is a new one
    |-- PayloadError            what the queue's store holds cannot be read by this version
    `-- StartupError            the process cannot start: one line, exit code 2
        |-- SettingsError       a profile or environment variable is wrong
        `-- ModelLoadError      a model folder is missing, half, or of another architecture

A message says what was wrong, the value (cut short, never a prompt) and what is allowed.
"""

from typing import ClassVar


class ServerError(Exception):
    """Base of everything that h2serve raises on purpose."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "server_error"
    code: ClassVar[str] = "internal_error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class RequestError(ServerError):
    """The request is wrong; ``param`` is the dotted path of the field, such as ``cache.tau3``."""

    status = 400
    type = "invalid_request_error"
    code = "invalid_value"

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class UnknownModel(RequestError):
    """The request names a model that is not served here."""

    status = 404
    code = "model_not_found"


class UnknownJob(RequestError):
    """There is no such job, or it is another tenant's."""

    status = 404
    code = "job_not_found"


class UnknownFile(RequestError):
    """There is no such file, or the address is not signed for it."""

    status = 404
    code = "file_not_found"


class UnknownPrompt(RequestError):
    """The model has no text encoder, and no embedding of this prompt: an engine finds that out, not the API.

    A failed job's end with these words is this error, so that they are always the same.
    """

    code = "unknown_prompt"
    WORDS: ClassVar[str] = (
        "prompt is none that this model has an embedding of, and it has no text encoder, "
        "allowed are those of its prompt_embeds.safetensors"
    )

    def __init__(self) -> None:
        super().__init__(self.WORDS, "prompt")


class BodyTooLarge(RequestError):
    """The body is longer than the server reads."""

    status = 413
    code = "body_too_large"


class UnsupportedMedia(RequestError):
    """The body is not JSON by its content type."""

    status = 415
    code = "unsupported_media_type"


class QueueFull(ServerError):
    """No room for the whole request; try again after ``retry_after_s`` seconds."""

    status = 429
    type = "rate_limit_error"
    code = "queue_full"

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RateLimited(QueueFull):
    """The key has spent its rate or has as much under way as it may."""

    code = "rate_limited"


class BodyTooSlow(ServerError):
    """The client has not sent its body within the time for it."""

    status = 408
    type = "invalid_request_error"
    code = "request_timeout"


class NotAllowed(ServerError):
    """The request has no API key, or one that is unknown, revoked or not good for this path."""

    status = 401
    type = "authentication_error"
    code = "invalid_api_key"


class NotReady(ServerError):
    """The server is loading its model or shutting down."""

    status = 503
    code = "not_ready"


class ShuttingDown(NotReady):
    """This process stops; the job that the client waits for lives on, and the same request finds it again."""

    def __init__(self, message: str, job_id: str) -> None:
        super().__init__(message)
        self.job_id = job_id


class StorageUnreachable(NotReady):
    """Jobs or results are kept elsewhere, and there nobody answers; it may pass."""

    code = "storage_unreachable"


class StorageFull(NotReady):
    """Where jobs or results are kept nothing more is taken."""

    code = "storage_full"


class JobFailed(ServerError):
    """The engine could not make this image; other requests are not affected."""

    code = "generation_failed"


class JobDead(JobFailed):
    """The job was lost with its worker too often to be tried again."""

    code = "job_dead"


class ResultGone(ServerError):
    """What is asked for was there and is past its life."""

    status = 410
    type = "invalid_request_error"
    code = "expired"


class JobCancelled(ServerError):
    """The job was cancelled before it finished."""

    status = 409
    code = "cancelled"


class KeyConflict(ServerError):
    """The Idempotency-Key was used for another request within its life."""

    status = 409
    type = "invalid_request_error"
    code = "idempotency_conflict"


class JobExpired(ServerError):
    """The job waited longer than its deadline allows and never ran."""

    status = 504
    code = "deadline_exceeded"


class JobLost(ServerError):
    """The job was accepted, and the queue's store no longer knows it."""

    code = "job_lost"


class PayloadError(ServerError):
    """A stored payload is not what this version reads."""

    code = "payload_error"


class StartupError(ServerError):
    """The process cannot start."""

    code = "startup_error"


class SettingsError(StartupError):
    """A configuration file, environment variable or argument is wrong."""


class ModelLoadError(StartupError):
    """The model cannot be loaded from where it was said to be."""
