"""Integrations with other libraries. Nothing here is imported unless a program uses the library."""
