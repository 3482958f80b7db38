"""The `knetik` command and its subcommands, put together."""

from __future__ import annotations

import click

from knetik_cloud.cli.sandbox import sandbox


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def knetik() -> None:
    """Work with the Knetik inventory and entitlement API."""


knetik.add_command(sandbox)
