"""Trainings of the paper's tables are done, on two tasks of few rows and a tiny BERT."""

from dataclasses import replace
from pathlib import Path

import pytest
import tiny

from benchmarks.paper import workshop as workshop_module
from benchmarks.paper.methods import METHODS
from benchmarks.paper.schedule import JOINT_EPOCHS
from benchmarks.paper.training import MT_DNN, Training
from benchmarks.paper.workshop import Workshop
from centrabert.glue_data import samples
from centrabert.modeling.branch_folder import read_record

TASKS = ("rte", "sst2")
ROWS = 12
PARTIAL = Training("sst2", "partial", 1, 1e-3, 1.0)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    root = tmp_path_factory.mktemp("workshop")
    source = Path(samples.__path__[0])
    for name in ("RTE", "SST-2"):
        (root / "glue" / name).mkdir(parents=True)
        for split in ("train", "dev"):
            lines = (source / name / f"{split}.tsv").read_text().splitlines(keepends=True)
            (root / "glue" / name / f"{split}.tsv").write_text("".join(lines[: ROWS + 1]))
    config = replace(tiny.CONFIG, num_hidden_layers=2, max_position_embeddings=128)
    bert = tiny.bert_folder(root / "bert", config=config)
    return Workshop(bert, root / "glue", root / "output", "mean")


@pytest.fixture(autouse=True)
def two_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workshop_module, "TASKS", TASKS)
    monkeypatch.setattr(workshop_module, "MAX_ROWS", {"sst2": ROWS - 4})
    monkeypatch.setattr(workshop_module, "MAX_UNLABELLED", 6)
    monkeypatch.setattr(workshop_module, "JOINT_EPOCHS", 1.0)


def test_a_joint_training_is_done_once_for_all_its_columns(workshop: Workshop) -> None:
    """A task of three epochs on its own is a column of the same joint training."""
    columns = [Training(task, MT_DNN, 0, 1e-3, JOINT_EPOCHS) for task in TASKS]
    rte, sst2 = map(workshop.train, columns)
    assert (rte.frozen, rte.tuned) == (sst2.frozen, sst2.tuned) == (2, 0)
    assert rte.cpu_seconds == sst2.cpu_seconds
    assert len(list((workshop.output_dir / "joint").iterdir())) == 1
    assert (rte.metric, sst2.metric) == ("accuracy", "accuracy")


def test_a_student_of_unlabelled_texts(workshop: Workshop) -> None:
    """Its teacher is trained before it, once; texts without a label are the sample's rest, then others."""
    method = METHODS["logit_kd_texts"]
    student = replace(
        PARTIAL,
        row="logit_kd_texts",
        student_layers=1,
        method=method.name,
        settings=method.settings,
        teacher=PARTIAL,
        unlabelled=True,
    )
    result = workshop.train(student)
    assert (result.frozen, result.tuned) == (1, 1)
    assert 0 <= result.dev <= 1
    texts = (workshop.output_dir / "unlabelled" / "sst2.tsv").read_text().splitlines()
    train = workshop.runner("sst2").task.read("train").text_a
    trained_on = set(workshop.runner("sst2").train.text_a)
    assert len(texts) == 6
    assert set(texts[:4]) == set(train) - trained_on
    again = workshop.train(student)
    assert again == result  # seconds too
    assert workshop.finished(PARTIAL)


def test_what_a_result_says_of_a_branch(workshop: Workshop) -> None:
    """Parameters by hand: a layer and a head of two labels, without a pooler as tokens are averaged."""
    result = workshop.train(PARTIAL)
    config = workshop.runner("sst2").bert.config()
    hidden, inner = config.hidden_size, config.intermediate_size
    layer = 4 * (hidden * hidden + hidden) + 2 * hidden * inner + inner + hidden + 4 * hidden
    assert result.parameters == layer + 2 * (hidden + 1)
    setup = workshop.setup(TASKS)
    assert setup.layer_parameters == layer
    assert setup.embedding_parameters == (
        (config.vocab_size + config.type_vocab_size + config.max_position_embeddings + 2) * hidden
    )
    assert set(setup.data) == set(TASKS)
    record = read_record(workshop.folder(PARTIAL))
    assert result.dev == record.metrics["accuracy"]


def test_a_smaller_bert_is_made_once_and_shared(workshop: Workshop) -> None:
    whole = Training("sst2", "distilbert", 1, 1e-3, 1.0, student_layers=1, texts="distilbert")
    first, second = (workshop.train(replace(whole, seed=seed)) for seed in (0, 1))
    assert (first.frozen, first.tuned) == (second.frozen, second.tuned) == (0, 1)
    assert len(list((workshop.output_dir / "smaller").iterdir())) == 1


def test_what_a_training_should_take(workshop: Workshop) -> None:
    """Twice as many epochs take twice the hours of training, and evaluations besides where they are many."""
    one, two = (workshop.hours(replace(PARTIAL, num_train_epochs=epochs)) for epochs in (1.0, 2.0))
    assert one < two < 2 * one
    assert workshop.hours(replace(PARTIAL, unlabelled=True)) > one
    assert workshop.smaller_hours() > 0
