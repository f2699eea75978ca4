"""What a request's rows want, and where their answers go."""

import numpy as np
import tiny
from exported import predictor
from hypothesis import given, settings
from hypothesis import strategies as st

from centrabert.export.contract.signature_spec import SignatureSpec
from centrabert.export.contract.task_selector import parse_task_selector, task_selector
from centrabert.export.serving.request_rows import read_rows, request_outputs
from centrabert.export.serving.row_batch import IDS, TEXT

NAMES = sorted(branch.task.name for branch in tiny.BRANCHES)
PARTS = ("rte", "2", "sim", "tone", "whole", "*", ",", " ", "x", "\t")
LISTS = st.lists(st.sampled_from(PARTS), max_size=6).map("".join)


def signature(name: str) -> SignatureSpec:
    return predictor().signatures[name]


def texts(*values: str) -> np.ndarray:
    return np.array([value.encode() for value in values], np.object_)


@settings(deadline=None, max_examples=60)
@given(st.lists(LISTS, min_size=1, max_size=8))
def test_lists_of_tasks_are_read_as_the_graph_reads_them(rows: list[str]) -> None:
    inputs = {
        "text_a": texts(*["one"] * len(rows)),
        "text_b": texts(*["two"] * len(rows)),
        "tasks": texts(*rows),
    }
    outputs = ["unknown", *(f"{name}/asked" for name in NAMES)]
    graph = predictor().predict("route", inputs, outputs)
    ours = request_outputs(
        signature("route"), outputs, read_rows(signature("route"), inputs, outputs, NAMES), []
    )
    assert {name: array.tolist() for name, array in graph.items()} == {
        name: array.tolist() for name, array in ours.items()
    }


def test_a_list_of_tasks_reads_back() -> None:
    tasks = frozenset(["rte", "sim"])
    assert parse_task_selector(task_selector(tasks), NAMES) == tasks


def test_a_signature_of_a_task_asks_for_it_alone() -> None:
    rows = read_rows(signature("tone"), {"text_a": texts("a", "b")}, ["label"], NAMES)
    assert (rows.input_kind, rows.tasks, rows.task_arguments) == (TEXT, {"tone"}, (frozenset(["tone"]),) * 2)
    assert rows.columns[1].tolist() == [b"", b""]


def test_ids_are_another_kind_of_input() -> None:
    ids = np.array([[2, 7, 3]], np.int32)
    inputs = {"input_ids": ids, "segment_ids": ids * 0}
    rows = read_rows(signature("rte2_ids"), inputs, ["label"], NAMES)
    assert (rows.input_kind, rows.tasks) == (IDS, {"rte2"})


def test_only_what_is_fetched_is_computed() -> None:
    inputs = {
        "text_a": texts("a", "b", "c"),
        "text_b": texts("", "", ""),
        "tasks": texts("sim, tone", "*", "rte"),
    }
    rows = read_rows(signature("route"), inputs, ["tone/label", "sim/asked", "unknown"], NAMES)
    assert rows.tasks == {"tone"}
    assert [(indices, batch.tasks) for indices, batch in rows.batches(8)] == [
        ([0, 1], (frozenset(["tone"]), frozenset(["tone"])))
    ]


def test_serving_default_wants_the_tasks_of_its_outputs() -> None:
    inputs = {"text_a": texts("a"), "text_b": texts("b")}
    assert read_rows(signature("serving_default"), inputs, ["sim/score", "rte/label"], NAMES).tasks == {
        "sim",
        "rte",
    }


def test_answers_return_to_their_rows_and_the_others_stay_blank() -> None:
    inputs = {
        "text_a": texts(*"abcde"),
        "text_b": texts(*"abcde"),
        "tasks": texts("sim", "rte", "?", "sim", "*"),
    }
    outputs = ["sim/score", "rte/label", "unknown"]
    rows = read_rows(signature("route"), inputs, outputs, NAMES)
    (first, _), (second, _) = rows.batches(3)
    assert (first, second) == ([0, 1, 3], [4])
    computed = [
        (first, {"sim/score": np.array([1, 0, 3], np.float32), "rte/label": texts("", "yes", "")}),
        (second, {"sim/score": np.array([4], np.float32), "rte/label": texts("no")}),
    ]
    found = request_outputs(signature("route"), outputs, rows, computed)
    assert found["sim/score"].tolist() == [1, 0, 0, 3, 4]
    assert found["rte/label"].tolist() == [b"", b"yes", b"", b"", b"no"]
    assert found["unknown"].tolist() == [b"", b"", b"?", b"", b""]


def test_no_rows_have_empty_answers_of_the_right_shape() -> None:
    rows = read_rows(signature("tone"), {"text_a": texts()}, ["label", "probabilities"], NAMES)
    found = request_outputs(signature("tone"), ["label", "probabilities"], rows, [])
    assert {name: array.shape for name, array in found.items()} == {"label": (0,), "probabilities": (0, 4)}
