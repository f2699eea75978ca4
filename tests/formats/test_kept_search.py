"""The search that commit 78db6b1 finished: it is read, resumed without training, and selected from."""

import os
import shutil
from pathlib import Path

import pytest
from kept import KEPT, read

from centrabert import command
from centrabert.search import run_search, run_select
from centrabert.search.jobs.job_folder import read_specs
from centrabert.search.jobs.job_result import read_result
from centrabert.search.jobs.job_spec import JobSpec, read_plan
from centrabert.search.jobs.resumable_timer import ResumableTimer
from centrabert.search.selection.selection import read_selection
from centrabert.search.strategy.search_space import read_space

ROOT = Path(read("search/space.json")["bert_dir"]).parent  # where the search was made
FLAGS = (
    *(f"--bert_dir={ROOT / 'bert'}", f"--data_root={ROOT / 'glue'}", "--tasks=RTE"),
    *("--fine_tuning_layers=1,2", "--student_layers=1", "--learning_rates=3e-3", "--num_train_epochs=1"),
    *("--seeds=3", "--max_seq_length=13", "--train_batch_size=7", "--workers=1"),
)


class Idle:
    """A pool whose jobs are all done."""

    free = 1

    def __init__(self, *settings: object) -> None:
        pass

    def submit(self, spec: JobSpec) -> None:
        raise AssertionError(f"{spec.title} is trained again")

    def stop(self) -> None:
        pass


@pytest.fixture
def search(tmp_path: Path) -> Path:
    """A copy of the search, with BERT and data where it knows them."""
    for name in ("bert", "glue"):
        for file in (path for path in (KEPT / name).rglob("*") if path.is_file()):
            place, aside = ROOT / file.relative_to(KEPT), tmp_path / "aside"
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, aside)
            os.replace(aside, place)  # another run of this test may read it
    return Path(shutil.copytree(KEPT / "search", tmp_path / "search"))


def test_its_files_are_read() -> None:
    folder = KEPT / "search"
    assert sorted(spec.title for spec in read_specs(folder / "jobs")) == [
        "rte L=1 l=1 lr=0.003 epochs=1 seed=3",
        "rte L=1 lr=0.003 epochs=1 seed=3",
        "rte L=2 lr=0.003 epochs=1 seed=3",
    ]
    assert {spec.title for spec in read_plan(folder / "plan.jsonl")} <= {
        spec.title for spec in read_specs(folder / "jobs")
    }
    assert read_space(folder).fine_tuning_layers == (1, 2)
    (option,) = read_selection(folder).chosen
    assert (option.task, option.frozen, option.tuned) == ("rte", 2, 1)
    assert option.quality == pytest.approx(600 / 11)
    for job in (folder / "jobs").iterdir():
        result, keys = read_result(job), read(f"search/jobs/{job.name}/result.json")
        assert result is not None
        assert (result.steps, result.tokens) == (keys["steps"], keys["tokens"])
        timer, spent = ResumableTimer(job / "seconds.json"), read(f"search/jobs/{job.name}/seconds.json")
        assert {name: timer.seconds(name) for name in spent} == spent


@pytest.mark.parametrize("moved", [False, True])
def test_it_is_resumed_without_training(
    moved: bool, search: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where BERT and data were, and where they are elsewhere now; what was trained stays as it is."""
    monkeypatch.setattr(run_search, "LocalPool", Idle)
    before = trained(search)
    place = tmp_path / "moved" if moved else ROOT
    for name in ("bert", "glue"):
        shutil.copytree(KEPT / name, place / name, dirs_exist_ok=True)
    flags = [flag.replace(str(ROOT), str(place)) for flag in FLAGS]
    argv = ["run_search", *flags, f"--output_dir={search}"]
    assert command.status(run_search.main, run_search.FLAGS, argv) == 0
    assert trained(search).items() >= before.items()  # by the old names of their folders, too
    assert selected(search) == selected(KEPT / "search")


def trained(search: Path) -> dict[Path, bytes]:
    """What jobs left, without their specs."""
    files = (
        Path(folder, name)
        for folder, _, names in os.walk(search / "jobs", followlinks=True)
        for name in names
    )
    return {file: file.read_bytes() for file in files if file.name != "spec.json"}


def test_it_is_selected_from(search: Path, tmp_path: Path) -> None:
    argv = ["run_select", f"--search_dirs={search}", f"--output_dir={tmp_path / 'out'}"]
    assert command.status(run_select.main, run_select.FLAGS, argv) == 0
    assert selected(tmp_path / "out") == selected(KEPT / "search")
    (option,) = read_selection(tmp_path / "out").chosen
    assert Path(option.folder).is_dir() and Path(option.folder).is_relative_to(search)


def selected(folder: Path) -> list[tuple[object, ...]]:
    return [
        (each.task, each.kind, each.frozen, each.tuned, each.quality, each.seeds)
        for each in read_selection(folder).chosen
    ]
