"""What the client makes of rows, of a model's signatures and of the columns of a reply."""

from typing import Any

import numpy as np
import pytest

from centrabert.errors import UserError
from centrabert.export.client.errors import ModelChanged, RequestError
from centrabert.export.client.results import read_answers
from centrabert.export.client.rows import Row, SentRow, route_request, sent_rows
from centrabert.export.client.served_tasks import ServedTasks, served_tasks
from centrabert.export.client.transport import (
    Description,
    Metadata,
    Reply,
    RouteRequest,
    Signature,
    WantedModel,
)
from centrabert.export.contract.model_description import ServedTask, write_description
from centrabert.modeling.kinds.classification import Classification
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.kinds.regression import Score
from centrabert.modeling.kinds.task_kind import Output
from centrabert.modeling.task import TaskSpec

OFFERED = frozenset(["mood/label", "mood/probabilities", "mood/asked", "near/score", "near/asked", "unknown"])
ROUTE = Signature(frozenset(["text_a", "text_b", "tasks"]), OFFERED)
TASKS = {
    "mood": ServedTask("mood", "classification", pair=False),
    "near": ServedTask("near", "regression", pair=True),
}
SERVED = ServedTasks(4, TASKS, OFFERED)
MOOD_OUTPUTS = dict(zip(("mood/label", "mood/probabilities"), KINDS["classification"].outputs, strict=True))


def texts(*values: str) -> Any:
    return np.array(values, object)


def test_tasks_of_a_version_without_a_description_are_read_off_its_signatures() -> None:
    signatures = {
        "near": Signature(frozenset(["text_a", "text_b"]), frozenset(["score"])),
        "near_ids": Signature(frozenset(["input_ids", "segment_ids"]), frozenset(["score"])),
        "mood": Signature(frozenset(["text_a"]), frozenset(["label", "probabilities"])),
        "serving_default": Signature(frozenset(["text_a", "text_b"]), frozenset(["near/score"])),
        "route": ROUTE,
    }
    found = served_tasks("bert", Metadata(4, signatures), None)
    assert found == SERVED
    assert list(found.tasks) == ["mood", "near"]


DESCRIBED = write_description(
    [
        TaskSpec("near", "regression", (), pair=False, metric="pearson"),
        TaskSpec("mood", "classification", ("bad", "good"), pair=True, metric="accuracy"),
    ]
)


@pytest.mark.parametrize("version", [4, None])
def test_a_description_tells_all_and_nothing_is_guessed(version: int | None) -> None:
    """The signatures, which say otherwise here, are not asked."""
    found = served_tasks("bert", Metadata(4, {"route": ROUTE}), Description(version, DESCRIBED))
    assert found == ServedTasks(
        4,
        {
            "mood": ServedTask("mood", "classification", True, ("bad", "good")),
            "near": ServedTask("near", "regression", False),
        },
        OFFERED,
    )


@pytest.mark.parametrize(
    "description", [Description(5, DESCRIBED), Description(None, DESCRIBED.replace("near", "nearer"))]
)
def test_a_description_of_another_version_is_outdated(description: Description) -> None:
    with pytest.raises(ModelChanged, match="model bert, version 4: another version took over"):
        served_tasks("bert", Metadata(4, {"route": ROUTE}), description)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "model bert, version 4:1: not JSON"),
        ('{"format_version": 9, "tasks": []}', "model bert, version 4: format_version 9 is newer than 1"),
        (
            DESCRIBED.replace("true", "1"),
            r"model bert, version 4: key 'tasks\[1\].pair' is 1, wanted true or",
        ),
    ],
)
def test_a_description_that_cannot_be_read_is_told(text: str, message: str) -> None:
    with pytest.raises(UserError, match=f"^{message}"):
        served_tasks("bert", Metadata(4, {"route": ROUTE}), Description(4, text))


def test_a_kind_of_a_later_client_stops_only_those_who_ask_it() -> None:
    text = DESCRIBED.replace('"regression"', '"ranking"')
    found = served_tasks("bert", Metadata(4, {"route": ROUTE}), Description(4, text))
    assert list(found.outputs(["mood"])) == ["mood/label", "mood/probabilities", "unknown"]
    with pytest.raises(UserError, match="task near: this client knows no kind 'ranking'; update CentraBERT"):
        found.outputs(["near"])


@pytest.mark.parametrize("signatures", [{}, {"route": Signature(frozenset(["text"]), OFFERED)}])
def test_a_model_of_others_is_refused(signatures: dict[str, Signature]) -> None:
    with pytest.raises(ValueError, match="model bert, version 4: has no signature route of text_a"):
        served_tasks("bert", Metadata(4, signatures), None)


def test_a_request_asks_every_row_and_reads_each_output_once() -> None:
    rows = [
        Row("one", "two"),
        Row("three", None, ("mood",)),
        Row("four", "", ("near", "mood", "near")),
        Row("five", "six", ["near"]),
    ]
    sent = list(sent_rows(rows, SERVED))
    assert sent == [
        SentRow(0, "one", "two", ("near",)),
        SentRow(0, "one", "", ("mood",)),
        SentRow(1, "three", "", ("mood",)),
        SentRow(2, "four", "", ("near", "mood")),
        SentRow(3, "five", "six", ("near",)),
    ]
    assert route_request(sent, SERVED) == RouteRequest(
        ("one", "one", "three", "four", "five"),
        ("two", "", "", "", "six"),
        ("near", "mood", "mood", "mood,near", "near"),
        {
            **MOOD_OUTPUTS,
            "near/score": KINDS["regression"].outputs[0],
            "unknown": Output("unknown", "string"),
        },
    )
    assert list(route_request(sent[2:3], SERVED).outputs) == [*MOOD_OUTPUTS, "unknown"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (Row("one", None, ("nli",)), "row 1: no such task 'nli'; the model has mood, near"),
        (Row("one", None, ("mood,near",)), "row 1: no such task 'mood,near'"),
        (Row("one", None, ("*",)), r"row 1: no such task '\*'"),
        (Row("one", None, ("mood", "near")), 'row 1: task near reads two texts; give text_b too \\(""'),
        (Row("one"), "row 1: task near reads two texts"),
        (Row("one", "two", ("mood",)), "row 1: mood: no task here reads a second text; leave out text_b"),
    ],
)
def test_a_row_must_fit_its_tasks(row: Row, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        list(sent_rows([Row("one", "two"), row], SERVED))


@pytest.mark.parametrize(
    ("row", "error", "message"),
    [
        ((b"one",), TypeError, r"text_a: b'one' is no str"),
        ((None,), TypeError, r"text_a: None is no str"),
        (("one", 2), TypeError, r"text_b: 2 is no str"),
        (("ab\ud800",), ValueError, r"text_a: holds half of a surrogate pair at character 2"),
        (("", "\udfff"), ValueError, r"text_b: holds half of a surrogate pair at character 0"),
        (("one", None, "mood"), TypeError, r"tasks='mood': give a tuple, such as \('mood',\)"),
        (("one", None, ()), ValueError, r"tasks is empty"),
    ],
)
def test_what_is_no_row_is_refused(row: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Row(*row)


SENT = [
    SentRow(0, "one", "two", ("near",)),
    SentRow(0, "one", "", ("mood",)),
    SentRow(1, "", "", ("mood", "near")),
]
COLUMNS = {
    "mood/label": texts("", "good", "bad"),
    "mood/probabilities": np.array([[0, 0], [1 / 3, 2 / 3], [1, 0]], np.float32),
    "near/score": np.array([0.1, 0, -2.5], np.float32),
    "unknown": texts("", "", ""),
}


def test_answers_are_typed_and_read_as_the_shortest_decimals() -> None:
    assert read_answers(SENT, SERVED, Reply(4, OFFERED, COLUMNS)) == [
        {"near": Score(0.1)},
        {"mood": Classification("good", (0.33333334, 0.6666667))},
        {"mood": Classification("bad", (1.0, 0.0)), "near": Score(-2.5)},
    ]


@pytest.mark.parametrize(
    ("columns", "error", "message"),
    [
        ({"near/score": None}, ModelChanged, "no output near/score"),
        ({"unknown": None}, ModelChanged, "no output unknown"),
        ({"unknown": texts("", "mood,", "")}, ModelChanged, "does not know all tasks of 'mood,'"),
        ({"near/score": np.zeros([2], np.float32)}, RequestError, r"near/score has shape \(2,\) for 3 rows"),
        ({"near/score": np.zeros([3, 1], np.float32)}, RequestError, r"shape \(3, 1\)"),
        ({"mood/probabilities": np.zeros([3], np.float32)}, RequestError, r"shape \(3,\)"),
        ({"mood/label": np.array("good", object)}, RequestError, r"shape \(\)"),
    ],
)
def test_a_reply_that_does_not_fit_is_refused(columns: Any, error: type[RequestError], message: str) -> None:
    changed = {name: array for name, array in {**COLUMNS, **columns}.items() if array is not None}
    with pytest.raises(RequestError, match=message) as raised:
        read_answers(SENT, SERVED, Reply(4, OFFERED, changed))
    assert type(raised.value) is error


def test_other_probabilities_than_the_task_has_labels_tell_of_another_version() -> None:
    three = ServedTasks(
        4, {**TASKS, "mood": ServedTask("mood", "classification", False, tuple("abc"))}, OFFERED
    )
    with pytest.raises(ModelChanged, match="mood/probabilities: not one for each label"):
        read_answers(SENT, three, Reply(4, OFFERED, COLUMNS))


@pytest.mark.parametrize(
    ("version", "offered", "outdated"),
    [
        (4, OFFERED, False),
        (None, OFFERED, False),
        (4, OFFERED - {"near/score"}, False),
        (5, OFFERED, True),
        (None, OFFERED | {"nli/label"}, True),
    ],
)
def test_a_reply_tells_of_another_version(
    version: int | None, offered: frozenset[str], outdated: bool
) -> None:
    assert SERVED.outdated_by(Reply(version, offered, {})) == outdated


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"name": ""}, "model is empty"),
        ({"version": 3, "label": "stable"}, "version=3 and label='stable': give one of them"),
        ({"version": 0}, "version=0: versions begin at 1"),
        ({"label": ""}, "label is empty"),
    ],
)
def test_a_model_that_cannot_be_served_is_refused(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        WantedModel(**{"name": "bert", **keys})
