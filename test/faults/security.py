"""x."""

ROWS = []
