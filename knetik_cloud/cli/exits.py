"""The exit codes of the `knetik` command, and the errors that end it."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class Exit(IntEnum):
    """The exit codes. Scripts rely on them."""

    SUCCESS = 0
    LOCAL = 1
    USAGE = 2
    DENIED = 3
    REJECTED = 4
    SERVICE = 5
    NOT_REACHED = 6
    UNKNOWN = 7
    INTERRUPTED = 130


class ExitMeaning(NamedTuple):
    """The meaning of an exit code, and the remedy."""

    meaning: str
    next_step: str


MEANINGS = {
    Exit.SUCCESS: ExitMeaning("The command succeeded.", "No action is needed."),
    Exit.LOCAL: ExitMeaning(
        meaning=(
            "Something on this machine failed, such as a file, the configuration or a confirmation, or an "
            "entry can't reach the state that --wait waits for."
        ),
        next_step="Read the message. `knetik doctor` checks the configuration and the connection.",
    ),
    Exit.USAGE: ExitMeaning(
        meaning="The command line is wrong, or a value can't be sent. Nothing was sent.",
        next_step="Correct the value that the message names. `knetik COMMAND --help` lists what it takes.",
    ),
    Exit.DENIED: ExitMeaning(
        meaning=(
            "A rule of the item denies it (code 1007), for example because the item has expired, is used up, "
            "or is limited to one per user. Nothing was changed. The sandbox sends this code. The hosted "
            "service doesn't document its codes: if it denies a request with another one, the exit code is 4."
        ),
        next_step="Read the message: it names the rule. A retry helps only once the state has changed.",
    ),
    Exit.REJECTED: ExitMeaning(
        meaning="The service rejected the request with another 4xx status. Nothing was changed.",
        next_step=(
            "Correct the request: 400 names the field, 401 and 403 need other credentials, 404 another id. "
            "After 429, wait."
        ),
    ),
    Exit.SERVICE: ExitMeaning(
        meaning=(
            "The service failed: a 5xx status to a request that can't have changed anything, or a response "
            "to a read that can't be parsed."
        ),
        next_step="Run the command again later. It is safe.",
    ),
    Exit.NOT_REACHED: ExitMeaning(
        meaning=(
            "The service was not reached or did not respond in time, and nothing was applied, or an entry "
            "that is read with --wait has not reached its state in time."
        ),
        next_step="Check the host and the network with `knetik doctor`, then run the command again.",
    ),
    Exit.UNKNOWN: ExitMeaning(
        meaning="The outcome is unknown: the service may have applied the write.",
        next_step="Check whether it was applied before you run the command again.",
    ),
    Exit.INTERRUPTED: ExitMeaning(
        meaning="The command was interrupted with Ctrl-C.",
        next_step="If it was a write, check whether it was applied before you run the command again.",
    ),
}
"""What each exit code means."""


class CommandError(Exception):
    """An error on this machine that ends the command.

    Args:
        message: The reason, with the value and the remedy.
        exit_code: The exit code of the process.
        next_step: What the user can do about it, or None if the message contains it.
    """

    def __init__(self, message: str, exit_code: Exit = Exit.LOCAL, next_step: str | None = None) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.next_step = next_step
