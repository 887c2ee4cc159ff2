"""The benchmark: what a load costs, as ratios against named alternatives, in one run on one machine.

``python -m bench`` (``make bench``) runs each contestant in a process of its own, one after the other, and measures it
from outside: wall time with process start and imports, CPU time, peak memory. Nothing is asserted; the figures and the
machine they were taken on go to ``bench/results/``.
"""
