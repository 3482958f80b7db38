"""Certain outcomes: once, find out, wait, and bulk runs."""
