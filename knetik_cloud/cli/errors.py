"""Errors as the command reports them: an exit code, and text or one JSON object on stderr."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from knetik_cloud.cli.exits import MEANINGS, CommandError, Exit
from knetik_cloud.cli.text import with_options_of_the_command, without_secrets
from knetik_cloud.exceptions import one_line, printable
from knetik_cloud.terminals import is_terminal

RULE_DENIED = 1007
"""The code of a `Result` that reports a denial by a rule of the item."""

NEXT_STEPS = {
    "ApiException": "Read the message.",
    "BadRequestException": "Correct the value that the message names.",
    "UnauthorizedException": "Log in with `knetik login`, or set KNETIK_CLOUD_ACCESS_TOKEN. "
    "`knetik whoami` shows which credential is used.",
    "ForbiddenException": "Use credentials that have the permission. `knetik whoami` shows which are used.",
    "NotFoundException": "Check the id, and the host with `knetik whoami`.",
    "ConflictException": "Read the current state, then apply your change to it.",
    "UnprocessableEntityException": "Correct the value that the message names.",
    "TooManyRequestsException": "Wait before you run the command again.",
    "ServiceException": "Run the command again later. After a write, check first whether it was applied.",
    "ApiConnectionException": "Check the host and the network with `knetik doctor`.",
    "ApiTimeoutException": "Run the command again, with a higher --timeout if the service is slow. "
    "After a write, check first whether it was applied.",
    "DeadlineExceeded": "Run the command again, with a higher --deadline if the service is slow. "
    "After a write, check first whether it was applied.",
    "ApiResponseError": "Check that the host is the API and not another server: `knetik doctor`.",
    "WaitFailed": "Read the entry: its state can't become the one that was waited for.",
    "ApiValueError": "Correct the value that the message names. Nothing was sent.",
}
"""The next step after an exception, by the name of its class."""

REJECTED_CREDENTIAL = (
    "Check the client id, the user name and the secret. `knetik whoami` shows where stored ones come from."
)
"""The next step after a rejected token request: it was sent with a credential, so a login is no remedy."""


def exit_code_of(error: BaseException) -> Exit:
    """Return the exit code for an error."""
    from knetik_cloud import exceptions as api

    if isinstance(error, CommandError):
        return error.exit_code
    if isinstance(error, click.UsageError):
        return Exit.USAGE
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return Exit.INTERRUPTED
    if not isinstance(error, api.ApiException):
        return Exit.LOCAL
    if error.may_have_applied:
        return Exit.UNKNOWN
    if isinstance(error, api.ApiValueError):
        return Exit.USAGE
    if isinstance(error, api.WaitFailed):
        return Exit.LOCAL
    if isinstance(error, api.ApiConnectionException):
        return Exit.NOT_REACHED
    if error.code == RULE_DENIED:
        return Exit.DENIED
    if error.status is not None and 400 <= error.status < 500:
        return Exit.REJECTED
    return Exit.SERVICE


def next_step_of(error: BaseException, code: Exit) -> str | None:
    """Return what the user can do about an error, or None if the message is enough."""
    if isinstance(error, CommandError):
        return error.next_step
    if isinstance(error, click.UsageError):
        context = error.ctx
        if context is None:
            return None
        parameters = context.command.get_params(context)
        has_arguments = any(isinstance(parameter, click.Argument) for parameter in parameters)
        if has_arguments and isinstance(error, click.NoSuchOption) and error.option_name[1:2].isdecimal():
            return "If an argument is a negative number, write -- before it, after all options."
        return f"Run `{context.command_path} --help`."
    if getattr(error, "wait_token", None) is not None:
        return "Run the command again, with a longer --wait."
    if code in (Exit.UNKNOWN, Exit.DENIED):
        return MEANINGS[code].next_step
    if _is_rejected_credential(error):
        return REJECTED_CREDENTIAL
    kinds = (kind.__name__ for kind in type(error).__mro__)
    return next((NEXT_STEPS[name] for name in kinds if name in NEXT_STEPS), None)


def _is_rejected_credential(error: BaseException) -> bool:
    from knetik_cloud.exceptions import ApiException

    if not isinstance(error, ApiException) or error.operation != "get_o_auth_token":
        return False
    return error.status == 401 or (error.status == 400 and '"invalid_grant"' in (error.body or ""))


def details(error: BaseException, is_writing: bool = False) -> dict[str, Any]:
    """Return an error as a JSON object: type, message, exit code, and what the service reports.

    Args:
        error: The error.
        is_writing: Whether a write was sent whose result is not written yet. An interrupt, or an error on
            this machine, may hide that it was applied.
    """
    from knetik_cloud.exceptions import ApiException

    code = exit_code_of(error)
    found: dict[str, Any] = {"type": _type_name(error), "message": message(error), "exit_code": int(code)}
    if isinstance(error, ApiException):
        found |= {
            "status": error.status,
            "code": error.code,
            "request_id": error.request_id,
            "operation": error.operation,
            "may_have_applied": error.may_have_applied,
            "retry_after": error.retry_after,
            "attempts": max(1, len(error.attempts)) if error.operation else 0,
            "errors": [
                {"message": each.message, "field": each.field, "details": each.details}
                for each in error.errors
            ],
        }
    found["next_step"] = next_step_of(error, code)
    found["docs"] = (
        error.docs if isinstance(error, ApiException) else f"docs/reference/exit-codes.md#{code:d}"
    )
    if is_writing and not isinstance(error, ApiException) and code in (Exit.INTERRUPTED, Exit.LOCAL):
        next_step = found["next_step"] or MEANINGS[Exit.UNKNOWN].next_step
        found |= {"may_have_applied": True, "next_step": next_step}
    return found


def message(error: BaseException) -> str:
    """Return the message of an error in one line, without the response's body."""
    from knetik_cloud.exceptions import ApiException

    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return "interrupted"
    if not isinstance(error, ApiException):
        return str(error) or type(error).__name__
    reason = f"{error.status} {error.reason}" if error.status is not None else str(error.reason)
    if getattr(error, "wait_token", None) is not None:
        reason = reason.rpartition(" (")[0]  # without the remedy in Python
    reason = with_options_of_the_command(reason)
    reported = "; ".join(
        one_line(f"{each.message} ({each.field})" if each.field is not None else str(each.message))
        for each in error.errors[:10]
    )
    return without_secrets(f"{reason}: {reported}" if reported else reason)


def report(error: BaseException, as_json: bool, is_writing: bool = False) -> Exit:
    """Write an error to stderr, and return the exit code."""
    found = details(error, is_writing)
    if as_json:
        text = without_secrets(json.dumps({"error": found}, ensure_ascii=True, default=str))
    else:
        lines = [f"Error: {found['message']}"]
        if found.get("request_id"):
            lines.append(f"  Request id: {one_line(found['request_id'])}")
        if found.get("may_have_applied"):
            lines.append("  The write may have been applied.")
        if found["next_step"]:
            lines.append(f"  {found['next_step']}")
        if found.get("status") is not None:
            lines.append(f"  See {found['docs']}")
        text = without_secrets("\n".join(printable(line) for line in lines))
        if found["exit_code"] == Exit.INTERRUPTED and is_terminal(sys.stderr):
            text = f"\n{text}"  # below the ^C
    click.echo(text, err=True)
    return Exit(found["exit_code"])


def _type_name(error: BaseException) -> str:
    if isinstance(error, click.UsageError):
        return "UsageError"
    return type(error).__name__
