"""A multi-label task of one's own: from a JSONL file to tuned thresholds, metrics and predictions."""

import json
from pathlib import Path

import numpy as np
import pytest
import tiny
import tiny_glue

from centrabert import command, run_classifier
from centrabert.modeling import checkpoint
from centrabert.modeling.branch_folder import CHECKPOINT, read_record

LABELS = ("cat", "dog", "river")
ROWS = {"train": 90, "dev": 30, "test": 12}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A branch whose texts have a label for each of these words in them, maybe for none."""
    root, random = tmp_path_factory.mktemp("animals"), np.random.default_rng(3)
    tiny_glue.bert_folder(root / "bert", layers=2)
    for split, rows in ROWS.items():
        drawn = [[label for label in LABELS if random.random() < 0.4] for _ in range(rows)]
        texts = [" ".join(random.permutation([*labels, "the", "sees"])) for labels in drawn]
        lines = [
            json.dumps({"text": text, "label": labels}) for text, labels in zip(texts, drawn, strict=True)
        ]
        (root / f"{split}.jsonl").write_text("".join(f"{line}\n" for line in lines))
    flags = {
        **{f"{split}_file": root / f"{split}.jsonl" for split in ROWS},
        **{f"do_{what}": True for what in ("train", "eval", "predict")},
        "task_name": "animals",
        "kind": "multilabel",
        "metric": "macro_f1",
        "bert_dir": root / "bert",
        "output_dir": root / "out",
        "max_seq_length": tiny.MAX_SEQ_LENGTH,
        "fine_tuning_layers": 1,
        "learning_rate": 3e-3,
        "num_train_epochs": 3,
        "train_batch_size": 7,
    }
    argv = [f"--{name}={value}" for name, value in flags.items()]
    assert command.status(run_classifier.main, run_classifier.FLAGS, ["run_classifier", *argv]) == 0
    return root / "out"


def test_thresholds_are_kept_with_the_metrics_they_were_tuned_for(trained: Path) -> None:
    record = read_record(trained)
    assert record.branch.task.labels == LABELS and record.branch.task.metric == "macro_f1"
    evaluated = json.loads((trained / "eval_results.json").read_text())
    assert evaluated == pytest.approx(record.metrics, abs=1e-6)
    assert evaluated["macro_f1"] > 0.7  # with every label for every row it is 0.57
    thresholds = checkpoint.read(trained / CHECKPOINT)["output_thresholds"]
    assert thresholds.shape == (3,) and np.all(thresholds != 0)


def test_predictions_are_written_as_labels_were_read(trained: Path) -> None:
    header, *rows = [line.split("\t") for line in (trained / "predictions.tsv").read_text().splitlines()]
    assert header == ["text", "prediction", "probabilities"] and len(rows) == ROWS["test"]
    found = np.array([[label in labels.split(",") for label in LABELS] for _, labels, _ in rows])
    truth = np.array([[label in text.split() for label in LABELS] for text, _, _ in rows])
    scores = 2 * (found & truth).sum(0) / np.maximum(found.sum(0) + truth.sum(0), 1)
    assert json.loads((trained / "test_results.json").read_text())["macro_f1"] == pytest.approx(scores.mean())
    assert all(tuple(json.loads(probabilities)) == LABELS for _, _, probabilities in rows)
