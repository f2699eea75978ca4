"""How exact each evaluation of a job was, in its folder until result.json says it of the one that counts."""

from dataclasses import asdict, dataclass, field
from pathlib import Path

from centrabert.modeling.files import write_text
from centrabert.modeling.formats.dataclass_json import read_dataclass
from centrabert.modeling.formats.format import Format

FORMAT = Format("evaluation_errors.json", version=1)


@dataclass(frozen=True)
class EvaluationErrors:
    """The keys of evaluation_errors.json.

    Attributes:
      evaluations: Value of the metric and its sampling error, as fractions, one for every evaluation.
    """

    evaluations: tuple[tuple[float, float], ...] = field(default=())

    @classmethod
    def read(cls, file: Path) -> "EvaluationErrors":
        """Those noted in `file`, none without it; raises UserError if it is damaged."""
        return read_dataclass(cls, FORMAT.read(file), str(file)) if file.exists() else cls()

    def with_one(self, value: float, error: float) -> "EvaluationErrors":
        return EvaluationErrors((*self.evaluations, (value, error)))

    def write(self, file: Path) -> None:
        """Raises OSError if the disk is full."""
        write_text(file, FORMAT.text(asdict(self)))

    def of(self, value: float) -> float | None:
        """That of the first evaluation with this value, which of equals is the one that is kept.

        None if there is none: an earlier version, which noted none, has evaluated that checkpoint.
        """
        return next((error for noted, error in self.evaluations if noted == value), None)
