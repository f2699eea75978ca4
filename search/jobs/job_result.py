"""What a finished job leaves: result.json, whose presence means that the job is finished."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from centrabert.errors import UserError
from centrabert.modeling.files import write_text
from centrabert.modeling.formats.dataclass_json import read_dataclass
from centrabert.modeling.formats.format import Format, same_keys
from centrabert.modeling.formats.json_file import Keys
from centrabert.search.jobs.job_spec import JobSpec

RESULT, FAILURE, BRANCH = "result.json", "failure.json", "branch"


def _without_quality(keys: Keys) -> Keys:
    """Version 1 said the quality, which is one of the metrics, and not how many rows it was measured on."""
    return {**{name: value for name, value in keys.items() if name != "quality"}, "dev_rows": None}


def _without_error(keys: Keys) -> Keys:
    """Version 2 did not say how exact the metric is."""
    return {**keys, "metric_error": None}


# Version 0 did not say its version.
FORMAT = Format(RESULT, version=3, upgrades={0: same_keys, 1: _without_quality, 2: _without_error})


@dataclass(frozen=True)
class JobResult:
    """Quality and cost of one job.

    Attributes:
      metric: Name of the task's metric.
      metrics: All metrics of the task on dev, as fractions, of the checkpoint that was kept.
      history: (step, value of the metric), one for every evaluation.
      seconds: Wall time of training and evaluation; what an interrupted run spent before it is included.
      setup_seconds: Wall time of reading, tokenising, and computing what is shared (activations, teacher
        logits), before it.
      cpu_seconds: What all its cores worked, preparation included: the cost of the job, however busy the
        machine was with others.
      threads: Cores that it was allowed.
      tokens: Word pieces that passed through training, padding included.
      steps: Training steps done.
      dev_rows: How many rows the metrics are measured on; None if an older version has not written it down.
      metric_error: By how much the metric would differ had dev other rows, its standard error, as a fraction;
        None if an older version has not measured it.

    Raises:
      UserError: The metric is none of the metrics, or its error is not in 0..1.
    """

    metric: str
    metrics: dict[str, float]
    history: tuple[tuple[int, float], ...]
    seconds: float
    setup_seconds: float
    cpu_seconds: float
    threads: int
    tokens: int
    steps: int
    dev_rows: int | None = None
    metric_error: float | None = None

    def __post_init__(self) -> None:
        if self.metric not in self.metrics:
            raise UserError(f"metric {self.metric!r} is none of {', '.join(self.metrics) or 'no metrics'}")
        if self.metric_error is not None and not 0 <= self.metric_error <= 1:
            raise UserError(f"metric_error {self.metric_error} is not in 0..1")

    @property
    def quality(self) -> float:
        """The task's metric in percent."""
        return 100 * self.metrics[self.metric]

    @property
    def sampling_error(self) -> float | None:
        """The standard error of `quality` in percent points, by the rows of dev; None if it is not known."""
        return None if self.metric_error is None else 100 * self.metric_error

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


@dataclass(frozen=True)
class FinishedJob:
    """A job that ended well, with its result.

    Attributes:
      folder: The job's folder, in which its branch lies.

    Raises:
      UserError: The folder has no name.
    """

    spec: JobSpec
    result: JobResult
    folder: str

    def __post_init__(self) -> None:
        if not self.folder:
            raise UserError(f"job {self.spec.title}: folder {self.folder!r} names no job folder")

    @property
    def quality(self) -> float:
        """The dev metric in percent."""
        return self.result.quality

    @property
    def sampling_error(self) -> float | None:
        """The standard error of `quality`; see `JobResult.sampling_error`."""
        return self.result.sampling_error

    @property
    def seconds(self) -> float:
        """Wall time, preparation included."""
        return self.result.seconds + self.result.setup_seconds

    @property
    def branch_folder(self) -> str:
        return str(Path(self.folder) / BRANCH)

    @property
    def judged(self) -> bool:
        """Whether its quality is a number that a metric can take; that of a run that diverged is not."""
        return -100 <= self.quality <= 100
