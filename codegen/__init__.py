"""Writes the API classes, the models, the reference pages and the README tables from the contract."""
