"""The eight GLUE tasks of the paper: folders, columns, labels and metrics.

Of the metrics that GLUE reports for a task the first is the one of the paper's Table 1.
"""

from collections.abc import Sequence

from centrabert.glue_data.readers.known_bad_rows import QUORA_HALVES, KnownDefect
from centrabert.glue_data.tsv_task import SplitFile, TsvTask

BINARY = ("0", "1")
ENTAILMENT = ("entailment", "not_entailment")


def _files(
    folder: str, columns: Sequence[str] = (), defect: KnownDefect | None = None
) -> tuple[SplitFile, ...]:
    """The three files of most tasks; `columns` and `defect` concern train and dev alone."""
    return (
        SplitFile("train", "train.tsv", tuple(columns), defect),
        SplitFile("dev", "dev.tsv", tuple(columns), defect),
        SplitFile("test", "test.tsv", submission=f"{folder}.tsv"),
    )


MNLI_FILES = (
    SplitFile("train", "train.tsv"),
    SplitFile("dev", "dev_matched.tsv"),
    SplitFile("dev_mismatched", "dev_mismatched.tsv"),
    SplitFile("test", "test_matched.tsv", submission="MNLI-m.tsv"),
    SplitFile("test_mismatched", "test_mismatched.tsv", submission="MNLI-mm.tsv"),
)

# Label orders are those of BERT's run_classifier.py (MNLI, MRPC, CoLA) and of the GLUE processors after it
# (RTE, QNLI: entailment first). Column names are those of the official headers.
GLUE_TASKS = (
    TsvTask(
        name="cola",
        folder="CoLA",
        files=_files("CoLA", columns=("source", "label", "star", "sentence")),
        texts=("sentence",),
        label="label",
        labels=BINARY,
        metrics=("matthews", "accuracy"),
    ),
    TsvTask(
        name="sst2",
        folder="SST-2",
        files=_files("SST-2"),
        texts=("sentence",),
        label="label",
        labels=BINARY,
        metrics=("accuracy",),
    ),
    TsvTask(
        name="mrpc",
        folder="MRPC",
        files=_files("MRPC"),
        texts=("#1 String", "#2 String"),
        label="Quality",
        labels=BINARY,
        metrics=("accuracy", "f1"),
    ),
    TsvTask(
        name="stsb",
        folder="STS-B",
        files=_files("STS-B"),
        texts=("sentence1", "sentence2"),
        label="score",
        labels=(),
        metrics=("pearson", "spearman"),
        score_range=(0.0, 5.0),
    ),
    TsvTask(
        name="qqp",
        folder="QQP",
        files=_files("QQP", defect=QUORA_HALVES),
        texts=("question1", "question2"),
        label="is_duplicate",
        labels=BINARY,
        metrics=("accuracy", "f1"),
    ),
    TsvTask(
        name="mnli",
        folder="MNLI",
        files=MNLI_FILES,
        texts=("sentence1", "sentence2"),
        label="gold_label",
        labels=("contradiction", "entailment", "neutral"),
        metrics=("accuracy",),
    ),
    TsvTask(
        name="qnli",
        folder="QNLI",
        files=_files("QNLI"),
        texts=("question", "sentence"),
        label="label",
        labels=ENTAILMENT,
        metrics=("accuracy",),
    ),
    TsvTask(
        name="rte",
        folder="RTE",
        files=_files("RTE"),
        texts=("sentence1", "sentence2"),
        label="label",
        labels=ENTAILMENT,
        metrics=("accuracy",),
    ),
)
