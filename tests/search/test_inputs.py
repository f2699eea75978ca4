"""Results of other files never count: digests of what a search read, and jobs that are not like its own."""

from dataclasses import replace
from pathlib import Path

import pytest
import tiny_search
from instant_pool import InstantPool

from centrabert.search.inputs import check_inputs, note_inputs
from centrabert.search.search_loop import Search
from centrabert.search.strategy.search_space import baselines, students, teachers


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Where the search goes, a BERT, and data of two tasks."""
    for name in ("bert", "glue/RTE", "glue/CoLA", "out"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "file").write_text(name)
    return tmp_path / "out", tmp_path / "bert", tmp_path / "glue"


def test_changed_data_are_refused_and_others_do_not_matter(folders: tuple[Path, Path, Path]) -> None:
    out, bert, glue = folders
    note_inputs(out, check_inputs(out, bert, glue, ["rte"]))
    assert list(check_inputs(out, bert, glue, ["rte", "cola"])) == [
        str(bert),
        *map(str, (glue / "RTE", glue / "CoLA")),
    ]
    note_inputs(out, check_inputs(out, bert, glue, ["rte", "cola"]))
    (glue / "CoLA" / "file").write_text("others")
    before = (out / "inputs.json").read_bytes()
    check_inputs(out, bert, glue, ["rte"])
    with pytest.raises(
        ValueError, match=r"CoLA: has changed since .*out was begun.* choose another --output_dir"
    ):
        check_inputs(out, bert, glue, ["rte", "cola"])
    (bert / "another").write_text("")
    with pytest.raises(ValueError, match="bert: has changed since"):
        check_inputs(out, bert, glue, ["rte"])
    assert (out / "inputs.json").read_bytes() == before


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
    assert {job.spec for job in search.finished()} == set(alike)
