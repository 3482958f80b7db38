"""`knetik sandbox`: start the stand-in server."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import click


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--host", default="127.0.0.1", help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, help="Port to listen on; 0 picks a free one."
)
@click.option(
    "--database",
    metavar="FILE|URL",
    help="SQLite file to keep the data in, or postgresql://user@host/name; in memory by default.",
)
@click.option(
    "--seed",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Fill an empty database from this YAML file instead of the demo data.",
)
@click.option("--empty", is_flag=True, help="Leave an empty database empty.")
@click.option("--require-auth", is_flag=True, help="Enforce tokens and permissions.")
@click.option(
    "--allow-host",
    multiple=True,
    metavar="NAME",
    help="Host name to serve and to accept web pages of, in addition to IP addresses and localhost.",
)
@click.option(
    "--control",
    type=click.Choice(["loopback", "anywhere", "off"]),
    default="loopback",
    help="Whom the control API under /_sandbox/ serves.",
)
@click.option("--workers", type=click.IntRange(min=1), default=1, help="Server processes; PostgreSQL only.")
@click.option(
    "--token-lifetime",
    type=click.IntRange(min=1),
    default=43_200,
    metavar="SECONDS",
    help="Life of access tokens.",
)
@click.option(
    "--fulfillment-delay",
    type=click.IntRange(min=0),
    default=1,
    metavar="SECONDS",
    help="Time from an invoice to its fulfillment.",
)
def sandbox(**options: Any) -> None:
    """Start the stand-in server; its address is the first line on stdout, printed once it answers.

    Point a program that uses the SDK at it with the environment variable KNETIK_CLOUD_HOST, such as
    KNETIK_CLOUD_HOST=http://127.0.0.1:8080; open /docs at its address to read the API and try it out.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from knetik_cloud.sandbox.errors import ServiceError
    from knetik_cloud.sandbox.server import UnusableAddress, run
    from knetik_cloud.sandbox.settings import Settings
    from knetik_cloud.sandbox.storage import UnusableDatabase

    if options["seed"] and options["empty"]:
        raise click.UsageError("--seed and --empty exclude each other")
    try:
        run(Settings(**options))
    except UnusableAddress as error:
        raise click.ClickException(f"{error}; {_advice(error)}") from error
    except (UnusableDatabase, ServiceError, RuntimeError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.FileError(str(error.filename), hint=error.strerror) from error
    except SQLAlchemyError as error:
        # What the driver said, without the statement and the link that SQLAlchemy adds.
        raise click.ClickException(f"the database can't be used: {getattr(error, 'orig', error)}") from error


def _advice(error: OSError) -> str:
    """Say what to do about an address that can't be listened on."""
    if error.errno in (errno.EADDRINUSE, errno.EACCES):
        return "--port 0 picks a free port"
    return "--host takes an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all of them"
