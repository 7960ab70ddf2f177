"""A message goes to a listed name at a public address, once looked up, and again until it is taken."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from server.errors import RequestError, SettingsError
from server.webhooks.address import is_public
from server.webhooks.origin import check_url, read_origins
from server.webhooks.retry import WAITS_S, wait_before_next
from tests.webhooks.receiver import ORIGINS, PUBLIC, Receiver

URL = "https://hooks.example/done?x=1"


def send(receiver: Receiver, url: str = URL) -> bool:
    return asyncio.run(receiver.sender().send(url, "0" * 32, b'{"a": 1}'))


def test_a_message_goes_to_the_address_that_was_looked_up_under_the_receivers_name() -> None:
    receiver = Receiver()
    assert send(receiver)
    (request,) = receiver.requests
    assert str(request.url) == f"https://{PUBLIC}/done?x=1"
    assert (request.headers["host"], request.extensions["sni_hostname"]) == ("hooks.example", "hooks.example")
    assert (request.method, request.content) == ("POST", b'{"a": 1}')
    assert receiver.asked == [("hooks.example", 443)], "one look-up a connection: nothing to rebind"


@pytest.mark.parametrize(
    ("url", "to", "host"),
    [
        ("https://v6.example:8443/a", "https://[2606:2800:21f:cb07::1]:8443/a", "v6.example:8443"),
        ("http://hooks.example:8080/", f"http://{PUBLIC}:8080/", "hooks.example:8080"),
        ("HTTPS://HOOKS.example/", f"https://{PUBLIC}/", "hooks.example"),
    ],
)
def test_ports_and_kinds_of_addresses_are_kept(url: str, to: str, host: str) -> None:
    receiver = Receiver()
    receiver.sender().check(url)
    assert send(receiver, url)
    (request,) = receiver.requests
    assert (str(request.url), request.headers["host"]) == (to, host)


PRIVATE = [
    *(
        "127.0.0.1",
        "127.8.8.8",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
    ),
    *("255.255.255.255", "224.0.0.1", "192.0.2.1", "198.18.0.1", "240.0.0.1"),
    *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1"),
    *("::ffff:127.0.0.1", "::ffff:93.184.215.14", "::7f00:1", "64:ff9b::7f00:1", "64:ff9b:1::1"),
    *("2002:7f00:1::", "2001:0:7f00:1::", "not an address", "", "127.1", "0x7f000001"),
]


@pytest.mark.parametrize("address", PRIVATE)
def test_nothing_is_sent_where_any_address_of_the_name_is_not_public(address: str) -> None:
    for found in ([address], [PUBLIC, address], [address, PUBLIC]):
        receiver = Receiver(names={"hooks.example": found})
        assert not send(receiver)
        assert receiver.requests == []


def test_public_addresses_are_public() -> None:
    assert all(map(is_public, ("1.1.1.1", PUBLIC, "2606:4700:4700::1111", "2a00:1450:4001::200e")))


def test_a_name_that_turns_to_a_private_address_between_two_attempts_gets_no_more() -> None:
    receiver = Receiver([500])
    names = iter([[PUBLIC]])

    async def turning(host: str, port: int) -> list[str]:
        return next(names, ["169.254.169.254"])

    receiver._resolve = turning  # type: ignore[method-assign]  # this receiver's own names
    assert not send(receiver)
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example:444/",
        "http://hooks.example/",
        "https://hooks.example.evil.example/",
        "https://evil.example/hooks.example",
        "https://hooks.example@evil.example/",
        "https://user:word@hooks.example/",
        "https://evil.example#@hooks.example/",
        "https://evil.example\\@hooks.example/",
        "https://hooks.example./",
        "https://93.184.215.14/",
        "https://hooks.example:0/",
        "https://hooks.example:x/",
        "https://hooks.example:99999/",
        "https://hooks.example/\r\nx: y",
        "https://hooks.example/ x",
        "https://h\u00f6oks.example/",
        "//hooks.example/",
        "/hooks.example",
        "ftp://hooks.example/",
        "file:///etc/passwd",
        "https://",
        "https://[::1]/",
        "https://[/",
        "",
    ],
)
def test_what_is_not_listed_or_oddly_written_is_refused(url: str) -> None:
    with pytest.raises(RequestError, match="webhook_url") as raised:
        check_url(url, read_origins(ORIGINS))
    assert raised.value.param == "webhook_url"


@pytest.mark.parametrize(
    "word", ["hooks.example", "https://a.example/path", "https://a.example/?x", "ftp://a.example", "*"]
)
def test_a_setting_that_lists_no_origin_is_an_error(word: str) -> None:
    with pytest.raises(SettingsError, match="webhook_origins has"):
        read_origins(f"https://hooks.example {word}")


@pytest.mark.parametrize("statuses", [[500], [0], [301], [302], [307], [404], [429, 503]])
def test_what_is_not_taken_is_sent_again_after_a_wait_and_a_redirect_is_not_followed(statuses: list[int]) -> None:
    receiver = Receiver(list(statuses))
    assert send(receiver)
    assert receiver.waits == [1.5 * wait_s for wait_s in WAITS_S[: len(statuses)]]
    assert {str(request.url) for request in receiver.requests} == {f"https://{PUBLIC}/done?x=1"}
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1


def test_a_receiver_that_never_takes_it_is_given_up_and_one_that_is_gone_at_once() -> None:
    never = Receiver([0] * 99)
    assert not send(never)
    assert len(never.requests) == len(WAITS_S) + 1
    gone = Receiver([410])
    assert not send(gone)
    assert len(gone.requests) == 1


def test_waits_grow_and_are_spread() -> None:
    waits = [wait_before_next(attempt, 500, 0.0) for attempt in range(1, 7)]
    assert waits == [*WAITS_S, None]
    assert list(WAITS_S) == sorted(WAITS_S)
    assert wait_before_next(1, 500, 1.0) == 2 * WAITS_S[0]


def test_a_look_up_that_fails_is_tried_again() -> None:
    receiver = Receiver(names={})
    assert not send(receiver)
    assert len(receiver.asked) == len(WAITS_S) + 1


def test_a_receiver_that_answers_for_ever_is_not_read() -> None:
    receiver = Receiver()

    async def endless(request: httpx.Request) -> httpx.Response:
        async def body() -> AsyncIterator[bytes]:
            while True:
                yield b"x" * 65536

        return httpx.Response(200, content=body())

    receiver._answer = endless  # type: ignore[method-assign]  # this receiver's own answer
    assert send(receiver)
