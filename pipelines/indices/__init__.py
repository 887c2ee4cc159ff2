"""Composite indices: one engine for every method of ``assets/methods``, over any table of units and indicators.

The path of a value: :mod:`transform` → :mod:`impute` → :mod:`normalise` → :mod:`aggregate` → :mod:`rank`;
:mod:`evaluate` combines them, :mod:`sensitivity` varies the choices. These are pure functions over numpy arrays of
float64 in which a missing value is NaN and has a :class:`~pipelines.indices.reasons.Reason`.
:mod:`read_observations`, :mod:`read_structure` and :mod:`tables` are the boundary: files to observations,
results to tables without NaN.
"""
