"""Every kind of task is trained, distilled, merged, exported, served over gRPC and REST, and understood.

Training, and whoever answers but the branch alone and the export's proof, does so in plain sessions.
"""

import dataclasses
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import tiny
import tiny_glue
from kind_examples import EXAMPLES, KindExample
from plain_sessions import plain_sessions
from running_server import NAME, running, settings

from centrabert.distill.distillation import distil
from centrabert.distill.methods.distilbert import DistilBERT
from centrabert.distill.methods.last_layer_kd import LastLayerKD
from centrabert.distill.methods.minilm import MiniLM
from centrabert.distill.methods.tinybert import TinyBERT
from centrabert.distill.methods.vanilla_kd import VanillaKD
from centrabert.distill.teacher import Teacher
from centrabert.export.client.client import Client
from centrabert.export.contract.signature_names import DEFAULT
from centrabert.export.contract.version_folder import EXTRA
from centrabert.export.engine.tensorflow_engine import Predictor
from centrabert.export.engine.text_prediction import answer_texts
from centrabert.export.export_version import export
from centrabert.export.local_server import Server
from centrabert.glue_data.metrics import METRICS, PROBABILITY_METRICS, score
from centrabert.glue_data.tag_metrics import TAG_COUNTS
from centrabert.merge.merge_branches import merge
from centrabert.merge.merged_folder import golden_file
from centrabert.modeling import checkpoint
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_folder import CHECKPOINT, GOLDEN, read_record
from centrabert.modeling.golden_file import read_golden
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.tokenization.tokenizer import Tokenizer
from centrabert.modeling.training.initialization import as_pretrained
from centrabert.modeling.training.prediction import branch_estimator, decide, predict
from centrabert.modeling.training.token_dataset import Encoded, encode
from centrabert.modeling.training.train_branch import TrainingJob, train_branch

# Each kind is distilled by another method; tests/distill/methods/ tries all methods with all kinds.
METHODS = {
    "classification": VanillaKD(),
    "regression": MiniLM(),
    "multilabel": DistilBERT(),
    "tagging": TinyBERT(),
    "crf_tagging": LastLayerKD(),
}
HYPERPARAMETERS = dataclasses.replace(tiny_glue.HYPERPARAMETERS, num_train_epochs=1)
SCALES = {example.task.name: example.scale for example in EXAMPLES}
PAIRS = list(zip(tiny.TEXT_A, tiny.TEXT_B, strict=True))
TASKS = {example.task.name: example.task for example in EXAMPLES}


@dataclass(frozen=True)
class Trained:
    """A student of every kind and the version that serves them."""

    bert: BertFolder
    students: dict[str, Path]
    teachers: dict[str, Path]
    version: Path


def test_every_kind_has_an_example() -> None:
    """And every example a kind."""
    assert [example.task.kind for example in EXAMPLES] == list(KINDS)


def test_every_metric_of_a_kind_exists() -> None:
    for kind in KINDS.values():
        assert kind.metrics <= {**METRICS, **TAG_COUNTS, **PROBABILITY_METRICS}.keys()


def rows(example: KindExample, tokenizer: Tokenizer, count: int, seed: int) -> Encoded:
    random = np.random.default_rng(seed)
    text_a, text_b = (
        [" ".join(random.choice(tiny.WORDS, random.integers(1, 5))) for _ in range(count)] for _ in range(2)
    )
    labels = KINDS[example.task.kind].encode_labels(
        [example.label(row, text) for row, text in enumerate(text_a)], example.task.labels
    )
    return encode(tokenizer, example.task, text_a, text_b if example.task.pair else [""] * count, labels)


def dev_rows(example: KindExample, tokenizer: Tokenizer) -> Encoded:
    return rows(example, tokenizer, 10, seed=2)


def train(example: KindExample, bert: BertFolder, folder: Path) -> tuple[Path, Path]:
    """The folders of a teacher and of its student."""
    tokenizer = bert.tokenizer()
    branch = Branch(example.task, 1, 1)
    job = TrainingJob(
        bert=bert,
        tokenizer=tokenizer,
        branch=branch,
        hyperparameters=HYPERPARAMETERS,
        train=rows(example, tokenizer, 20, seed=1),
        dev=dev_rows(example, tokenizer),
        score=lambda labels, decisions, predictions: score(
            [example.task.metric], labels, decisions, example.task.labels, predictions
        ),
        output_dir=folder / "teacher" / example.task.name,
        initialization=as_pretrained(branch),
    )
    train_branch(job)
    student = folder / "student" / example.task.name
    distil(
        Teacher(job.output_dir, bert),
        1,
        tokenizer,
        job.train.with_unlabelled(job.dev),
        job.dev,
        job.score,
        student,
        job.hyperparameters,
        METHODS[example.task.kind],
    )
    return job.output_dir, student


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    root = tmp_path_factory.mktemp("kinds")
    bert = BertFolder.at(tiny_glue.bert_folder(root / "bert"))
    with plain_sessions():
        folders = {example.task.name: train(example, bert, root) for example in EXAMPLES}
    students = {name: student for name, (_, student) in folders.items()}
    merge(root / "bert", list(students.values()), root / "merged")
    version = export(root / "merged", root / "serving", 1)
    return Trained(bert, students, {name: teacher for name, (teacher, _) in folders.items()}, version)


@dataclass(frozen=True)
class Alone:
    """What a student says before it is merged.

    Attributes:
      dev: Logits and outputs for the rows it was chosen by.
      answers: To PAIRS, as JSON.
    """

    dev: dict[str, Any]
    answers: list[dict[str, Any]]


@pytest.fixture(scope="module")
def alone(trained: Trained) -> dict[str, Alone]:
    return {example.task.name: by_the_branch(trained, example) for example in EXAMPLES}


@pytest.fixture(scope="module")
def printed(trained: Trained) -> list[dict[str, Any]]:
    """What run_predict writes for PAIRS."""
    with plain_sessions(), Predictor(trained.version, [DEFAULT]) as predictor:
        answers = list(answer_texts(predictor, list(TASKS.values()), PAIRS, 3))
    return [json.loads(json.dumps(answer)) for answer in answers]


@pytest.fixture(scope="module")
def server(trained: Trained) -> Iterator[Server]:
    with plain_sessions(), running(settings(trained.version.parent)) as server:
        yield server


@pytest.fixture(params=["grpc", "rest"])
def client(server: Server, request: pytest.FixtureRequest) -> Iterator[Client]:
    made = (
        Client.grpc(f"127.0.0.1:{server.port}", model=NAME, timeout=30.0)
        if request.param == "grpc"
        else Client.rest(f"http://127.0.0.1:{server.rest_port}", model=NAME, timeout=30.0)
    )
    with made as client:
        yield client


def close(found: Any, wanted: Any, scale: float) -> bool:
    """Whether two answers as JSON are the same but for rounding."""
    if isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(close(found[key], wanted[key], scale) for key in wanted)
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(close, found, wanted, [scale] * len(wanted)))
    if isinstance(wanted, float):
        return math.isclose(found, wanted, rel_tol=1e-5, abs_tol=1e-5 * scale)
    return bool(found == wanted)


def by_the_branch(trained: Trained, example: KindExample) -> Alone:
    task, kind = example.task, KINDS[example.task.kind]
    tokenizer, folder = trained.bert.tokenizer(), trained.students[task.name]
    texts = [a for a, _ in PAIRS], [b if task.pair else "" for _, b in PAIRS]
    estimator = branch_estimator(
        trained.bert, read_record(folder).branch, folder / CHECKPOINT, 0, aligned=True
    )
    outputs = predict(estimator, encode(tokenizer, task, *texts), 4)
    columns = {
        output.name: np.vectorize(bytes.decode, [object])(outputs[output.name])
        if output.dtype == "string"
        else outputs[output.name]
        for output in kind.outputs
    }
    given = zip(kind.answers(columns, task.labels), texts[0], strict=True)
    answers = [kind.answer_json(answer.with_text(text), task.labels) for answer, text in given]
    dev = dataclasses.replace(dev_rows(example, tokenizer), labels=None)
    return Alone(predict(estimator, dev, 4), answers)


@pytest.mark.parametrize("name", TASKS)
def test_a_student_moved_and_its_goldens_hold_every_output(name: str, trained: Trained) -> None:
    teacher, student = (read_record(folder) for folder in (trained.teachers[name], trained.students[name]))
    assert student.teacher_digest == teacher.digest
    assert all(student.variables[variable] != teacher.variables[variable] for variable in student.variables)
    golden = read_golden(golden_file(trained.version / EXTRA, name), TASKS[name])
    assert list(golden.outputs) == [output.name for output in KINDS[TASKS[name].kind].outputs]


@pytest.mark.parametrize("example", EXAMPLES, ids=TASKS)
def test_a_branch_is_as_good_on_dev_as_it_says(
    example: KindExample, trained: Trained, alone: dict[str, Alone]
) -> None:
    """With what was tuned on dev, which its checkpoint holds."""
    task, dev, folder = example.task, alone[example.task.name].dev, trained.students[example.task.name]
    labels = dev_rows(example, trained.bert.tokenizer()).labels
    assert labels is not None
    found = score([task.metric], labels, decide(task, dev), task.labels)
    assert found == pytest.approx(read_record(folder).metrics, abs=1e-6)
    tuned = KINDS[task.kind].tuned(dev["logits"], labels)
    assert tuned.keys() == KINDS[task.kind].untrained
    for name, values in tuned.items():
        np.testing.assert_allclose(checkpoint.read(folder / CHECKPOINT, [name])[name], values, atol=1e-5)


def test_large_scores_are_answered_in_their_own_units(trained: Trained, alone: dict[str, Alone]) -> None:
    """Around their mean, which a head that starts at 0 would not reach; and so by the teacher, too."""
    (example,) = (example for example in EXAMPLES if example.task.kind == "regression")
    labels = dev_rows(example, trained.bert.tokenizer()).labels
    assert labels is not None and labels.max() == 4000
    found = alone[example.task.name].dev["score"]
    assert np.all(np.abs(found - labels.mean()) < 2 * labels.std())
    golden = read_golden(trained.teachers[example.task.name] / GOLDEN, example.task).outputs["score"]
    assert np.all(np.abs(golden - labels.mean()) < 2 * labels.std())


def test_a_client_understands_every_task(
    client: Client, alone: dict[str, Alone], printed: list[dict[str, Any]]
) -> None:
    """It knows kind, labels and texts, and answers as the branch does and as run_predict prints it."""
    served = client.tasks()
    assert {name: (task.kind, task.pair, task.labels, task.split) for name, task in served.items()} == {
        name: (task.kind, task.pair, task.labels, task.split) for name, task in TASKS.items()
    }
    for row, (text_a, text_b) in enumerate(PAIRS):
        for name, answer in client.ask_all(text_a, text_b).items():
            found = KINDS[TASKS[name].kind].answer_json(answer, served[name].labels)
            wanted = alone[name].answers[row]
            assert close(found, wanted, SCALES[name]), (name, row, found, wanted)
            assert close(found, printed[row][name], SCALES[name]), (name, row)


@pytest.mark.parametrize("name", [name for name, task in TASKS.items() if task.split])
def test_words_that_are_split_are_answered_as_their_text(name: str, server: Server) -> None:
    def asked(signature: str, inputs: list[Any]) -> Any:
        address = f"http://127.0.0.1:{server.rest_port}/v1/models/{NAME}:predict"
        return requests.post(address, json={"signature_name": signature, "inputs": inputs}, timeout=30).json()

    of_text = asked(name, ["the small dog", "one"])["outputs"]
    of_words = asked(f"{name}_words", [["the", "small", "dog"], ["one", "", ""]])["outputs"]
    assert close(of_words, of_text, 1.0)
    assert [len(row) for row in of_text["tags"]] == [3, 3]
