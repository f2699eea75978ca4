"""A plan: its file, its stages, its folder."""

import json
import re
from pathlib import Path

import pytest
from full_disk import largest_file
from hypothesis import given
from hypothesis import strategies as st
from tiny_plan import FULL, PLAN, STUDENTS, TEACHERS, files_in

from centrabert.search.cluster.plan_folder import write_plan_folder
from centrabert.search.cluster.stage import Stage, stages
from centrabert.search.jobs.job_spec import JobSpec
from centrabert.search.jobs.plan_file import read_plan, write_plan


def test_plan_file(tmp_path: Path) -> None:
    write_plan(PLAN, tmp_path / "plan.jsonl")
    assert len((tmp_path / "plan.jsonl").read_text().splitlines()) == len(PLAN)
    assert read_plan(tmp_path / "plan.jsonl") == PLAN


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "plan.jsonl:2: not JSON: "),
        ("[]", "plan.jsonl:2: "),
        ('{"task": "rte"}', "plan.jsonl:2: job: missing or unknown keys ['bert_dir', "),
        (json.dumps({**FULL.to_json(), "kind": "half"}), "plan.jsonl:2: job kind 'half' is none of "),
        (json.dumps({**FULL.to_json(), "fine_tuning_layers": "2"}), "plan.jsonl:2: "),
    ],
)
def test_a_bad_plan_is_refused(tmp_path: Path, line: str, message: str) -> None:
    file = tmp_path / "plan.jsonl"
    file.write_text(f"{json.dumps(FULL.to_json())}\n{line}\n")
    with pytest.raises(ValueError, match=re.escape(f"{tmp_path}/{message}")):
        read_plan(file)


def test_no_plan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"plan\.jsonl: no such file; run_search --dry_run writes a plan"):
        read_plan(tmp_path / "plan.jsonl")


def test_stages() -> None:
    assert stages(PLAN) == (Stage(0, (*TEACHERS, FULL)), Stage(1, STUDENTS))
    assert stages(TEACHERS) == (Stage(0, TEACHERS),)
    assert stages(STUDENTS) == (Stage(1, STUDENTS),), "their teacher may be trained already"


@given(st.permutations(PLAN))
def test_stages_keep_the_order(plan: list[JobSpec]) -> None:
    for stage in stages(plan):
        assert list(stage.specs) == [spec for spec in plan if spec in stage.specs]


@pytest.mark.parametrize(
    ("plan", "message"),
    [((), "the plan has no job"), ((FULL, *STUDENTS, FULL), f"job {FULL.title} occurs twice in the plan")],
)
def test_stages_refuse(plan: tuple[JobSpec, ...], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        stages(plan)


@pytest.mark.parametrize(
    ("number", "specs", "message"),
    [
        (1, (), "stage1 has no job"),
        (0, (FULL, STUDENTS[0]), "l=1 lr=5e-05 epochs=3 seed=0 belongs to stage 1, not 0"),
        (1, (FULL,), "mrpc all layers lr=5e-05 epochs=3 seed=0 belongs to stage 0, not 1"),
    ],
)
def test_a_stage_refuses(number: int, specs: tuple[JobSpec, ...], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Stage(number, specs)


def test_plan_folder(tmp_path: Path) -> None:
    write_plan_folder(stages(PLAN), tmp_path / "plan")
    wanted = dict(zip([f"stage0/{index}.json" for index in range(4)], (*TEACHERS, FULL), strict=True))
    wanted |= dict(zip(["stage1/0.json", "stage1/1.json"], STUDENTS, strict=True))
    assert files_in(tmp_path) == {"plan/jobs.tsv", *(f"plan/{name}" for name in wanted)}
    for name, spec in wanted.items():
        assert JobSpec.from_json(json.loads((tmp_path / "plan" / name).read_text())) == spec
    header, *rows = (tmp_path / "plan" / "jobs.tsv").read_text().splitlines()
    assert header == "stage\tindex\tdigest\tjob"
    assert rows[0] == f"stage0\t0\t{TEACHERS[0].digest}\trte L=2 lr=5e-05 epochs=3 seed=0"
    listed = {"{}/{}.json".format(*row.split("\t")): row.split("\t")[2] for row in rows}
    assert listed == {name: spec.digest for name, spec in wanted.items()}


def test_plan_folder_is_whole_or_absent(tmp_path: Path) -> None:
    with largest_file(100), pytest.raises(OSError, match="File too large"):
        write_plan_folder(stages(PLAN), tmp_path / "plan")
    assert list(tmp_path.iterdir()) == []
