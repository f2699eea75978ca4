"""What a finished job leaves: result.json, whose presence means that the job is done."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from centrabert.modeling.files import write_text
from centrabert.modeling.formats.dataclass_json import read_dataclass
from centrabert.modeling.formats.format import Format, same_keys

RESULT, FAILURE, BRANCH = "result.json", "failure.json", "branch"
# Version 0 did not say its version.
FORMAT = Format(RESULT, version=1, upgrades={0: same_keys})


@dataclass(frozen=True)
class JobResult:
    """Quality and cost of one job.

    Attributes:
      metric: Name of the task's metric.
      quality: Its best value on dev, as a fraction: that of the checkpoint that was kept.
      metrics: All of GLUE's metrics of the task at that checkpoint.
      history: (step, value of the metric), one for every evaluation.
      seconds: Wall time of training and judging; what an interrupted run spent before it is included.
      setup_seconds: Wall time of reading, tokenising, and computing what is shared (activations, teacher
        logits), before it.
      cpu_seconds: What all its cores worked, preparation included: the cost of the job, however busy the
        machine was with others.
      threads: Cores that it was allowed.
      tokens: Word pieces that passed through training, padding included.
      steps: Training steps done.
    """

    metric: str
    quality: float
    metrics: dict[str, float]
    history: tuple[tuple[int, float], ...]
    seconds: float
    setup_seconds: float
    cpu_seconds: float
    threads: int
    tokens: int
    steps: int

    @property
    def core_seconds(self) -> float:
        """What it occupied: its wall time on every core that it was given."""
        return (self.seconds + self.setup_seconds) * self.threads

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "history": [list(each) for each in self.history]}

    def write(self, folder: Path) -> None:
        write_text(folder / RESULT, FORMAT.text(self.to_json()))


def read_result(folder: Path) -> JobResult | None:
    """The result in a job's folder, or None if the job is not finished.

    Raises:
      UserError: The file is damaged.
    """
    file = folder / RESULT
    return read_dataclass(JobResult, FORMAT.read(file), str(file)) if file.exists() else None
