"""The table of GLUE tasks: names, labels, metrics."""

from pathlib import Path

import pytest

from centrabert.glue_data.declared_task import DeclaredTask
from centrabert.glue_data.glue_tasks import GLUE_TASKS
from centrabert.glue_data.metrics import METRICS, PROBABILITY_METRICS, check_metrics
from centrabert.glue_data.readers.known_bad_rows import KnownDefect
from centrabert.glue_data.tag_metrics import TAG_COUNTS
from centrabert.glue_data.task_data import Examples, label_array, task_spec
from centrabert.glue_data.task_lookup import find_task
from centrabert.modeling.kinds.registry import KINDS


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
    assert find_task(spelling).name == name


@pytest.mark.parametrize("task", GLUE_TASKS)
def test_its_files_are_where_they_were_said_to_be(task):
    folder = task.official.folder
    assert find_task(folder) == DeclaredTask(task) and task.data == Path(folder)
    below = find_task(task.name, data_root=Path("glue")).splits
    assert below["train"] == Path("glue", folder, "train.tsv")
    assert find_task(task.name, data_dir=Path("glue", folder)).splits == below
    assert {"train", "dev", "test"} <= below.keys()


def test_unknown_task_names_those_there_are():
    with pytest.raises(ValueError) as caught:
        find_task("WNLI")
    assert str(caught.value) == (
        "there is no task 'WNLI'; the tasks are cola, sst2, mrpc, stsb, qqp, mnli, qnli, rte"
    )


def test_specs_are_as_in_bert_and_the_paper():
    """Kind, labels in order, pair and the metric of Table 1."""
    specs = [task_spec(DeclaredTask(task)) for task in GLUE_TASKS]
    seen = {spec.name: (spec.kind, spec.labels, spec.pair, spec.metric) for spec in specs}
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
    rte = find_task("rte")
    spec = task_spec(rte, max_seq_length=37, pooling="mean")
    assert (spec.max_seq_length, spec.pooling) == (37, "mean")
    assert (task_spec(rte).max_seq_length, task_spec(rte).pooling) == (128, "cls")


def test_every_metric_belongs_to_a_kind():
    assert {metric for kind in KINDS.values() for metric in kind.metrics} == {
        *METRICS,
        *TAG_COUNTS,
        *PROBABILITY_METRICS,
    }


def test_reported_metrics_suit_the_kind_and_begin_with_that_of_the_paper():
    """Those, and no others, are in eval_results.json."""
    seen = {task.name: DeclaredTask(task).metrics for task in GLUE_TASKS}
    assert seen == {
        "cola": ("matthews", "accuracy"),
        "sst2": ("accuracy",),
        "mrpc": ("accuracy", "f1"),
        "stsb": ("pearson", "spearman"),
        "qqp": ("accuracy", "f1"),
        "mnli": ("accuracy",),
        "qnli": ("accuracy",),
        "rte": ("accuracy",),
    }


@pytest.mark.parametrize(
    ("labels", "metrics", "message"),
    [
        (("0", "1"), (), "no metric to choose a checkpoint by; a classification has accuracy, auc, f1"),
        (("0", "1"), ("f1", "bleu"), "metric 'bleu' is not for a classification; choose among accuracy, auc"),
        (("0", "1", "2"), ("f1",), "metric 'f1' is for two labels"),
        (("0", "1"), ("pearson",), "metric 'pearson' is not for a classification"),
    ],
)
def test_metrics_that_a_task_cannot_have_are_refused(labels, metrics, message):
    with pytest.raises(ValueError, match=message):
        check_metrics("classification", labels, metrics)


def test_labels_become_positions_and_scores_stay():
    given = Examples(("x", "y", "z"), ("", "", ""), ("1", "0", "1"))
    labels = label_array(find_task("cola"), given)
    assert (labels.dtype, labels.tolist()) == ("int32", [1, 0, 1])
    scores = label_array(find_task("stsb"), Examples(("x",), ("y",), (2.5,)))
    assert (scores.dtype, scores.tolist()) == ("float32", [2.5])
    assert label_array(find_task("stsb"), Examples(("x",), ("y",))) is None


@pytest.mark.parametrize(
    ("task", "label", "message"),
    [
        ("rte", "neutral", "task rte: label 'neutral' of row 1 is none of entailment, not_entailment"),
        ("stsb", float("nan"), "task stsb: the score of row 1 is nan, which is not finite"),
    ],
)
def test_a_label_that_the_task_does_not_have_is_refused(task, label, message):
    right = 1.0 if task == "stsb" else "entailment"
    with pytest.raises(ValueError) as caught:
        label_array(find_task(task), Examples(("a", "b"), ("c", "d"), (right, label)))
    assert str(caught.value) == message


@pytest.mark.parametrize("wrong", [{"text_b": ("",)}, {"labels": ("0",)}, {"ids": ("0",)}])
def test_columns_of_unequal_length_are_refused(wrong):
    with pytest.raises(ValueError, match="2 first texts, but another column has 1 rows"):
        Examples(**{"text_a": ("a", "b"), "text_b": ("", ""), **wrong})


def test_defect_of_no_rows_is_refused():
    with pytest.raises(ValueError, match="0 rows"):
        KnownDefect("nothing", lambda fields: False, 0)
