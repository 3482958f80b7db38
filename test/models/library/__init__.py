"""Models of a contract that isn't ours, with the types that ours has no field of."""

from __future__ import annotations

import datetime as dt

from knetik_cloud.data.model import Model, field
from knetik_cloud.data.page import Page


class Author(Model):
    """A person who writes."""

    name: str | None = field("str", required=True)
    born: dt.date | None = field("date")


class Book(Model):
    """A book, its authors, and who borrowed it when."""

    added: dt.datetime | None = field("datetime")
    authors: list[Author] | None = field("list[Author]", required=True)
    shelves: list[list[Author]] | None = field("list[list[Author]]")
    by_role: dict[str, list[Author]] | None = field("dict[str, list[Author]]")
    loans: list[dt.date] | None = field("list[date]")
    size: int | str | None = field("int | str")
    cover: int | list[str] | None = field("int | list[str]")
    pages: int | None = field("int")


class Shelf(Model):
    """A shelf, whose fields have the names of a dict's methods."""

    items: list[Book] | None = field("list[Book]")
    keys: list[str] | None = field("list[str]")
    copy: int | None = field("int32")
    values: float | None = field("float")


class Branch(Model):
    """A branch of a tree, which has branches of its own."""

    name: str | None = field("str")
    branches: list[Branch] | None = field("list[Branch]")


class Copy(Model):
    """One copy of a book."""

    id: int | None = field("int32")


class Terms(Model):
    """The terms of a loan, with a field of each scalar type."""

    days: int | None = field("int32")
    number: int | None = field("int64")
    fee: float | None = field("float")
    is_late: bool | None = field("bool")
    note: str | None = field("str")
    begins: dt.date | None = field("date")
    ends: dt.datetime | None = field("datetime")
    until: int | None = field("int64", epoch=True)


class Loan(Model):
    """The loans of a day."""

    day: dt.date | None = field("date")
    at: dt.datetime | None = field("datetime")
    books: list[Copy] | None = field("list[Copy]")
    secret: str | None = field("str", secret=True)
    terms: Terms | None = field("Terms")
    history: list[Terms] | None = field("list[Terms]")


class Loans(Page, items="loans"):
    """One page of a list of loans."""

    loans: list[Loan] | None = field("list[Loan]")
