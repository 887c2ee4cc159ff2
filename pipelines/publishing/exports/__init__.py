"""Data products: what a publication holds, in the forms that other systems read.

Each module makes one product from one ``gorod.duckdb`` file and nothing else. What is not published is not in that
file, so it cannot leave through a product either.
"""
