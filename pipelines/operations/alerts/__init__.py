"""Alerts: what is amiss, told once to whoever keeps Gorod, by mail, webhook and a file.

``conditions`` looks at what is amiss now, ``journal`` remembers what was told and acknowledged, ``channels`` carry it,
``watch`` is one pass of the three. None of it runs in Dagster's daemon: one who has died tells nobody.
"""
