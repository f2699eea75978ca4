"""Exact sums and comparisons of qualities and costs, and how exact a quality can be.

Numbers are compared as whole billionths. As floats, 64.1 - 63.1 is below 1, and 0.1 + 0.2 is above 0.3: a
rounding error would decide which of two equal models is chosen, and whether one that just fits a budget is
refused.
"""

import math
from fractions import Fraction

BILLION = 10**9
LOWEST_SHARE, HIGHEST_SHARE = 0.5, 0.99


def to_billionths(value: float) -> int:
    """The nearest whole number of billionths; raises UserError or OverflowError for NaN or infinity."""
    return round(Fraction(value) * BILLION)


def sampling_error(quality: float, rows: int) -> float:
    """How much a quality would differ had dev other rows: the standard error of a share of `rows` rows.

    Quality and error are in percent. A low share, or a correlation, is not known better than one half is, and
    none is perfect.
    """
    share = min(max(quality / 100, LOWEST_SHARE), HIGHEST_SHARE)
    return 100 * math.sqrt(share * (1 - share) / rows)
