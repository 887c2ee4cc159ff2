"""Data products: the contents of a publication, in formats that other systems read.

Each module makes one product from one ``gorod.duckdb`` file and nothing else. What is not published is not in that
file, so a product cannot leak it either.
"""
