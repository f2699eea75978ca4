"""Tasks that tag words, beside others: whatever signature is asked, a row is answered as by its own."""

import atexit
import json
import shutil
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import cpp_loader
import numpy as np
import numpy.typing as npt
import pytest
import tiny
from plain_sessions import plain_sessions

from centrabert.export.contract.version_folder import EXTRA
from centrabert.export.engine.tensorflow_engine import Arrays, Predictor
from centrabert.export.export_version import export
from centrabert.merge.merge_branches import merge
from centrabert.modeling.branch import Branch
from centrabert.modeling.kinds.registry import KINDS

TASKS = (
    tiny.task("both"),
    tiny.task("mood", pair=False),
    tiny.task("slots", "crf_tagging"),
    tiny.task("letters", "tagging", split="characters"),
)
TEXT_A = (
    "the dog xyz",
    "",
    "red HOUSE  blé 日本 a b c d e f g h i j",
    "one",
    "very good a\u00adb",
    "the\u0301 red",
)
TEXT_B = ("one", "two", "", " ", "", "three")
TOLERANCE = 2e-6


@cache
def version() -> Path:
    root = Path(tempfile.mkdtemp(prefix="tagging-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    base = tiny.bert_folder(root / "base", config=replace(tiny.CONFIG, num_hidden_layers=2))
    shapes = [Branch(task, frozen, 1) for task, frozen in zip(TASKS, (0, 1, 1, 0), strict=True)]
    merge(base, tiny.branches(root / "branches", base, shapes), root / "merged")
    with plain_sessions():  # the proof; what is asked here is asked of an optimised graph
        return export(root / "merged", root / "serving", 1)


@cache
def predictor() -> Predictor:
    return Predictor(version())


def strings(values: object) -> npt.NDArray[np.object_]:
    return np.array(values, np.object_)


@cache
def alone(task: tiny.TaskSpec) -> Arrays:
    pair = {"text_b": strings(TEXT_B)} if task.pair else {}
    return predictor().predict(task.name, {"text_a": strings(TEXT_A), **pair})


def check(found: Arrays, task: tiny.TaskSpec, rows: list[int], given: Arrays) -> None:
    """The rows of `found` are those of the task alone; an axis may be of another length, with padding."""
    for output in KINDS[task.kind].outputs:
        one, other = found[f"{task.name}/{output.name}"], given[output.name][rows]
        size = [min(*sizes) for sizes in zip(one.shape, other.shape, strict=True)]
        for array in (one, other):
            for axis, length in enumerate(size):
                assert not any(np.take(array, range(length, array.shape[axis]), axis).ravel().tolist())
        one, other = (array[tuple(map(slice, size))] for array in (one, other))
        if output.dtype == "float32":
            np.testing.assert_allclose(one, other, TOLERANCE, TOLERANCE)
        else:
            np.testing.assert_array_equal(one, other)


def test_serving_default_answers_as_each_task_alone() -> None:
    found = predictor().predict("serving_default", {"text_a": strings(TEXT_A), "text_b": strings(TEXT_B)})
    for task in TASKS:
        check(found, task, list(range(len(TEXT_A))), alone(task))


@pytest.mark.parametrize(
    "tasks",
    [
        ("*",) * 6,
        ("slots", "mood", "slots,letters", "letters", "mood,slots", "both"),
        ("mood",) * 6,
        ("slots",) * 6,
    ],
)
def test_route_answers_as_each_task_alone(tasks: tuple[str, ...]) -> None:
    inputs = {"text_a": strings(TEXT_A), "text_b": strings(TEXT_B), "tasks": strings(tasks)}
    found = predictor().predict("route", inputs)
    for task in TASKS:
        asked = [row for row, names in enumerate(tasks) if names == "*" or task.name in names.split(",")]
        assert np.flatnonzero(found[f"{task.name}/asked"]).tolist() == asked
        names = [f"{task.name}/{output.name}" for output in KINDS[task.kind].outputs]
        check({name: found[name][asked] for name in names}, task, asked, alone(task))
        others = np.setdiff1d(np.arange(6), asked)
        assert not any(np.any(found[name][others] != np.zeros((), found[name].dtype)) and
                       any(found[name][others].ravel().tolist()) for name in names)  # fmt: skip


def test_words_that_are_split_already() -> None:
    """As those of the text that they make: words with one space between two, characters without."""
    for task in TASKS[2:]:
        space = " " if task.split == "whitespace" else ""
        words = [text.split() if space else list("".join(text.split())) for text in TEXT_A]
        padded = [row + [""] * (max(map(len, words)) - len(row)) for row in words]
        found = predictor().predict(f"{task.name}_words", {"words": strings(padded)})
        texts = [space.join(row) for row in words]
        joined = predictor().predict(task.name, {"text_a": strings(texts)})
        check({f"{task.name}/{name}": array for name, array in found.items()}, task, list(range(6)), joined)
        for row, (text, own) in enumerate(zip(texts, words, strict=True)):
            tags = [tag for tag in found["tags"][row].tolist() if tag]
            places = found["word_characters"][row, : len(tags)].tolist()
            assert [text[start:end] for start, end in places] == own[: len(tags)]


def test_ids_cannot_be_tagged() -> None:
    """So the signatures of ids are those of the other tasks alone."""
    signatures = predictor().signatures
    assert not {"slots_ids", "letters_ids", "mood_words"} & signatures.keys()
    assert {"slots_words", "letters_words", "mood_ids", "both_ids"} <= signatures.keys()
    ids = np.array([[2, 50, 3], [2, 51, 3]], np.int32)
    inputs = {"input_ids": ids, "segment_ids": np.zeros_like(ids), "tasks": strings(["*", "slots"])}
    found = predictor().predict("route_ids", inputs)
    assert found["unknown"].tolist() == [b"", b"slots"]
    assert found["mood/asked"].tolist() == [True, False]
    assert not [name for name in found if name.startswith(("slots", "letters"))]
    own = predictor().predict("mood_ids", {"input_ids": ids[:1], "segment_ids": ids[:1] * 0})
    np.testing.assert_allclose(found["mood/probabilities"][:1], own["probabilities"], atol=TOLERANCE)


def test_the_model_describes_its_words() -> None:
    (text,) = predictor().predict("describe", {"text_a": strings([""])})["description"]
    tasks = {task["name"]: task for task in json.loads(text)["tasks"]}
    assert tasks["letters"]["split"] == "characters"
    assert tasks["slots"]["labels"] == ["O", "B-one", "I-one", "B-two", "I-two"]
    assert "split" not in tasks["mood"]


def test_the_model_card_tells_tags_and_words() -> None:
    card = (version() / EXTRA / "MODEL_CARD.md").read_text()
    (line,) = (line for line in card.splitlines() if line.startswith("| slots | "))
    assert line.startswith("| slots | `text_a` | `tags` of O, B-one, I-one, B-two, I-two, `tag_scores`, ")
    assert line.endswith(" | `slots`, `slots_words` |")


def test_an_empty_batch_is_answered() -> None:
    none = strings([])
    found = predictor().predict("route", {"text_a": none, "text_b": none, "tasks": none})
    assert {len(array) for array in found.values()} == {0}
    assert len(predictor().predict("slots", {"text_a": none})["tags"]) == 0


def test_the_loader_of_tf_serving_answers_alike() -> None:
    """Its loops too, where rows want them and where none does; text_a in Unicode, words with padding."""
    texts = {"text_a": np.array(TEXT_A), "text_b": np.array(TEXT_B)}
    asked = [
        ("route", {**texts, "tasks": np.array(["*", "slots", "mood", "letters", "*", "both"])}),
        ("route", {**texts, "tasks": np.array(["mood"] * 6)}),
        ("slots", {"text_a": np.array(TEXT_A)}),
        ("letters_words", {"words": np.array([["the", "dog"], ["日本", ""]])}),
    ]
    definitions = predictor().signature_defs
    requests = [
        (
            {definitions[name].inputs[key].name: value for key, value in feeds.items()},
            [info.name for info in definitions[name].outputs.values()],
        )
        for name, feeds in asked
    ]
    for (name, feeds), found in zip(asked, cpp_loader.ask(version(), requests), strict=True):
        wanted = predictor().predict(name, {key: strings(value) for key, value in feeds.items()})
        for key, info in definitions[name].outputs.items():
            assert found[info.name].tolist() == wanted[key].tolist(), (name, key)
