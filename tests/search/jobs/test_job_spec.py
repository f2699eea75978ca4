"""Plans of jobs: their file, their order, what is refused."""

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_plan import FULL, PLAN, STUDENTS, TEACHERS

from centrabert.search.jobs.job_spec import JobSpec, plan_order, read_plan, write_plan


def test_a_plan_comes_back(tmp_path: Path) -> None:
    write_plan(PLAN, tmp_path / "plan.jsonl")
    assert len((tmp_path / "plan.jsonl").read_text().splitlines()) == len(PLAN)
    assert read_plan(tmp_path / "plan.jsonl") == PLAN


def test_jobs_keep_their_folders() -> None:
    """What jobs were called before they knew a method of distillation."""
    named = [spec.digest for spec in (FULL, TEACHERS[0], STUDENTS[0])]
    assert named == ["18ccf89bdcf802cc", "df02359e9decbd49", "3895e268ee346b33"]


def test_a_method_is_part_of_a_student(tmp_path: Path) -> None:
    plan = [replace(STUDENTS[0], method="bert_pkd"), replace(STUDENTS[0], settings=(("temperature", 2.0),))]
    write_plan(plan, tmp_path / "plan.jsonl")
    assert read_plan(tmp_path / "plan.jsonl") == tuple(plan)
    assert len({spec.digest for spec in (*plan, STUDENTS[0])}) == 3
    for change in ({"method": "bert_pkd"}, {"settings": (("temperature", 2.0),)}):
        with pytest.raises(ValueError, match="a student, and nothing else, has a method of distillation"):
            replace(FULL, **change)


def test_texts_without_labels_are_part_of_a_student(tmp_path: Path) -> None:
    """By their content, wherever they lie."""
    texts = {"unlabelled_file": "/a/rte.tsv", "unlabelled_digest": "1"}
    one = replace(STUDENTS[0], **texts)
    moved, other = replace(one, unlabelled_file="/b/rte.tsv"), replace(one, unlabelled_digest="2")
    write_plan([one], tmp_path / "plan.jsonl")
    (back,) = read_plan(tmp_path / "plan.jsonl")
    assert (back, back.unlabelled_file) == (one, "/a/rte.tsv")
    assert one.digest == moved.digest and one == moved
    assert len({spec.digest for spec in (STUDENTS[0], one, other)}) == 3
    assert "l=1 with texts 1 lr=" in one.title
    for spec, wrong in ((STUDENTS[0], {"unlabelled_file": "/a/rte.tsv"}), (FULL, texts)):
        with pytest.raises(ValueError, match="a student, and nothing else, has texts without labels"):
            replace(spec, **wrong)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not JSON: "),
        ("[]", "holds a JSON list, not an object"),
        ('{"task": "rte"}', "missing keys: 'bert_dir', "),
        (json.dumps({**FULL.to_json(), "kind": "half"}), "job kind 'half' is none of "),
        (json.dumps({**FULL.to_json(), "fine_tuning_layers": "2"}), "key 'fine_tuning_layers' is '2'"),
        (json.dumps({**STUDENTS[0].to_json(), "teacher": "../../../x"}), "teacher '../../../x' is no digest"),
        (json.dumps({**STUDENTS[0].to_json(), "method": "magic"}), "--method=magic is none of vanilla_kd, "),
        (json.dumps({**FULL.to_json(), "seed": math.nan}), "key 'seed' is nan"),
        (json.dumps({**FULL.to_json(), "format_version": 3}), "format_version 3 is newer than 2"),
    ],
)
def test_a_bad_plan_is_refused(tmp_path: Path, line: str, message: str) -> None:
    file = tmp_path / "plan.jsonl"
    file.write_text(f"{json.dumps(FULL.to_json())}\n{line}\n")
    with pytest.raises(ValueError, match=f"^{re.escape(str(file))}:2: {re.escape(message)}"):
        read_plan(file)


def test_no_plan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"plan\.jsonl: no such file; run_search --dry_run writes a plan"):
        read_plan(tmp_path / "plan.jsonl")


@given(st.permutations(PLAN))
def test_students_come_last_and_the_order_is_kept(plan: list[JobSpec]) -> None:
    ordered = plan_order(plan)
    assert set(ordered[-len(STUDENTS) :]) == set(STUDENTS)
    assert [spec for spec in ordered if spec in STUDENTS] == [spec for spec in plan if spec in STUDENTS]
    assert [spec for spec in ordered if spec in (*TEACHERS, FULL)] == [
        spec for spec in plan if spec not in STUDENTS
    ]


def test_a_student_names_its_teacher() -> None:
    assert {spec.teacher for spec in STUDENTS} == {TEACHERS[1].digest}
    with pytest.raises(ValueError, match="a student, and nothing else, has a teacher"):
        replace(STUDENTS[0], teacher="")
