"""Exact sums and comparisons of qualities and costs.

Numbers are compared as whole billionths. As floats, 64.1 - 63.1 is below 1, and 0.1 + 0.2 is above 0.3: a
rounding error would decide which of two equal models is chosen, and whether one that just fits a budget is
refused.
"""

from fractions import Fraction

BILLION = 10**9


def to_billionths(value: float) -> int:
    """The nearest whole number of billionths; raises UserError or OverflowError for NaN or infinity."""
    return round(Fraction(value) * BILLION)
