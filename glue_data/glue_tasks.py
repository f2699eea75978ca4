"""The eight GLUE tasks of the paper: folders, columns, labels and metrics."""

from dataclasses import dataclass

from centrabert.errors import UserError
from centrabert.glue_data.known_bad_rows import QUORA_HALVES
from centrabert.glue_data.split_files import MNLI_SPLITS, Split, splits
from centrabert.modeling.task import TaskSpec

BINARY = ("0", "1")
ENTAILMENT = ("entailment", "not_entailment")


@dataclass(frozen=True)
class GlueTask:
    """How a GLUE task is stored and scored.

    Attributes:
      name: Our name of the task, as in TaskSpec.
      folder: GLUE's name, which is also the folder's.
      splits: Its files.
      texts: The column of the sentence, or the two columns of the pair.
      label: The column of the label or score.
      labels: The label names in the order of the head's outputs; () for a regression.
      metrics: All metrics GLUE reports for it; the first is the one of the paper's Table 1, by which a
        checkpoint is chosen.
      score_range: The lowest and highest score of a regression; None for a classification.
    """

    name: str
    folder: str
    splits: tuple[Split, ...]
    texts: tuple[str, ...]
    label: str
    labels: tuple[str, ...]
    metrics: tuple[str, ...]
    score_range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if len(self.texts) not in (1, 2):
            raise UserError(f"task {self.name}: one or two text columns, not {self.texts}")
        if not self.metrics:
            raise UserError(f"task {self.name}: there is no metric to choose a checkpoint by")
        if bool(self.labels) == bool(self.score_range):
            raise UserError(f"task {self.name}: it needs either labels or a score range")

    @property
    def pair(self) -> bool:
        return len(self.texts) == 2

    @property
    def metric(self) -> str:
        """The dev metric by which a checkpoint is chosen."""
        return self.metrics[0]

    def split(self, name: str) -> Split:
        """The file of a split; raises UserError for a split that the task does not have."""
        for split in self.splits:
            if split.name == name:
                return split
        known = ", ".join(split.name for split in self.splits)
        raise UserError(f"task {self.name} has no split {name!r}; it has {known}")

    def spec(self, max_seq_length: int = 128, pooling: str = "cls") -> TaskSpec:
        """What the model needs to know; the defaults are BERT's."""
        kind = "classification" if self.labels else "regression"
        return TaskSpec(self.name, kind, self.labels, self.pair, self.metric, max_seq_length, pooling)


# Label orders are those of BERT's run_classifier.py (MNLI, MRPC, CoLA) and of the GLUE processors after it
# (RTE, QNLI: entailment first). Column names are those of the official headers.
TASKS = (
    GlueTask(
        name="cola",
        folder="CoLA",
        splits=splits("CoLA", columns=("source", "label", "star", "sentence")),
        texts=("sentence",),
        label="label",
        labels=BINARY,
        metrics=("matthews", "accuracy"),
    ),
    GlueTask(
        name="sst2",
        folder="SST-2",
        splits=splits("SST-2"),
        texts=("sentence",),
        label="label",
        labels=BINARY,
        metrics=("accuracy",),
    ),
    GlueTask(
        name="mrpc",
        folder="MRPC",
        splits=splits("MRPC"),
        texts=("#1 String", "#2 String"),
        label="Quality",
        labels=BINARY,
        metrics=("accuracy", "f1"),
    ),
    GlueTask(
        name="stsb",
        folder="STS-B",
        splits=splits("STS-B"),
        texts=("sentence1", "sentence2"),
        label="score",
        labels=(),
        metrics=("pearson", "spearman"),
        score_range=(0.0, 5.0),
    ),
    GlueTask(
        name="qqp",
        folder="QQP",
        splits=splits("QQP", defect=QUORA_HALVES),
        texts=("question1", "question2"),
        label="is_duplicate",
        labels=BINARY,
        metrics=("accuracy", "f1"),
    ),
    GlueTask(
        name="mnli",
        folder="MNLI",
        splits=MNLI_SPLITS,
        texts=("sentence1", "sentence2"),
        label="gold_label",
        labels=("contradiction", "entailment", "neutral"),
        metrics=("accuracy",),
    ),
    GlueTask(
        name="qnli",
        folder="QNLI",
        splits=splits("QNLI"),
        texts=("question", "sentence"),
        label="label",
        labels=ENTAILMENT,
        metrics=("accuracy",),
    ),
    GlueTask(
        name="rte",
        folder="RTE",
        splits=splits("RTE"),
        texts=("sentence1", "sentence2"),
        label="label",
        labels=ENTAILMENT,
        metrics=("accuracy",),
    ),
)


def glue_task(name: str) -> GlueTask:
    """Finds a task by our name or GLUE's, in any case: "sst2", "SST-2", "sts_b".

    Raises:
      UserError: `name` is none of them; the message lists those that are known.
    """
    plain = name.lower().replace("-", "").replace("_", "")
    for task in TASKS:
        if task.name == plain:
            return task
    raise UserError(f"unknown GLUE task {name!r}; known are {', '.join(task.name for task in TASKS)}")
