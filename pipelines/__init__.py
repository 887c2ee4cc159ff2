"""How Gorod works. Nothing in this package knows a source, a region or an indicator by name."""
