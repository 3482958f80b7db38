"""Both clients judge odd and malformed responses alike, and as 1.0.0 did unless a reason is given."""

from __future__ import annotations

import asyncio

import pytest

from .odd_responses import CHANGED, RESPONSES, VERDICTS, by_asyncio, by_blocking, parrot


@pytest.mark.parametrize("name", RESPONSES)
def test_both_clients_judge_alike(name: str) -> None:
    with parrot(RESPONSES[name]) as url:
        assert (by_blocking(url), asyncio.run(by_asyncio(url))) == (VERDICTS[name], VERDICTS[name])


def test_every_change_since_the_last_release_has_a_reason() -> None:
    assert len(RESPONSES) >= 60
    for name, (blocking, awaited, reason) in CHANGED.items():
        assert (blocking, awaited) != (VERDICTS[name], VERDICTS[name])
        assert reason
