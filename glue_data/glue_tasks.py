"""The declarations of the eight GLUE tasks of the paper: folders, columns, labels and metrics.

Of the metrics that GLUE reports for a task the first is the one of the paper's Table 1.
"""

from collections.abc import Sequence
from pathlib import Path

from centrabert.glue_data.declared.declaration import REGRESSION, Declaration
from centrabert.glue_data.declared.official import Official, SplitFile
from centrabert.glue_data.readers.known_bad_rows import QUORA_HALVES, KnownDefect

BINARY = ("0", "1")
ENTAILMENT = ("entailment", "not_entailment")


def _official(
    folder: str,
    *metrics: str,
    columns: Sequence[str] = (),
    defect: KnownDefect | None = None,
    score_range: tuple[float, float] | None = None,
) -> Official:
    """The three files of most tasks; `columns` and `defect` concern train and dev alone."""
    files = (
        SplitFile("train", "train.tsv", tuple(columns), defect),
        SplitFile("dev", "dev.tsv", tuple(columns), defect),
        SplitFile("test", "test.tsv", submission=f"{folder}.tsv"),
    )
    return Official(folder, files, metrics, score_range)


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
    Declaration(
        name="cola",
        data=Path("CoLA"),
        text="sentence",
        label="label",
        labels=BINARY,
        official=_official("CoLA", "matthews", "accuracy", columns=("source", "label", "star", "sentence")),
    ),
    Declaration(
        name="sst2",
        data=Path("SST-2"),
        text="sentence",
        label="label",
        labels=BINARY,
        official=_official("SST-2", "accuracy"),
    ),
    Declaration(
        name="mrpc",
        data=Path("MRPC"),
        text="#1 String",
        text_b="#2 String",
        label="Quality",
        labels=BINARY,
        official=_official("MRPC", "accuracy", "f1"),
    ),
    Declaration(
        name="stsb",
        data=Path("STS-B"),
        kind=REGRESSION,
        text="sentence1",
        text_b="sentence2",
        label="score",
        official=_official("STS-B", "pearson", "spearman", score_range=(0.0, 5.0)),
    ),
    Declaration(
        name="qqp",
        data=Path("QQP"),
        text="question1",
        text_b="question2",
        label="is_duplicate",
        labels=BINARY,
        official=_official("QQP", "accuracy", "f1", defect=QUORA_HALVES),
    ),
    Declaration(
        name="mnli",
        data=Path("MNLI"),
        text="sentence1",
        text_b="sentence2",
        label="gold_label",
        labels=("contradiction", "entailment", "neutral"),
        official=Official("MNLI", MNLI_FILES, ("accuracy",)),
    ),
    Declaration(
        name="qnli",
        data=Path("QNLI"),
        text="question",
        text_b="sentence",
        label="label",
        labels=ENTAILMENT,
        official=_official("QNLI", "accuracy"),
    ),
    Declaration(
        name="rte",
        data=Path("RTE"),
        text="sentence1",
        text_b="sentence2",
        label="label",
        labels=ENTAILMENT,
        official=_official("RTE", "accuracy"),
    ),
)
