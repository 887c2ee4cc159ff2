"""Alerts: each problem is reported once to Gorod's operators, by mail, webhook and a file.

``conditions`` finds current problems, ``journal`` stores what was reported and acknowledged, ``channels`` send it,
``watch`` is one pass over the three. None of it runs in Dagster's daemon: a dead process cannot report its own death.
"""
