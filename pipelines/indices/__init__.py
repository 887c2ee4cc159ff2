"""Composite indices: one engine for every method of ``assets/methods``, over any table of units and indicators.

The way of a value: :mod:`transform` → :mod:`impute` → :mod:`normalise` → :mod:`aggregate` → :mod:`rank`;
:mod:`evaluate` puts them together, :mod:`sensitivity` tries the choices. These are pure functions over numpy arrays of
float64 in which a missing value is NaN and has a :class:`~pipelines.indices.reasons.Reason`. :mod:`reading`
and :mod:`tables` are the rim: files to observations, results to tables without any NaN.
"""
