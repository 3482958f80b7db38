"""Instants, spans of time and sort orders, as people say them."""
