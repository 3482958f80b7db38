"""Tests of the shop on a sandbox."""
# ruff: noqa: D103 - the names of tests say what they pin

from __future__ import annotations

import pytest
from shop import Shop

from knetik_cloud.exceptions import ForbiddenException, ServiceException
from knetik_cloud.sandbox import Sandbox

KIM = 10


def test_a_life_is_spent_once(shop: Shop) -> None:
    shop.sell_life(KIM)
    assert shop.spend_life(KIM, "level 1")
    assert not shop.spend_life(KIM, "level 2")


def test_each_test_starts_with_fresh_data(shop: Shop) -> None:
    assert not shop.spend_life(KIM, "level 1")


def test_a_pass_expires_after_a_week(shop: Shop, knetik_sandbox: Sandbox) -> None:
    shop.sell_pass(KIM)
    knetik_sandbox.advance(days=6)
    assert shop.may_enter(KIM)
    knetik_sandbox.advance(days=1)
    assert not shop.may_enter(KIM)


def test_a_life_is_not_sold_twice_when_the_response_is_lost(shop: Shop, knetik_sandbox: Sandbox) -> None:
    fault = knetik_sandbox.fail("grant_user_entitlement", status=502, applied=True)
    with pytest.raises(ServiceException):
        shop.sell_life(KIM)
    assert fault.met == 1
    assert [exchange.status for exchange in knetik_sandbox.journal("grant_user_entitlement")] == [502]


def test_checking_survives_an_outage(shop: Shop, knetik_sandbox: Sandbox) -> None:
    shop.sell_pass(KIM)
    knetik_sandbox.fail("check_user_entitlement_item", status=503, times=2)
    assert shop.may_enter(KIM)


def test_a_missing_permission_is_not_taken_for_a_missing_life(shop: Shop, knetik_sandbox: Sandbox) -> None:
    shop.sell_life(KIM)
    knetik_sandbox.fail("use_user_entitlement_item", status=403)
    with pytest.raises(ForbiddenException):
        shop.spend_life(KIM, "level 1")


def test_a_missing_permission_is_not_taken_for_a_missing_pass(shop: Shop, knetik_sandbox: Sandbox) -> None:
    shop.sell_pass(KIM)
    knetik_sandbox.fail("check_user_entitlement_item", status=403)
    with pytest.raises(ForbiddenException):
        shop.may_enter(KIM)


def test_the_level_is_written_to_the_log(shop: Shop, knetik_sandbox: Sandbox) -> None:
    shop.sell_life(KIM)
    shop.spend_life(KIM, "level 7")
    (exchange,) = knetik_sandbox.journal("use_user_entitlement_item")
    assert exchange.query == "info=level%207"
