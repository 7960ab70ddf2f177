"""Addresses of results that are good for a while and for everybody who has them: no key, a signature instead."""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import urlencode

LATEST = 10**11
"""Seconds since 1970 of the year 5138: what is later was not signed here."""


class Grant(Enum):
    """What an address' signature says."""

    GOOD = "good"
    EXPIRED = "expired"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class UrlSigner:
    """``secret`` has to be the same in all processes; ``wall_clock`` gives seconds since 1970."""

    secret: bytes = field(repr=False)
    life_s: float
    wall_clock: Callable[[], float]

    def path(self, job_id: str, index: int) -> str:
        """Where image ``index`` of the job is to be had from now on for ``life_s`` seconds."""
        expires = int(self.wall_clock() + self.life_s)
        query = {"image": index, "expires": expires, "signature": self._signature(job_id, index, expires)}
        return f"/v1/files/{job_id}?{urlencode(query)}"

    def judge(self, job_id: str, query: Mapping[str, str]) -> Grant:
        """Compared in constant time. An address past its life was good once: only those are told so."""
        image, expires = query.get("image", ""), query.get("expires", "")
        if not _is_number(image) or not _is_number(expires) or int(expires) > LATEST:
            return Grant.WRONG
        signature = self._signature(job_id, int(image), int(expires))
        if not hmac.compare_digest(signature.encode(), query.get("signature", "").encode("utf-8", "replace")):
            return Grant.WRONG
        return Grant.GOOD if self.wall_clock() < int(expires) else Grant.EXPIRED

    def _signature(self, job_id: str, index: int, expires: int) -> str:
        return hmac.new(self.secret, f"{job_id}/{index}/{expires}".encode(), "sha256").hexdigest()


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 12
