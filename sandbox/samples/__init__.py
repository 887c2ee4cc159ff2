"""Invented samples in the exact formats of the real sources: the same bytes on any machine.

Only names, codes and places are real; every number is made up. ``python -m sandbox.samples`` writes them.
"""
