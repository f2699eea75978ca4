"""What the promotion gate found: two versions' metrics on the same rows, and what it says of them."""

from dataclasses import dataclass

from centrabert.errors import UserError
from centrabert.export.lifecycle.paired_test import ALPHA, PairedDifference


@dataclass(frozen=True)
class Comparison:
    """One metric of one task, of a candidate and of the version that it would replace.

    Attributes:
      candidate, incumbent: The metric of each, a fraction.
      test: The name of the test.
      margin: The loss that is allowed.
    """

    task: str
    metric: str
    rows: int
    candidate: float
    incumbent: float
    tested: PairedDifference
    test: str
    margin: float

    @property
    def refused(self) -> bool:
        """Whether the loss is significantly larger than the margin."""
        return self.tested.significant_loss

    def text(self) -> str:
        """Both numbers, the difference, its interval and the test, in one line."""
        tested = self.tested
        allowed = f" against a loss of {self.margin:g}" if self.margin else ""
        return (
            f"{self.task}: {self.metric} {self.candidate:.4f}, before {self.incumbent:.4f}, difference "
            f"{tested.difference:+.4f}, {1 - 2 * ALPHA:.0%} interval {tested.lowest:+.4f} to "
            f"{tested.highest:+.4f}; {self.test}{allowed}, {self.rows} rows, p = {tested.p_value:.2g}"
        )


@dataclass(frozen=True)
class Judgement:
    """That a version may take the place of another.

    Attributes:
      version: The candidate.
      incumbent: Where the label pointed; None if it pointed nowhere.
      comparisons: Those that were made; () if there was nothing to compare.
      reason: One line for the label's history.
    """

    version: int
    incumbent: int | None
    comparisons: tuple[Comparison, ...]
    reason: str

    def text(self) -> str:
        """What was compared, or why nothing was, in lines for people."""
        return "\n".join(each.text() for each in self.comparisons) or self.reason

    def check(self, label: str, version: int, incumbent: int | None) -> None:
        """Raises UserError unless it is of this version and of the one that the label points to."""
        if (version, incumbent) != (self.version, self.incumbent):
            raise UserError(
                f"version {self.version} was compared with {_named(self.incumbent)}, but version {version} "
                f"would replace {_named(incumbent)}, to which {label!r} points by now; run the command again"
            )


def _named(version: int | None) -> str:
    return "no version" if version is None else f"version {version}"
