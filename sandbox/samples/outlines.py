"""Coarse outlines of the invented country's regions, drawn by hand, and their areas."""

from __future__ import annotations

import math
from itertools import pairwise

from sandbox.samples.country import REGIONS, Point, Region

# Nodes of the outlines, drawn by hand: degrees, longitude first. Neighbours share nodes, so nothing overlaps.
NODES: dict[str, Point] = {
    "BR0": (23.60, 51.52),
    "BR1": (23.68, 52.08),
    "BR2": (23.20, 52.28),
    "BR3": (23.62, 52.60),
    "BR4": (23.94, 52.68),
    "S1": (23.92, 52.78),
    "A1": (24.50, 52.80),
    "A2": (25.10, 52.86),
    "A3": (25.62, 52.98),
    "A4": (26.00, 53.34),
    "J1": (26.30, 53.36),
    "B1": (26.60, 53.02),
    "B2": (26.90, 52.75),
    "J5": (27.30, 52.46),
    "C1": (27.38, 52.00),
    "S4": (27.72, 51.56),
    "BR5": (27.20, 51.74),
    "BR6": (26.40, 51.84),
    "BR7": (25.30, 51.92),
    "BR8": (24.30, 51.74),
    "S2": (26.16, 55.04),
    "VI0": (26.60, 55.32),
    "VI1": (26.58, 55.68),
    "VI2": (27.60, 55.80),
    "VI3": (28.20, 56.13),
    "VI4": (29.40, 55.76),
    "VI5": (30.20, 55.84),
    "VI6": (30.90, 55.58),
    "VI7": (30.92, 55.02),
    "VI8": (30.80, 54.80),
    "S3": (31.10, 54.62),
    "D2": (30.60, 54.42),
    "D1": (30.00, 54.40),
    "J3": (29.40, 54.34),
    "E4": (29.20, 54.46),
    "E3": (28.70, 54.62),
    "E2": (28.00, 54.68),
    "E1": (27.20, 54.98),
    "J2": (26.30, 54.90),
    "F1": (27.90, 52.56),
    "J4": (28.30, 52.74),
    "G1": (29.00, 52.76),
    "G2": (29.50, 52.92),
    "G3": (30.10, 53.20),
    "G4": (30.80, 53.18),
    "S5": (31.40, 53.20),
    "HO0": (31.34, 53.00),
    "HO1": (31.56, 52.84),
    "HO2": (31.78, 52.12),
    "HO3": (30.96, 52.06),
    "HO4": (30.58, 51.34),
    "HO5": (29.30, 51.42),
    "HO6": (28.60, 51.56),
    "HO7": (28.10, 51.60),
    "HR0": (23.60, 53.50),
    "HR1": (23.54, 53.94),
    "HR2": (24.30, 53.92),
    "HR3": (25.20, 54.24),
    "HR4": (25.60, 54.16),
    "HR5": (25.74, 54.78),
    "HR6": (25.90, 54.94),
    "H4": (26.22, 54.64),
    "H3": (26.30, 54.38),
    "H2": (26.20, 54.02),
    "H1": (26.40, 53.70),
    "K1": (29.20, 53.92),
    "K2": (28.70, 53.60),
    "K3": (28.34, 53.40),
    "K4": (28.10, 53.02),
    "MA0": (31.32, 54.22),
    "MA1": (31.80, 53.80),
    "MA2": (32.66, 53.44),
    "MA3": (32.20, 53.12),
    "M0": (27.40, 53.90),
    "M1": (27.44, 53.96),
    "M2": (27.56, 53.98),
    "M3": (27.68, 53.96),
    "M4": (27.72, 53.90),
    "M5": (27.68, 53.84),
    "M6": (27.56, 53.82),
    "M7": (27.44, 53.84),
}


def outline(region: Region) -> list[Point]:
    """The region's ring, closed. Minsk oblast has Minsk as a hole: see :func:`rings`."""
    nodes = [NODES[name] for name in region.outline.split()]
    return [*nodes, nodes[0]]


def rings(region: Region) -> list[list[Point]]:
    """Outer ring and holes."""
    if region.code != "BY-MI":
        return [outline(region)]
    minsk = next(other for other in REGIONS if other.code == "BY-HM")
    return [outline(region), outline(minsk)[::-1]]


def area_km2(rings_: list[list[Point]]) -> float:
    """Area of a polygon in degrees: the shoelace formula on an equirectangular plane (111.32 km a degree)."""
    return round(abs(_shoelace(rings_[0])) - sum(abs(_shoelace(hole)) for hole in rings_[1:]), 1)


def _shoelace(ring: list[Point]) -> float:
    scale = 111.32 * math.cos(math.radians(sum(lat for _, lat in ring) / len(ring))) * 111.32
    return sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise(ring)) / 2 * scale
