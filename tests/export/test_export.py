"""The exported model answers as each branch alone does, bit for bit, whatever else it holds."""

import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import tiny
from exported import exported, predictor, small
from tiny import Array

from centrabert.errors import UserError
from centrabert.export.contract.version_folder import EXTRA, SAVED_MODEL
from centrabert.export.engine.golden_check import replay
from centrabert.export.engine.tensorflow_engine import Predictor
from centrabert.export.export_version import export
from centrabert.merge.merge_branches import merge
from centrabert.merge.merged_folder import golden_file
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch_folder import CHECKPOINT, read_record
from centrabert.modeling.golden_file import read_golden
from centrabert.modeling.training.prediction import branch_estimator, input_fn
from centrabert.modeling.training.token_dataset import encode

PAIRS = [branch.task.name for branch in tiny.BRANCHES if branch.task.pair]
ALL = [branch.task.name for branch in tiny.BRANCHES]
each_task = pytest.mark.parametrize("name", ALL)


@pytest.fixture(scope="module")
def ids() -> tuple[Array, Array]:
    return tiny.random_ids(rows=7, length=11, seed=3)


def texts(text_b: tuple[str, ...] | None = tiny.TEXT_B) -> dict[str, Array]:
    columns = {"text_a": tiny.TEXT_A, **({"text_b": text_b} if text_b is not None else {})}
    return {name: np.array(column, np.object_) for name, column in columns.items()}


def tokens(text_b: tuple[str, ...]) -> tuple[Array, Array]:
    tokenizer = BertFolder.at(exported().base).tokenizer()
    input_ids, segment_ids = tokenizer.encode(tiny.TEXT_A, text_b, tiny.MAX_SEQ_LENGTH)
    return input_ids.numpy(), segment_ids.numpy()


def alone(name: str, ids: tuple[Array, Array]) -> dict[str, Array]:
    return tiny.single_task(exported().base, exported().branches[name], *ids)


@cache
def texts_alone(name: str) -> dict[str, Array]:
    """To both texts, where the branch reads both."""
    return alone(name, tokens(tiny.TEXT_B if name in PAIRS else ("",) * len(tiny.TEXT_A)))


def assert_bits(found: dict[str, Array], wanted: dict[str, Array]) -> None:
    assert found.keys() == wanted.keys()
    for name in wanted:
        np.testing.assert_array_equal(found[name], wanted[name], err_msg=name)


@each_task
def test_ids_as_the_branch_alone(name: str, ids: tuple[Array, Array]) -> None:
    input_ids, segment_ids = ids
    found = predictor().predict(f"{name}_ids", {"input_ids": input_ids, "segment_ids": segment_ids})
    assert_bits(found, alone(name, ids))


@each_task
def test_texts_as_the_branch_alone(name: str) -> None:
    found = predictor().predict(name, texts() if name in PAIRS else texts(None))
    assert_bits(found, texts_alone(name))


@pytest.mark.parametrize("signature", ["serving_default", "route"])
def test_all_tasks_at_once(signature: str) -> None:
    """In one run, a task of single texts reads the first alone, whatever else is asked."""
    tasks = {"tasks": np.array(["*"] * len(tiny.TEXT_A), np.object_)} if signature == "route" else {}
    found = predictor().predict(signature, {**texts(), **tasks})
    for name in ALL:
        for answer, value in texts_alone(name).items():
            here = found[f"{name}/{answer}"]
            if value.dtype == object:
                assert here.tolist() == value.tolist(), name
            else:  # other rows around it, so other last bits
                np.testing.assert_allclose(here, value, 2e-6, 2e-6, err_msg=name)


def test_texts_without_a_second_one_are_read_once_for_all_tasks() -> None:
    """To the same bits as the tasks' own signatures."""
    found = predictor().predict("serving_default", texts(None))
    for name in ALL:
        own = predictor().predict(name, texts(None))
        assert_bits({key: found[f"{name}/{key}"] for key in own}, own)


@each_task
def test_as_evaluated_in_training(name: str) -> None:
    """The model that gave the dev metric: the estimator's, fed from a data set."""
    bert, folder = BertFolder.at(exported().base), exported().branches[name]
    branch = read_record(folder).branch
    tokenizer = bert.tokenizer()
    text_b = tiny.TEXT_B if branch.task.pair else ("",) * len(tiny.TEXT_A)
    encoded = encode(tokenizer, branch.task, tiny.TEXT_A, text_b)
    estimator = branch_estimator(bert, branch, folder / CHECKPOINT, tokenizer.padding_id)
    every_row = input_fn(encoded, [np.arange(len(encoded))])
    (wanted,) = estimator.predict(every_row, yield_single_examples=False)
    del wanted["logits"]
    found = predictor().predict(name, texts() if branch.task.pair else texts(None))
    assert_bits(found, wanted)


def test_some_outputs_of_all() -> None:
    every = predictor().predict("serving_default", texts())
    found = predictor().predict("serving_default", texts(), ["sim/score", "rte2/probabilities"])
    assert_bits(found, {name: every[name] for name in ("sim/score", "rte2/probabilities")})


def test_the_answers_tell_tasks_and_texts_apart() -> None:
    """Or the comparisons above would prove little."""
    every = predictor().predict("serving_default", texts())
    scores = np.concatenate([every["sim/score"], every["whole/score"], every["tone/probabilities"][:, 0]])
    assert np.abs(scores[:, None] - scores + np.eye(len(scores))).min() > 1e-4
    assert set(every["rte/label"].tolist()) == {b"no", b"yes"}


@pytest.mark.parametrize("name", PAIRS)
def test_text_b_is_empty_where_it_is_not_fed(name: str) -> None:
    given = predictor().predict(name, texts(("",) * len(tiny.TEXT_A)))
    assert_bits(predictor().predict(name, texts(None)), given)


@each_task
def test_padding_changes_nothing(name: str, ids: tuple[Array, Array]) -> None:
    """The mask comes from the zero ids alone; sums over a longer row may end in other last bits."""
    feeds = dict(zip(("input_ids", "segment_ids"), ids, strict=True))
    padded = {key: np.pad(value, [(0, 0), (0, 4)]) for key, value in feeds.items()}
    short, long = (predictor().predict(f"{name}_ids", given) for given in (feeds, padded))
    answer = "score" if "score" in short else "probabilities"
    np.testing.assert_allclose(long[answer], short[answer], atol=2e-6)


def test_one_row() -> None:
    found = predictor().predict("rte", {name: column[:1] for name, column in texts().items()})
    assert (found["label"].shape, found["probabilities"].shape) == ((1,), (1, 2))


def test_another_branch_changes_no_bit_of_the_others(tmp_path: Path, ids: tuple[Array, Array]) -> None:
    """Two of the five, merged in the other order: the trunk is shallower, the answers are the same."""
    feeds = dict(zip(("input_ids", "segment_ids"), ids, strict=True))
    branches = [exported().branches[name] for name in ("whole", "rte")]
    merge(exported().base, branches, tmp_path / "merged")
    with Predictor(export(tmp_path / "merged", tmp_path / "serving", 1)) as few:
        for name in ("rte", "whole"):
            many = predictor().predict(f"{name}_ids", feeds)
            assert_bits(few.predict(f"{name}_ids", feeds), many)
        assert set(few.signatures) == {
            *("rte", "rte_ids", "whole", "whole_ids", "serving_default", "route", "route_ids", "describe"),
        }


@pytest.mark.parametrize("name", ["rte", "tone"])
def test_a_flipped_bit_of_a_label_is_found(name: str, tmp_path: Path) -> None:
    """The probabilities are right, and no digest holds the graph: only golden labels tell."""
    version = Path(shutil.copytree(small().version, tmp_path / "1"))
    task = next(branch.task for branch in tiny.BRANCHES if branch.task.name == name)
    golden = read_golden(golden_file(version / EXTRA, name), task)
    label = golden.outputs["label"][0]
    flipped = label[:-1] + chr(ord(label[-1]) ^ 1)
    graph = (version / SAVED_MODEL).read_bytes()
    packed, wrong = (bytes([len(text)]) + text.encode() for text in (label, flipped))
    assert packed in graph
    (version / SAVED_MODEL).write_bytes(graph.replace(packed, wrong))
    with Predictor(version) as few, pytest.raises(UserError, match=f"label is '{flipped}', not '{label}'$"):
        replay(few, {task: golden}, version)


def test_rows_of_padding_alone_are_answered_with_numbers() -> None:
    """By whatever serves the graph without looking at its inputs; no row of the batch differs for it."""
    input_ids, segment_ids = tiny.random_ids(rows=4, length=11, seed=5)
    input_ids[2], segment_ids[2] = 0, 0
    fed = {"input_ids": input_ids, "segment_ids": segment_ids}
    others = [0, 1, 3]
    for name in ("sim", "rte2", "rte"):  # two that read the mean of the tokens, and one that reads [CLS]
        found = predictor().predict(f"{name}_ids", fed)
        without = predictor().predict(f"{name}_ids", {key: array[others] for key, array in fed.items()})
        for key, array in found.items():
            if array.dtype == np.float32:
                assert np.isfinite(array).all(), key
                np.testing.assert_allclose(array[others], without[key], atol=1e-6)
    asked = {**fed, "tasks": np.array([b"*"] * 4, np.object_)}
    every = predictor().predict("route_ids", asked)
    assert all(np.isfinite(array).all() for array in every.values() if array.dtype == np.float32)
