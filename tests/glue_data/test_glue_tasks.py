"""The table of GLUE tasks: names, labels, metrics."""

import pytest

from centrabert.glue_data.example import Example
from centrabert.glue_data.glue_tasks import TASKS, GlueTask, glue_task
from centrabert.glue_data.known_bad_rows import KnownDefect
from centrabert.glue_data.metrics import METRICS


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("MRPC", "mrpc"),
        ("SST-2", "sst2"),
        ("sst_2", "sst2"),
        ("STS-B", "stsb"),
        ("sts-b", "stsb"),
        ("CoLA", "cola"),
        ("MNLI", "mnli"),
        ("QNLI", "qnli"),
        ("RTE", "rte"),
        ("QQP", "qqp"),
    ],
)
def test_task_is_found_by_glue_spelling(spelling, name):
    assert glue_task(spelling).name == name
    assert glue_task(glue_task(name).folder) is glue_task(name)


def test_unknown_task_names_those_there_are():
    with pytest.raises(ValueError) as caught:
        glue_task("WNLI")
    assert str(caught.value) == (
        "unknown GLUE task 'WNLI'; known are cola, sst2, mrpc, stsb, qqp, mnli, qnli, rte"
    )


def test_specs_are_as_in_bert_and_the_paper():
    """Kind, labels in order, pair and the metric of Table 1."""
    seen = {
        task.name: (task.spec().kind, task.spec().labels, task.spec().pair, task.spec().metric)
        for task in TASKS
    }
    binary, entailment = ("0", "1"), ("entailment", "not_entailment")
    assert seen == {
        "cola": ("classification", binary, False, "matthews"),
        "sst2": ("classification", binary, False, "accuracy"),
        "mrpc": ("classification", binary, True, "accuracy"),
        "stsb": ("regression", (), True, "pearson"),
        "qqp": ("classification", binary, True, "accuracy"),
        "mnli": ("classification", ("contradiction", "entailment", "neutral"), True, "accuracy"),
        "qnli": ("classification", entailment, True, "accuracy"),
        "rte": ("classification", entailment, True, "accuracy"),
    }


def test_spec_takes_length_and_pooling():
    spec = glue_task("rte").spec(max_seq_length=37, pooling="mean")
    assert (spec.max_seq_length, spec.pooling) == (37, "mean")
    assert (glue_task("rte").spec().max_seq_length, glue_task("rte").spec().pooling) == (128, "cls")


def test_every_metric_of_a_task_exists():
    assert {metric for task in TASKS for metric in task.metrics} == set(METRICS)


@pytest.mark.parametrize(
    "wrong",
    [{"texts": ()}, {"texts": ("a", "b", "c")}, {"metrics": ()}, {"labels": ()}, {"score_range": (0.0, 1.0)}],
)
def test_task_that_contradicts_itself_is_refused(wrong):
    right = {
        "name": "toy",
        "folder": "Toy",
        "splits": (),
        "texts": ("a",),
        "label": "y",
        "labels": ("0", "1"),
        "metrics": ("f1",),
    }
    GlueTask(**right)
    with pytest.raises(ValueError, match="task toy"):
        GlueTask(**{**right, **wrong})


def test_label_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="nan"):
        Example("A", "B", float("nan"))


def test_defect_of_no_rows_is_refused():
    with pytest.raises(ValueError, match="0 rows"):
        KnownDefect("nothing", lambda fields: False, 0)
