"""Tests of what a program sees of its calls: hooks, log records and spans."""
