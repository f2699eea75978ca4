"""How much a quality would differ had the dev set other rows."""

import math

LEAST, MOST = 0.5, 0.99  # a low share, or a correlation, is not known better than one half; none is perfect


def sampling_error(quality: float, rows: int) -> float:
    """Standard error of a share of `rows` rows; quality and error are fractions."""
    share = min(max(quality, LEAST), MOST)
    return math.sqrt(share * (1 - share) / rows)
