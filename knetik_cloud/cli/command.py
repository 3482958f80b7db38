"""The `knetik` command and its subcommands, put together."""

from __future__ import annotations

import click

from knetik_cloud.cli.sandbox import sandbox
from knetik_cloud.version import __version__


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="knetik")
def knetik() -> None:
    """Work with the Knetik inventory and entitlement API."""


knetik.add_command(sandbox)
