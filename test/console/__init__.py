"""Tests of the sandbox's console."""
