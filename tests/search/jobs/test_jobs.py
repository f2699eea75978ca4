"""Jobs that train, in miniature: what they leave, share and cost, and how they fail, stop and go on."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny
import tiny_glue
from search_workshop import STEPS, Workshop

from centrabert.glue_data.sampling_error import share_error
from centrabert.modeling import checkpoint
from centrabert.modeling.branch_folder import read_record
from centrabert.modeling.training.token_dataset import training_plan
from centrabert.search.jobs import job_training
from centrabert.search.jobs.content_digest import file_digest
from centrabert.search.jobs.job_folder import read_failure, state
from centrabert.search.jobs.job_result import read_result
from centrabert.search.workers.job_command import JobCommand
from centrabert.search.workers.local_pool import LocalPool
from centrabert.search.workers.worker_pool import Outcome


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """With a trained teacher."""
    workshop = Workshop(tmp_path_factory.mktemp("search"))
    workshop.run(workshop.teacher, depths=(1, 2))
    return workshop


def test_what_a_job_leaves(workshop: Workshop) -> None:
    spec, folder = workshop.teacher, workshop.folder(workshop.teacher)
    result, record = read_result(folder), read_record(folder / "branch")
    assert result is not None and state(folder) == "done"
    assert {file.name for file in folder.iterdir()} == {
        *("spec.json", "lock", "branch", "seconds.json", "evaluation_errors.json", "result.json"),
    }
    assert (record.branch.frozen, record.branch.tuned) == (1, 2)
    assert record.hyperparameters["learning_rate"] == spec.learning_rate
    assert (result.metric, result.metrics) == ("accuracy", record.metrics)
    assert result.quality == 100 * record.metrics["accuracy"]
    assert [step for step, _ in result.history] == [STEPS, 2 * STEPS] and result.steps == 2 * STEPS
    assert 100 * max(value for _, value in result.history) == result.quality
    assert result.metric_error == share_error(result.quality / 100, tiny_glue.DEV_ROWS)
    seconds = json.loads((folder / "seconds.json").read_text())["seconds"]
    assert seconds == {
        "seconds": result.seconds,
        "setup_seconds": result.setup_seconds,
        "cpu_seconds": result.cpu_seconds,
    }
    assert result.seconds > 0 < result.setup_seconds and result.cpu_seconds > 0 and result.threads == 2


def test_tokens_are_those_that_training_saw(workshop: Workshop) -> None:
    result = read_result(workshop.folder(workshop.teacher))
    train = job_training._runner(workshop.teacher).train
    batches = [train.batch(rows) for epoch in (0, 1) for rows in training_plan(train.lengths, 7, 13, epoch)]
    assert result is not None
    assert result.tokens == sum(batch["input_ids"].size for batch in batches)
    padded = replace(workshop.teacher, padded=True)
    everything = job_training._runner(padded).train
    assert everything.batch(np.arange(3))["input_ids"].shape == (3, tiny.MAX_SEQ_LENGTH)
    tokens = job_training.training_tokens(everything, job_training._hyperparameters(padded))
    assert tokens == 2 * tiny_glue.TRAIN_ROWS * tiny.MAX_SEQ_LENGTH > result.tokens


def test_one_pass_computes_what_all_depths_want(workshop: Workshop) -> None:
    assert len(list(workshop.cache.folder.glob("*.npy"))) == 4  # train and dev after 1 and after 2 layers


def test_a_finished_job_is_only_read(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_training, "_do", None)
    assert workshop.run(workshop.teacher) == read_result(workshop.folder(workshop.teacher))


def test_a_job_killed_at_its_very_end_trains_nothing_twice(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = workshop.folder(workshop.teacher)
    before = read_result(folder)
    (folder / "result.json").unlink()
    monkeypatch.setattr("centrabert.modeling.training.train_branch._fit", None)
    again = workshop.run(workshop.teacher)
    assert before is not None and again.seconds > before.seconds
    times = {"seconds": 0.0, "setup_seconds": 0.0, "cpu_seconds": 0.0}
    assert replace(again, **times) == replace(before, **times)


def test_students_start_from_the_teacher_or_as_pretrained(workshop: Workshop) -> None:
    """With a rate too small to move a bit, a student is what it started from."""
    still = replace(workshop.student, learning_rate=1e-30)
    specs = {start: replace(still, start=start) for start in ("teacher", "pretrained")}
    for spec in specs.values():
        workshop.run(spec)
    results = {start: workshop.variables(spec) for start, spec in specs.items()}
    teacher = workshop.variables(workshop.teacher)
    pretrained = checkpoint.read(workshop.bert / "bert_model.ckpt")
    kernel = "bert/encoder/layer_1/output/dense/kernel"
    np.testing.assert_array_equal(results["teacher"][kernel], teacher[kernel])
    np.testing.assert_array_equal(results["pretrained"][kernel], pretrained[kernel])
    np.testing.assert_array_equal(results["teacher"]["output_weights"], teacher["output_weights"])
    assert not np.array_equal(results["pretrained"]["output_weights"], teacher["output_weights"])
    for start, spec in specs.items():
        record = read_record(workshop.folder(spec) / "branch")
        assert record.hyperparameters["initialization"]["origin"] == start
        assert record.teacher_digest == read_record(workshop.folder(workshop.teacher) / "branch").digest


def test_a_student_learns_by_the_method_of_its_job(workshop: Workshop) -> None:
    spec = replace(workshop.student, method="last_layer_kd", settings=(("hidden_weight", 0.5),))
    for each in (spec, workshop.student):
        workshop.run(each)
    record = read_record(workshop.folder(spec) / "branch")
    assert (record.hyperparameters["method"], record.hyperparameters["hidden_weight"]) == (
        "last_layer_kd",
        0.5,
    )
    kernel = "bert/encoder/layer_1/output/dense/kernel"
    assert not np.array_equal(workshop.variables(spec)[kernel], workshop.variables(workshop.student)[kernel])


def test_a_student_learns_from_texts_without_labels(workshop: Workshop, tmp_path: Path) -> None:
    file = tmp_path / "rte.tsv"
    file.write_text("a tree on a river\tthe old house\nthe road\ta dog\n")
    texts = {"unlabelled_file": str(file), "unlabelled_digest": file_digest([file])}
    spec = replace(workshop.student, **texts)
    with_texts, without = workshop.run(spec), workshop.run(workshop.student)
    assert with_texts.steps == STEPS  # 39 rows in batches of 7
    assert with_texts.tokens > without.tokens
    kernel = "bert/encoder/layer_1/output/dense/kernel"
    assert not np.array_equal(workshop.variables(spec)[kernel], workshop.variables(workshop.student)[kernel])
    file.write_text("another text\tof another day\n")
    with pytest.raises(ValueError, match=f"^{file}: what job rte .* reads has changed since"):
        workshop.run(replace(spec, seed=14))


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"data_root": "/nowhere"}, "/nowhere/RTE: there is no such folder"),
        ({"bert_dir": "/nowhere"}, "/nowhere/bert_config.json: no such file"),
        ({"fine_tuning_layers": 4}, "--fine_tuning_layers=4 is outside 0..3"),
        ({"learning_rate": 1e30}, "training diverged: the loss is NaN; try a smaller learning rate"),
        (
            {"kind": "student", "student_layers": 1, "teacher": "0123456789abcdef"},
            "0123456789abcdef/branch: the teacher is not trained; run its job first",
        ),
    ],
)
def test_what_stops_a_job_is_told_and_written_down(
    workshop: Workshop, change: dict[str, object], wrong: str
) -> None:
    spec = replace(workshop.teacher, **change)
    with pytest.raises(ValueError, match=wrong):
        workshop.run(spec)
    assert wrong in (read_failure(workshop.folder(spec)) or "")
    assert state(workshop.folder(spec)) == "failed"


def test_a_stopped_job_goes_on(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped by a signal in its first evaluation, after which it has written a checkpoint."""
    spec = replace(workshop.teacher, seed=14)
    judged = job_training.TaskRunner.score

    def stop(self: object, *scored: object) -> dict[str, float]:
        monkeypatch.setattr(job_training.TaskRunner, "score", judged)
        os.kill(os.getpid(), 15)
        return judged(self, *scored)  # type: ignore[arg-type]

    monkeypatch.setattr(job_training.TaskRunner, "score", stop)
    with pytest.raises(KeyboardInterrupt):
        workshop.run(spec)
    folder = workshop.folder(spec)
    assert state(folder) == "waiting" and read_failure(folder) is None
    spent = json.loads((folder / "seconds.json").read_text())["seconds"]
    result = workshop.run(spec)
    assert result.seconds > spent["seconds"] > 0 < spent["setup_seconds"] < result.setup_seconds
    assert [step for step, _ in result.history] == [STEPS, 2 * STEPS]


def test_a_job_as_a_process_of_its_own(workshop: Workshop) -> None:
    """As a search starts it: on one core, with one thread, held by its standard input."""
    spec = replace(workshop.student, seed=7, num_train_epochs=0.2)
    told = JobCommand(workshop.jobs_dir, (f"--activation_cache_dir={workshop.cache.folder}",), (1,))
    core = sorted(os.sched_getaffinity(0))[:1]
    pool = LocalPool(workshop.jobs_dir, [core], told)
    pool.submit(spec)
    outcome = pool.next()
    pool.stop()
    assert outcome == Outcome(spec, None)
    result = read_result(workshop.folder(spec))
    assert result is not None and (result.threads, result.steps) == (1, 1)
    log = (workshop.folder(spec) / "job.log").read_text()
    assert f"{spec.title}: accuracy {result.quality:.1f} in " in log
