"""Groups of commands. Importing this module loads nothing but click."""

from __future__ import annotations

from typing import Any

import click

HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}


class Group(click.Group):
    """A group whose errors suggest the nearest command."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        settings.setdefault("context_settings", HELP_OPTIONS)
        super().__init__(*args, **settings)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        command = self.get_command(ctx, name)
        if command is None and not name.startswith("-"):
            from difflib import get_close_matches

            known = self.list_commands(ctx)
            matches = get_close_matches(name, known, 3)
            hint = (
                f"did you mean {' or '.join(map(repr, matches))}?" if matches else f"use {', '.join(known)}"
            )
            ctx.fail(f"there is no command {name!r}; {hint}")
        return super().resolve_command(ctx, args)
