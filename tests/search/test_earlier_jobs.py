"""Results of the same content count wherever it lies, of other content never; jobs of earlier versions."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import tiny_result
import tiny_search
from instant_pool import InstantPool

from centrabert.errors import UserError
from centrabert.glue_data.task_lookup import find_task
from centrabert.modeling.digest import text_digest
from centrabert.modeling.file_lock import exclusive
from centrabert.search.earlier_jobs import adopt_earlier_jobs
from centrabert.search.jobs.content_digest import bert_digest, check_content, data_digest, file_digest
from centrabert.search.jobs.job_folder import job_folder, prepare, read_spec, read_specs
from centrabert.search.jobs.job_result import read_result
from centrabert.search.jobs.job_spec import JobSpec
from centrabert.search.search_loop import Search, finished_jobs
from centrabert.search.strategy.search_space import SearchSpace, baselines, students, teachers


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """A folder with a BERT and the data of a task."""
    for name in ("bert/bert_config.json", "bert/vocab.txt", "bert/bert_model.ckpt.index"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    for split in ("train", "dev", "test"):
        (tmp_path / "glue" / "RTE").mkdir(parents=True, exist_ok=True)
        (tmp_path / "glue" / "RTE" / f"{split}.tsv").write_text(rte(split))
    return tmp_path


def digests(folder: Path) -> tuple[str, str]:
    return bert_digest(folder / "bert"), data_digest(read_digests(folder))


def read_digests(folder: Path) -> dict[str, str]:
    task = find_task("rte", data_root=folder / "glue")
    return {split: task.read(split).digest for split in ("train", "dev")}


def rte(text: str) -> str:
    """A file of RTE with one row."""
    return f"index\tsentence1\tsentence2\tlabel\n0\t{text}\tb\tentailment\n"


def space_of(folder: Path) -> SearchSpace:
    bert, data = digests(folder)
    return tiny_search.space(
        tasks=("rte",),
        bert_dir=str(folder / "bert"),
        data_root=str(folder / "glue"),
        bert_digest=bert,
        data_digests={"rte": data},
    )


def test_content_is_known_wherever_it_lies_and_by_the_files_that_are_read(inputs: Path) -> None:
    before = digests(inputs)
    (inputs / "glue" / "RTE" / "NOTES.md").write_text("mine")
    (inputs / "bert" / "NOTES.md").write_text("mine")
    (inputs / "glue" / "RTE" / "test.tsv").write_text("none is trained on these")
    moved = inputs / "moved"
    for name in ("bert", "glue"):
        shutil.move(inputs / name, moved / name)
    assert digests(moved) == before
    (moved / "glue" / "RTE" / "dev.tsv").write_text(rte("others"))
    assert digests(moved)[0] == before[0] and digests(moved)[1] != before[1]
    (moved / "bert" / "vocab.txt").write_text("others")
    assert digests(moved)[0] != before[0]


def test_a_job_is_the_same_wherever_its_files_lie(inputs: Path) -> None:
    spec = teachers(space_of(inputs))[0]
    moved = replace(spec, bert_dir="/elsewhere", data_root="/other")
    assert (moved, moved.digest, hash(moved)) == (spec, spec.digest, hash(spec))
    assert replace(spec, data_digest="0" * 64) != spec
    by_paths = replace(spec, bert_digest="", data_digest="")
    assert by_paths != replace(by_paths, bert_dir="/elsewhere") and by_paths.digest != spec.digest
    folder = prepare(inputs / "jobs", spec)
    assert prepare(inputs / "jobs", moved) == folder
    assert read_spec(folder / "spec.json").bert_dir == "/elsewhere"


def test_a_job_whose_files_have_changed_is_refused(inputs: Path) -> None:
    spec = teachers(space_of(inputs))[0]
    check_content(spec, read_digests(inputs))
    (inputs / "glue" / "RTE" / "train.tsv").write_text(rte("others"))
    with pytest.raises(UserError, match=r"glue: what job rte L=2 .* reads has changed since"):
        check_content(spec, read_digests(inputs))


def earlier(spec: JobSpec, jobs_dir: Path, inputs: Path, teacher: str = "") -> str:
    """Writes a finished job as version 1 did; returns its name, which is that of its paths."""
    keys = {**spec.to_json(), "bert_dir": str(inputs / "bert"), "data_root": str(inputs / "glue")}
    keys = {**{name: keys[name] for name in keys if "_digest" not in name}, "teacher": teacher}
    digest = text_digest(json.dumps(keys, sort_keys=True))[:16]
    (jobs_dir / digest).mkdir(parents=True)
    (jobs_dir / digest / "spec.json").write_text(json.dumps({"format_version": 1, **keys}))
    tiny_result.result(0.7).write(jobs_dir / digest)
    return digest


@pytest.mark.parametrize("change", ["none", "moved", "notes", "other data"])
def test_finished_jobs_of_earlier_versions_are_found(inputs: Path, change: str) -> None:
    jobs_dir = inputs / "out" / "jobs"
    teacher = teachers(space_of(inputs))[0]
    student = students(teacher, space_of(inputs))[0]
    names = [earlier(teacher, jobs_dir, inputs)]
    names.append(earlier(student, jobs_dir, inputs, teacher=names[0]))
    folders = inputs / "bert", inputs / "glue" / "RTE"
    noted = {str(folder): file_digest(sorted(folder.iterdir()), names=True) for folder in folders}
    (inputs / "out" / "inputs.json").write_text(json.dumps(noted))
    here = inputs
    if change == "moved":
        here = inputs / "moved"
        for name in ("bert", "glue"):
            shutil.move(inputs / name, here / name)
    elif change == "notes":
        (inputs / "glue" / "RTE" / "NOTES.md").write_text("mine")
    elif change == "other data":
        (inputs / "glue" / "RTE" / "train.tsv").write_text(rte("others"))
    space = space_of(here)
    for _ in range(2):  # once more changes nothing
        adopt_earlier_jobs(inputs / "out", jobs_dir, space)
    found = {job.spec: job.folder for job in finished_jobs(space, jobs_dir)}
    if change == "other data":
        assert found == {} and len(read_specs(jobs_dir)) == 2
        return
    assert list(found) == [teacher, student] or list(found) == [student, teacher]
    assert read_result(job_folder(jobs_dir, student.digest)) == tiny_result.result(0.7)
    assert [(jobs_dir / name).resolve().name for name in names] == [teacher.digest, student.digest]
    assert set(read_specs(jobs_dir)) == {teacher, student}


def test_nothing_is_renamed_while_a_search_is_at_work(inputs: Path) -> None:
    """Its processes are told the names that the folders have; who has nothing to rename may look on."""
    jobs_dir, space = inputs / "out" / "jobs", space_of(inputs)
    name = earlier(teachers(space)[0], jobs_dir, inputs)
    with exclusive(inputs / "out"):
        with pytest.raises(UserError, match="out: another process is at work here"):
            adopt_earlier_jobs(inputs / "out", jobs_dir, space)
        assert [folder.name for folder in jobs_dir.iterdir()] == [name]
    adopt_earlier_jobs(inputs / "out", jobs_dir, space)
    assert (jobs_dir / name).is_symlink()
    with exclusive(inputs / "out"):
        adopt_earlier_jobs(inputs / "out", jobs_dir, space)


def test_only_jobs_like_its_own_are_reported(tmp_path: Path) -> None:
    space = tiny_search.space(tasks=("rte",))
    teacher = teachers(space)[0]
    alike = [
        teacher,
        students(teacher, space)[0],
        replace(teacher, seed=99, learning_rate=1.0, num_train_epochs=9.0, fine_tuning_layers=4),
        *baselines(replace(space, baseline="padded"))[:1],
        *baselines(replace(space, baseline="bucketed"))[:1],
    ]
    others = [
        replace(teacher, **{field: value})
        for field, value in {
            "task": "cola",
            "bert_dir": "other",
            "data_root": "other",
            "bert_digest": "0" * 64,
            "pooling": "mean",
            "max_seq_length": 64,
            "max_train_rows": 500,
            "train_batch_size": 8,
            "do_lower_case": False,
            "padded": True,
        }.items()
    ]
    search = Search(space, tmp_path, tiny_search.COST, cores=1)
    pool = InstantPool(search.jobs_dir)
    for spec in (*alike, *others):
        pool.submit(spec)
        pool.next()
    assert {job.spec for job in finished_jobs(space, search.jobs_dir)} == set(alike)
