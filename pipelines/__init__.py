"""Gorod's code. Nothing in this package refers to a source, a region or an indicator by name."""
