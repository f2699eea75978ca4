"""The client over both protocols: what it sends, and what comes back."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from canned_answers import TASKS, expected
from canned_server import MODEL, Canned, Seen, client

from centrabert.export.client.client import Client
from centrabert.export.client.errors import Overloaded, RequestError
from centrabert.export.client.retry import Retry
from centrabert.export.client.rows import Row
from centrabert.export.contract.model_description import ServedTask, write_description
from centrabert.modeling.task import TaskSpec

QUEUE_FULL = "The batch scheduling queue to which this task was submitted is full"
Made = Callable[..., Client]


@pytest.fixture(params=["grpc", "rest"])
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def canned() -> Canned:
    return Canned()


@pytest.fixture
def made(protocol: str, canned: Canned) -> Iterator[Made]:
    """Makes clients of the canned server; over gRPC they name what they read."""
    filtered = {"filter_outputs": True} if protocol == "grpc" else {}
    with ExitStack() as stack:
        yield lambda **keys: stack.enter_context(client(protocol, canned, **{**filtered, **keys}))


def seen(protocol: str, text_a: list[str], text_b: list[str], tasks: list[str], *outputs: str) -> Seen:
    inputs = {"text_a": text_a, "text_b": text_b, "tasks": tasks}
    return Seen(MODEL, None, None, "route", inputs, outputs if protocol == "grpc" else ())


def test_a_task_answers_a_text(protocol: str, canned: Canned, made: Made) -> None:
    asking = made()
    assert asking.ask("mood", "für Ďábel 😀\0") == expected("mood", "für Ďábel 😀\0")
    assert asking.ask("size", "") == expected("size", "")
    assert canned.seen == [
        seen(protocol, ["für Ďábel 😀\0"], [""], ["mood"], "mood/label", "mood/probabilities", "unknown"),
        seen(protocol, [""], [""], ["size"], "size/score", "unknown"),
    ]
    assert canned.described == [(MODEL, None, None)]


def test_a_pair_task_reads_both_texts(protocol: str, canned: Canned, made: Made) -> None:
    asking = made()
    assert asking.ask("near", "one", "three") == expected("near", "one", "three")
    assert asking.ask("near", "one", "") == expected("near", "one")
    assert canned.seen == [
        seen(protocol, ["one"], ["three"], ["near"], "near/score", "unknown"),
        seen(protocol, ["one"], [""], ["near"], "near/score", "unknown"),
    ]


def test_of_a_pair_a_task_of_single_texts_reads_the_first(protocol: str, canned: Canned, made: Made) -> None:
    answers = made().ask_all("one", "three")
    assert list(answers) == ["mood", "near", "same", "size"]
    assert answers == {
        "mood": expected("mood", "one"),
        "near": expected("near", "one", "three"),
        "same": expected("same", "one", "three"),
        "size": expected("size", "one"),
    }
    outputs = ("mood/label", "mood/probabilities", "near/score", "same/label", "same/probabilities")
    rows = (["one", "one"], ["three", ""], ["near,same", "mood,size"])
    assert canned.seen == [seen(protocol, *rows, *outputs, "size/score", "unknown")]


def test_texts_that_all_tasks_read_alike_are_sent_once(canned: Canned, made: Made) -> None:
    assert made().ask_all("one", "") == {name: expected(name, "one") for name in TASKS}
    (request,) = canned.seen
    assert request.inputs["tasks"] == ["mood,near,same,size"]


def test_answers_of_a_batch_stand_in_order(canned: Canned, made: Made) -> None:
    wanted = [("same", "near"), ("mood",), None, ("near",), ("size", "mood"), ("size", "same")]
    pairs = [(0, 2, 3, 5), (1, 4)]
    rows = [
        Row("a" * place, "b" * (20 - place) if place in pairs[0] else None, tasks)
        for place, tasks in enumerate(wanted)
    ]
    answers = made().ask_batch(rows, batch_size=3, concurrency=2)
    assert [list(own) for own in answers] == [list(tasks or TASKS) for tasks in wanted]
    for row, own in zip(rows, answers, strict=True):
        for task, answer in own.items():
            assert answer == expected(task, row.text_a, row.text_b or "" if TASKS[task][1] else "")
    # The third and the last row ask tasks of both kinds, and so are sent twice.
    assert sorted(len(request.inputs["tasks"]) for request in canned.seen) == [2, 3, 3]


def test_no_rows_are_no_request(canned: Canned, made: Made) -> None:
    assert made().ask_batch([]) == []
    assert canned.described == []


def test_tasks_are_asked_for_once(canned: Canned, made: Made) -> None:
    asking = made()
    for _ in range(2):
        assert asking.tasks() == {
            "mood": ServedTask("mood", "classification", pair=False),
            "near": ServedTask("near", "regression", pair=True),
            "same": ServedTask("same", "classification", pair=True),
            "size": ServedTask("size", "regression", pair=False),
        }
    assert canned.described == [(MODEL, None, None)]


def described(*tasks: str) -> str:
    """What a model says of these of the canned tasks."""
    return write_description(
        TaskSpec(name, "classification", tuple("abc")[:labels], pair, "accuracy")
        if labels
        else TaskSpec(name, "regression", (), pair, "pearson")
        for name, (labels, pair) in TASKS.items()
        if name in tasks
    )


def test_a_model_that_describes_itself(canned: Canned, made: Made) -> None:
    """Its labels are known; only tasks that it names are there."""
    canned.descriptions = (described("mood", "near"),)
    asking = made()
    assert asking.tasks() == {
        "mood": ServedTask("mood", "classification", pair=False, labels=("a", "b", "c")),
        "near": ServedTask("near", "regression", pair=True),
    }
    assert asking.ask_all("one", "three") == {
        "mood": expected("mood", "one"),
        "near": expected("near", "one", "three"),
    }
    assert canned.described == [(MODEL, None, None)]


def test_a_version_that_takes_over_while_it_is_asked_for_its_tasks(canned: Canned, made: Made) -> None:
    later = described("mood").replace("mood", "later")
    canned.descriptions = (later, described("mood"))
    assert list(made().tasks()) == ["mood"]
    canned.descriptions = (later,)
    with pytest.raises(RequestError, match="UNAVAILABLE: model canned, version 1: another version took over"):
        made().tasks()


@pytest.mark.parametrize("keys", [{"version": 3}, {"label": "stable"}])
def test_a_version_is_asked_by_number_or_label(canned: Canned, made: Made, keys: dict[str, Any]) -> None:
    made(**keys, model="bert").ask("mood", "one")
    target = ("bert", keys.get("version"), keys.get("label"))
    assert canned.described == [target]
    assert [(request.model, request.version, request.label) for request in canned.seen] == [target]


def test_an_unknown_task_is_told_before_anything_is_sent(canned: Canned, made: Made) -> None:
    with pytest.raises(ValueError, match=r"no such task 'nli'; the model has mood, near, same, size"):
        made().ask_batch([Row("one", None, ("mood",)), Row("one", None, ("mood", "nli"))])
    assert canned.seen == []


def test_a_task_that_is_new_is_found(canned: Canned, made: Made) -> None:
    asking = made()
    assert "nli" not in asking.tasks()
    canned.tasks["nli"] = (2, True)
    assert asking.ask("nli", "one", "two").label == "nli(one|two)"
    assert len(canned.described) == 2


def test_a_task_that_is_gone_is_told(canned: Canned, made: Made) -> None:
    asking = made()
    asking.tasks()
    del canned.tasks["mood"]
    with pytest.raises(ValueError, match="row 1: task 'mood' is gone; the model has near, same, size"):
        asking.ask_batch([Row("one", None, ("size",)), Row("one", None, ("mood",))])
    assert asking.ask("size", "one") == expected("size", "one")


def test_a_task_of_another_kind_is_asked_anew(canned: Canned, made: Made) -> None:
    asking = made()
    asking.tasks()
    canned.tasks["size"] = (2, False)
    assert asking.ask("size", "one").label == "size(one|)"
    assert asking.tasks()["size"].kind == "classification"
    assert len(canned.seen) == 2


def test_another_version_that_answers_is_noticed(canned: Canned, made: Made) -> None:
    asking = made()
    asking.ask_all("one", "")
    canned.tasks["new"], canned.version = (0, False), 2
    asking.ask_all("one", "")
    assert list(asking.ask_all("one", "")) == ["mood", "near", "new", "same", "size"]
    assert len(canned.described) == 2


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("INVALID_ARGUMENT", "input text_a: too long"),
        ("NOT_FOUND", "Servable not found for request: Latest(canned)"),
        ("UNIMPLEMENTED", "no"),
        ("INTERNAL", "no"),
        ("UNAVAILABLE", "Socket closed"),
        ("DEADLINE_EXCEEDED", "too late"),
    ],
)
def test_a_refusal_is_raised_at_once(
    canned: Canned, made: Made, protocol: str, code: str, message: str
) -> None:
    asking = made(retry=Retry(sleep=lambda seconds: pytest.fail("paused")))
    asking.tasks()
    canned.refusals.append((code, message))
    with pytest.raises(RequestError) as error:
        asking.ask("mood", "one")
    assert error.value.code == code
    assert message in error.value.message
    assert type(error.value) is RequestError
    assert len(canned.seen) == 1
    assert asking.ask("mood", "one") == expected("mood", "one")


@pytest.mark.parametrize(
    ("code", "message"), [("RESOURCE_EXHAUSTED", "overloaded: 64 rows wait"), ("UNAVAILABLE", QUEUE_FULL)]
)
def test_an_overloaded_server_is_asked_again(canned: Canned, made: Made, code: str, message: str) -> None:
    pauses: list[float] = []
    canned.refusals = [(code, message)] * 3
    asking = made(
        retry=Retry(base=0.5, cap=8.0, random=iter([0.25, 0.5, 0.75]).__next__, sleep=pauses.append)
    )
    assert asking.ask("mood", "one") == expected("mood", "one")
    assert pauses == [0.25 * 0.5, 0.5 * 1.0, 0.75 * 2.0]
    assert (len(canned.described), len(canned.seen)) == (4, 1)  # it was busy when asked for the metadata
    canned.refusals = [(code, message)] * 3
    asking = made(retry=Retry(tries=3, sleep=pauses.append))
    with pytest.raises(Overloaded) as error:
        asking.ask("mood", "one")
    assert error.value.code == code
    assert error.value.message.endswith(f"{message} (after 3 tries)")
    assert len(pauses) == 5


def test_a_predict_request_is_sent_again_as_it_was(canned: Canned, made: Made) -> None:
    asking = made(retry=Retry(sleep=lambda seconds: None))
    asking.tasks()
    canned.refusals = [("UNAVAILABLE", QUEUE_FULL)] * 2
    assert asking.ask("near", "one", "two") == expected("near", "one", "two")
    assert canned.seen == [canned.seen[0]] * 3


def test_nobody_there_is_told_at_once(protocol: str) -> None:
    with client(protocol, Canned()) as asking:
        pass
    with pytest.raises(ValueError, match="the client is closed"):
        asking.ask("mood", "one")
    connect = {"grpc": lambda **keys: Client.grpc("127.0.0.1:1", **keys)}.get(
        protocol, lambda **keys: Client.rest("http://127.0.0.1:1", **keys)
    )
    retry = Retry(sleep=lambda seconds: pytest.fail("paused"))
    with connect(model=MODEL, retry=retry) as asking, pytest.raises(RequestError) as error:
        asking.ask("mood", "one")
    assert error.value.code == "UNAVAILABLE"


def test_what_is_not_answered_in_time_is_told(canned: Canned, made: Made) -> None:
    asking = made()
    asking.tasks()
    canned.slow = ("one",)
    with pytest.raises(RequestError) as error:
        asking.ask("mood", "one", timeout=0.3)
    assert error.value.code == "DEADLINE_EXCEEDED"
    assert len(canned.seen) == 1
    assert asking.ask("mood", "two") == expected("mood", "two")
