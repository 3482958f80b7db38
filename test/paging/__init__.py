"""Lists, read over all their pages."""
