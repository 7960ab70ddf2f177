"""Sender and outbox, as an API process has them."""

from dataclasses import dataclass, field

from server.webhooks.outbox import Outbox
from server.webhooks.sender import WebhookSender


@dataclass
class Webhooks:
    """What an API process has to tell with; ``in_hand`` are the jobs whose letters it holds."""

    sender: WebhookSender
    outbox: Outbox
    in_hand: set[str] = field(default_factory=set)
