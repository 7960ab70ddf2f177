"""``h2serve keys``: API keys in a file or a Redis, which running servers read again and again."""

import json
import os
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.cli.options import Json

if TYPE_CHECKING:
    from server.access.key import ApiKey

Keys = Annotated[
    str,
    typer.Option("--keys", envvar="H2SERVE_KEYS", help="a file or a Redis URL, as for h2serve serve"),
]
PasswordFile = Annotated[
    str, typer.Option("--redis-password-file", envvar="H2SERVE_REDIS_PASSWORD_FILE", help="of a URL that has none")
]


def add(
    tenant: Annotated[str, typer.Option(help="who it is for; keys of one tenant see each other's images")],
    weight: Annotated[float, typer.Option(min=0.001, help="share of the workers against other tenants")] = 1.0,
    cost_per_s: Annotated[
        float | None, typer.Option(min=0.0001, help="rate: one is one full step over a megapixel, a second")
    ] = None,
    burst: Annotated[float | None, typer.Option(min=0.0001, help="what may be spent at once")] = None,
    max_n: Annotated[int | None, typer.Option(min=1, help="images a request")] = None,
    max_pixels: Annotated[int | None, typer.Option(min=1, help="width times height")] = None,
    max_steps: Annotated[int | None, typer.Option(min=1, help="denoising steps")] = None,
    max_in_flight: Annotated[int | None, typer.Option(min=1, help="images that wait or run")] = None,
    admin: Annotated[bool, typer.Option("--admin", help="may see every tenant's, and the metrics")] = False,
    keys: Keys = "keys.json",
    password_file: PasswordFile = "",
    as_json: Json = False,
) -> None:
    """Make a key and show it, once."""
    from server.access.caller import Caller, Limits
    from server.access.key import ApiKey, digest, new_secret
    from server.cli.key_book import open_book

    secret = new_secret()
    limits = Limits(cost_per_s, burst, max_n, max_pixels, max_steps, max_in_flight)
    hashed = digest(secret)
    key = ApiKey(hashed, Caller(os.urandom(4).hex(), tenant, weight, limits, admin), int(time.time()))
    open_book(keys, password_file).add(key)
    if as_json:
        typer.echo(json.dumps({**described(key), "key": secret}))
    else:
        typer.echo(f"h2serve: key {key.id} of {tenant} is kept. It is shown this once:\n{secret}")


def list_keys(keys: Keys = "keys.json", password_file: PasswordFile = "", as_json: Json = False) -> None:
    """List the keys, without their secrets, which nobody has but their owners."""
    from rich.console import Console
    from rich.table import Table

    from server.cli.key_book import open_book

    found = [described(key) for key in open_book(keys, password_file).all()]
    if as_json:
        typer.echo(json.dumps(found))
        return
    table = Table("id", "tenant", "weight", "bounds", "admin", "made")
    for key in found:
        bounds = ", ".join(f"{name} {value:g}" for name, value in key["limits"].items()) or "-"
        made = time.strftime("%Y-%m-%d", time.gmtime(key["created"]))
        table.add_row(key["id"], key["tenant"], f"{key['weight']:g}", bounds, "yes" if key["admin"] else "", made)
    Console().print(table)


def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="of h2serve keys list")],
    keys: Keys = "keys.json",
    password_file: PasswordFile = "",
    as_json: Json = False,
) -> None:
    """Make a key useless; running servers know within five seconds."""
    from server.cli.key_book import open_book
    from server.errors import RequestError

    book = open_book(keys, password_file)
    found = [key for key in book.all() if key.id == key_id]
    if not found:
        raise RequestError(f"there is no key {key_id[:64]!r}")
    book.remove(found[0])
    typer.echo(json.dumps(described(found[0])) if as_json else f"h2serve: key {key_id} is revoked")


def described(key: "ApiKey") -> dict[str, Any]:
    """A key without its hash."""
    from server.access.key_file import entry_of

    return {name: value for name, value in entry_of(key).items() if name != "sha256"}


def keys_group() -> typer.Typer:
    """The commands of ``h2serve keys``."""
    group = typer.Typer(name="keys", help="Add, list and revoke API keys.", no_args_is_help=True)
    group.command("add")(add)
    group.command("list")(list_keys)
    group.command("revoke")(revoke)
    return group
