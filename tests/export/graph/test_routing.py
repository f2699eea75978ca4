"""The signature `route`: rows of any tasks in one batch answer as each task alone, and pay for that only."""

from collections import Counter

import numpy as np
import tiny
from exported import predictor
from hypothesis import given, settings
from hypothesis import strategies as st
from test_serving_graph import BY_NAME, TRUNK, Executed, answers, matmuls

from centrabert.export.engine.tensorflow_engine import Arrays

NAMES = sorted(BY_NAME)
TEXT_A, TEXT_B = (np.array(texts, np.object_) for texts in (tiny.TEXT_A, tiny.TEXT_B))
ROWS = len(TEXT_A)
TOLERANCE = 2e-6  # a row's last bits depend on the rows around it


def route(tasks: list[str], outputs: list[str] | None = None) -> Arrays:
    rows = np.arange(len(tasks)) % ROWS
    inputs = {"text_a": TEXT_A[rows], "text_b": TEXT_B[rows], "tasks": np.array(tasks, np.object_)}
    return predictor().predict("route", inputs, outputs)


def alone(name: str, row: int) -> Arrays:
    """One row, asked of the task's own signature: a task of single texts never sees the second."""
    pair = {"text_b": TEXT_B[row : row + 1]} if BY_NAME[name].task.pair else {}
    found = predictor().predict(name, {"text_a": TEXT_A[row : row + 1], **pair})
    return {key: value[0] for key, value in found.items()}


def check(tasks: list[str], wanted: list[set[str]]) -> None:
    found = route(tasks)
    for name in NAMES:
        assert list(found[f"{name}/asked"]) == [name in row for row in wanted]
        for row, own in enumerate(wanted):
            here = {answer: found[f"{name}/{answer}"][row] for answer in answers(BY_NAME[name])}
            if name not in own:
                assert here.get("label", b"") == b""
                assert not any(np.any(value) for key, value in here.items() if key != "label")
                continue
            there = alone(name, row % ROWS)
            assert here.get("label") == there.get("label")
            for key in here.keys() - {"label"}:
                np.testing.assert_allclose(
                    here[key], there[key], TOLERANCE, TOLERANCE, err_msg=f"{name}, row {row}"
                )


@settings(max_examples=25)
@given(st.lists(st.sets(st.sampled_from(NAMES), min_size=1), min_size=1, max_size=9))
def test_every_row_answers_as_each_of_its_tasks_alone(wanted: list[set[str]]) -> None:
    check([",".join(sorted(row)) for row in wanted], wanted)


def test_all_tasks_blanks_and_repetition() -> None:
    every = set(NAMES)
    check(["*", f" {NAMES[1]} , {NAMES[0]}", f"{NAMES[0]},{NAMES[0]}", f"{NAMES[0]},*"], [
        *(every, {NAMES[0], NAMES[1]}, {NAMES[0]}, every),
    ])  # fmt: skip


def test_a_name_is_not_the_beginning_of_another() -> None:
    check(["rte", "rte2"], [{"rte"}, {"rte2"}])


STRANGE = ["", "rt", "rte,", ",rte", "rte rte2", "RTE", "*,nli", "rte;rte2", "rte\n", "rte,,sim"]


def test_what_is_no_list_of_tasks_is_told_and_harms_no_other_row() -> None:
    tasks: list[str] = []
    wanted: list[set[str]] = []
    for strange in STRANGE:
        tasks += [strange, "rte"]
        wanted += [set(), {"rte"}]
    check(tasks, wanted)
    told = [text if text in STRANGE else "" for text in tasks]
    assert list(route(tasks, ["unknown"])["unknown"]) == [text.encode() for text in told]


def test_an_empty_batch_is_answered() -> None:
    found = route([])
    assert {len(value) for value in found.values()} == {0}


def test_layers_and_branches_without_rows_do_not_run() -> None:
    """Matrix products that are really executed, for requests of one task, of two, of all."""
    executed = Executed()
    for names in (["rte"], ["sim"], ["rte2", "tone"], NAMES):
        executed.texts["tasks"] = np.array([names[row % len(names)] for row in range(5)], np.object_)
        branches = [BY_NAME[name] for name in names]
        layers = max(branch.frozen for branch in branches) + sum(branch.tuned for branch in branches)
        ran = executed.run("route")
        products = Counter(op for op in ran.values() if "MatMul" in op)
        assert sum(products.values()) == sum(matmuls(layers, branches).values()), names
        assert all(name.startswith("route/") for name, op in ran.items() if "MatMul" in op)
    assert max(branch.frozen for branch in BY_NAME.values()) == TRUNK


def test_ids_are_routed_as_texts_are() -> None:
    ids, segments = tiny.random_ids(rows=4, length=11, seed=3)
    tasks = np.array(["rte", "sim,tone", "?", "*"], np.object_)
    found = predictor().predict("route_ids", {"input_ids": ids, "segment_ids": segments, "tasks": tasks})
    assert found["unknown"].tolist() == [b"", b"", b"?", b""]
    for name, rows in (("rte", [0, 3]), ("sim", [1, 3]), ("tone", [1, 3]), ("whole", [3])):
        alone = predictor().predict(f"{name}_ids", {"input_ids": ids, "segment_ids": segments})
        assert np.flatnonzero(found[f"{name}/asked"]).tolist() == rows
        for answer in set(alone) - {"label"}:
            expected = np.zeros_like(alone[answer])
            expected[rows] = alone[answer][rows]
            np.testing.assert_allclose(found[f"{name}/{answer}"], expected, atol=TOLERANCE)
