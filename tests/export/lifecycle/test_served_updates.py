"""Updates of one task in a server: which bytes it checks, whom it asks, and what clients get meanwhile."""

import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import grpc
import numpy as np
import pytest
import tensorflow as tf
from grpc_requests import message
from running_server import LIMITS, running, settings
from tensorflow_serving.apis.predict_pb2 import PredictResponse
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub
from tiny_store import copy, tiny_store
from waiting import eventually

from centrabert.errors import UserError
from centrabert.export.engine import compiled_graph
from centrabert.export.engine.tensorflow_engine import Arrays, Predictor
from centrabert.export.lifecycle.store_export import StoredVersion
from centrabert.export.local_server import Server
from centrabert.export.serving import checked_files, version_loader
from centrabert.export.serving.servable import Servable
from centrabert.export.serving.version_loader import load_servable
from centrabert.merge.store.folder_digest import file_digest
from centrabert.merge.store.version_record import RECORD, read_record_at, write_version

TEXTS = ["the red cat likes one bird", "dull", "a dog sees the river", "it is good"] * 5  # several batches
INPUTS = {
    "text_a": np.array(TEXTS, np.object_),
    "text_b": np.array(TEXTS[::-1], np.object_),
    "tasks": np.array(["rte", "tone", "*", "rte,tone"] * 5, np.object_),
}
RTE_DATA = "variables/variables.data-00003-of-00005"  # after the embeddings and two layers of the trunk


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Versions 2 of a store and 3, an update of rte; not to be written into."""
    root = tmp_path_factory.mktemp("update")
    store = copy(root / "store")
    store.update(tiny_store().rte2)
    (root / "serving").mkdir()
    for number in (2, 3):
        StoredVersion(store, number).write(root / "serving" / str(number))
    return root / "serving"


def load(folder: Path, *loaded: Servable) -> Servable:
    with ThreadPoolExecutor(1) as executor:
        return load_servable(folder, LIMITS, executor, lambda rows: None, threading.Event(), loaded)


@pytest.fixture(scope="module")
def old(exported: Path) -> Iterator[Servable]:
    """Version 2, loaded."""
    servable = load(exported / "2")
    yield servable
    servable.predictor.close()


@pytest.fixture(scope="module")
def answers(exported: Path) -> dict[int, Arrays]:
    """What `route` of each version says."""
    return {number: routed(exported / str(number)) for number in (2, 3)}


def routed(folder: Path) -> Arrays:
    with Predictor(folder, ["route"]) as predictor:
        return predictor.predict("route", INPUTS)


def ask(servable: Servable, signature: str = "route") -> Arrays:
    wanted = servable.predictor.signatures[signature].inputs
    return servable.predictor.predict(signature, {name: INPUTS[name] for name in wanted})


def same_bits(found: Arrays, wanted: Arrays) -> bool:
    return all(
        found[name].tolist() == array.tolist()
        if array.dtype == np.object_
        else found[name].tobytes() == array.tobytes()
        for name, array in wanted.items()
    )


def test_one_graph_answers_for_both_versions(
    exported: Path, old: Servable, answers: dict[int, Arrays], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the last bit as each of them alone; only rte is asked its golden texts, and no graph is made."""
    asked = asked_at_load(monkeypatch)
    monkeypatch.setattr(compiled_graph, "CompiledGraph", None)
    new = load(exported / "3", old)
    assert (asked, new.number) == (["golden rte"], 3)
    common = [name for name, array in new.predictor.weights.items() if array is old.predictor.weights[name]]
    assert set(new.predictor.weights) - set(common) == {
        name for name in new.predictor.weights if name.startswith("rte/")
    }
    moved = np.abs(answers[3]["rte/probabilities"] - answers[2]["rte/probabilities"])
    assert moved.max() > 1e-3
    assert same_bits(ask(new), answers[3])
    assert same_bits(ask(old), answers[2])
    assert same_bits(ask(new, "tone"), ask(old, "tone"))
    new.predictor.close()
    new.predictor.close()
    assert same_bits(ask(old), answers[2]), "it has a session still"


def asked_at_load(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What versions are asked while loaded: `golden <task>`, or the signature of a warm-up request."""

    def replay(predictor, tasks, source):
        asked.extend(f"golden {task.name}" for task in tasks)
        return replay_goldens(predictor, tasks, source)

    def ask_request(predictor, request):
        asked.append(request.model_spec.signature_name)
        return ask_warmup(predictor, request)

    asked: list[str] = []
    replay_goldens, ask_warmup = version_loader.replay, version_loader._ask
    monkeypatch.setattr(version_loader, "replay", replay)
    monkeypatch.setattr(version_loader, "_ask", ask_request)
    return asked


def test_what_was_checked_is_not_read_again(
    exported: Path, old: Servable, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def digest(file: Path) -> str:
        read.append(file.relative_to(exported / "3").as_posix())
        return real(file)

    real = checked_files.file_digest
    monkeypatch.setattr(checked_files, "file_digest", digest)
    load(exported / "3", old).predictor.close()
    old_files, new_files = (read_record_at(exported / n / "assets.extra" / RECORD).files for n in "23")
    links = [path for path in new_files if path.startswith("variables/variables.data-") or "pb" in path]
    assert sorted(set(links) - set(read)) == sorted(set(links) - {RTE_DATA})
    assert {path for path in new_files if new_files[path] != old_files[path]} <= set(read)


def changed(exported: Path, to: Path, name: str, content: bytes | None) -> Path:
    """Version 3 with another file."""
    folder = Path(shutil.copytree(exported / "3", to / "3"))
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    return folder


def flipped(file: Path) -> bytes:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0x04
    return bytes(content)


@pytest.mark.parametrize("name", [RTE_DATA, "saved_model.pb", "assets.extra/golden/tone.json"])
def test_a_flipped_byte_is_named(name: str, exported: Path, old: Servable, tmp_path: Path) -> None:
    folder = changed(exported, tmp_path, name, flipped(exported / "3" / name))
    with pytest.raises(UserError, match=f"{folder / name}: is not what version 3 was proved with; remove"):
        load(folder, old)


def test_a_missing_file_is_named(exported: Path, old: Servable, tmp_path: Path) -> None:
    folder = changed(exported, tmp_path, RTE_DATA, None)
    with pytest.raises(UserError, match=f"{folder / RTE_DATA}: is missing, which version 3 has"):
        load(folder, old)


@pytest.mark.parametrize("task", ["rte", "tone"])
def test_a_changed_task_must_answer_as_in_training(
    task: str, exported: Path, old: Servable, tmp_path: Path
) -> None:
    """A wrong golden that version.json vouches for; tone, which did not change, is not asked."""
    name = f"assets.extra/golden/{task}.json"
    wrong = (
        (exported / "3" / name)
        .read_bytes()
        .replace(b'"probabilities": [\n          0.', b'"probabilities": [\n          0.9')
    )
    folder = changed(exported, tmp_path, name, wrong)
    record = read_record_at(folder / "assets.extra" / RECORD)
    files = {**record.files, name: file_digest(folder / name)}
    write_version(folder / "assets.extra", replace(record, files=files))
    if task == "tone":
        load(folder, old).predictor.close()
    else:
        with pytest.raises(UserError, match="task rte, exported"):
            load(folder, old)


def test_of_an_added_task_only_what_is_new_is_asked(
    old: Servable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new task, which lengthens the trunk, and what asks several; not rte and tone in their new graph."""
    store, folder = copy(tmp_path / "store"), tmp_path / "3"
    store.add(tiny_store().sim)
    StoredVersion(store, 3).write(folder)
    asked = asked_at_load(monkeypatch)
    new = load(folder, old)
    several = {"describe", "serving_default", "route", "route_ids"}
    assert set(asked) == {"golden sim", "sim", "sim_ids"} | several
    assert same_bits(ask(new, "rte"), ask(old, "rte"))
    assert same_bits(ask(new), {**ask(new), **routed(folder)}), "as alone, whatever was loaded before"
    again = load(folder, old, new)
    assert len(asked) == len(set(asked)), "the second time there is nothing to ask"
    for each in (new, again):
        each.predictor.close()


def test_a_load_that_nobody_waits_for_makes_no_graph(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = threading.Event()
    stopped.set()
    monkeypatch.setattr(compiled_graph, "CompiledGraph", None)
    monkeypatch.setattr(compiled_graph, "_compiled", {})
    with ThreadPoolExecutor(1) as executor, pytest.raises(UserError, match="stopped while it was loaded"):
        load_servable(exported / "2", LIMITS, executor, lambda rows: None, stopped)


@contextmanager
def asking(server: Server) -> Iterator[list[PredictResponse]]:
    """Answers of `route` to two clients that ask until the block ends; raises what a request raised."""
    answers: list[PredictResponse] = []
    stop = threading.Event()

    def client() -> None:
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            while not stop.wait(0.01):
                answers.append(PredictionServiceStub(channel).Predict(message("route", INPUTS), 20))

    with ThreadPoolExecutor(2) as executor:
        clients = [executor.submit(client) for _ in range(2)]
        try:
            yield answers
        finally:
            stop.set()
        for each in clients:
            each.result(30)


def wait_for_more(answers: list[PredictResponse]) -> None:
    count = len(answers)
    eventually(lambda: len(answers) > count + 3)


def states(server: Server) -> dict[int, str]:
    return {version.number: version.state for version in server.versions.statuses}


def test_each_request_is_answered_by_one_version(
    exported: Path, answers: dict[int, Arrays], tmp_path: Path
) -> None:
    """Under load: first an update with a flipped byte, which is refused, then the sound one."""
    broken = changed(exported, tmp_path, RTE_DATA, flipped(exported / "3" / RTE_DATA))
    serving = tmp_path / "serving"
    shutil.copytree(exported / "2", serving / "2")
    with running(settings(serving)) as server, asking(server) as given:
        broken.rename(serving / "3")
        eventually(lambda: states(server) == {3: "END", 2: "AVAILABLE"})
        assert f"{serving / '3' / RTE_DATA}: is not what" in server.versions.statuses[0].error
        wait_for_more(given)
        (serving / "3").rename(tmp_path / "broken")
        shutil.copytree(exported / "3", serving / "3.writing")
        (serving / "3.writing").rename(serving / "3")
        eventually(lambda: states(server) == {3: "AVAILABLE", 2: "END"})
        wait_for_more(given)
    numbers = [response.model_spec.version.value for response in given]
    assert set(numbers) == {2, 3}
    for response in given:
        wanted = answers[response.model_spec.version.value]
        for name, proto in response.outputs.items():
            found = tf.make_ndarray(proto)
            if found.dtype == np.float32:
                np.testing.assert_allclose(found, wanted[name], atol=2e-6, err_msg=name)
            else:
                assert found.tolist() == wanted[name].tolist(), name
