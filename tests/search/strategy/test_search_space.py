"""The space of a search: which jobs there are, and what is refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny_search

from centrabert.distill.methods.last_layer_kd import LastLayerKD
from centrabert.search.jobs.job_spec import JobSpec
from centrabert.search.strategy.search_space import baselines, read_space, students, teachers, write_space


def named(specs: tuple[JobSpec, ...]) -> list[str]:
    return [spec.title for spec in specs]


def test_every_teacher_the_cheaper_first() -> None:
    given = tiny_search.space(
        fine_tuning_layers=(5, 2), learning_rates=(1e-4, 5e-5), num_train_epochs=(3.0, 1.0), seeds=(7, 0)
    )
    specs = teachers(given)
    assert len(specs) == len({spec.digest for spec in specs}) == 2 * 2 * 2 * 2 * 2
    assert named(specs[:3]) == [
        "rte L=2 lr=0.0001 epochs=1 seed=7",
        "rte L=2 lr=0.0001 epochs=1 seed=0",
        "rte L=2 lr=5e-05 epochs=1 seed=7",
    ]
    assert named(specs[-1:]) == ["cola L=5 lr=5e-05 epochs=3 seed=0"]


def test_what_all_jobs_have_in_common() -> None:
    given = tiny_search.space(
        baseline="bucketed",
        baseline_learning_rates=(2e-5,),
        padded=True,
        pooling="mean",
        max_seq_length=64,
        train_batch_size=16,
        do_lower_case=False,
        max_train_rows=999,
        bias_correction=True,
        bfloat16=True,
    )
    teacher = teachers(given)[0]
    for spec in (teacher, *students(teacher, given), *baselines(given)):
        assert (spec.bert_dir, spec.data_root) == ("bert", "glue")
        assert (spec.pooling, spec.max_seq_length, spec.train_batch_size) == ("mean", 64, 16)
        assert (spec.do_lower_case, spec.max_train_rows) == (False, 999)
        assert spec.bias_correction and spec.bfloat16 and given.includes(spec)
        assert not given.includes(replace(spec, bias_correction=False))
        assert not given.includes(replace(spec, bfloat16=False))


def test_students_train_as_their_teacher_did() -> None:
    given = tiny_search.space(starts=("teacher", "pretrained"))
    teacher = teachers(given)[1]
    assert named((teacher,)) == ["rte L=2 lr=5e-05 epochs=3 seed=1"]
    distilled = students(teacher, given)
    assert named(distilled) == [
        "rte L=2 l=1 lr=5e-05 epochs=3 seed=1",
        "rte L=2 l=1 from pretrained lr=5e-05 epochs=3 seed=1",
        "rte L=2 l=2 lr=5e-05 epochs=3 seed=1",
        "rte L=2 l=2 from pretrained lr=5e-05 epochs=3 seed=1",
    ]
    assert {spec.teacher for spec in distilled} == {teacher.digest}


def test_students_alone_have_the_method_of_distillation() -> None:
    given = tiny_search.space(method="last_layer_kd", settings=(("hidden_weight", 0.5),), baseline="bucketed")
    teacher, plain = teachers(given)[0], tiny_search.space(baseline="bucketed")
    assert (teachers(given), baselines(given)) == (teachers(plain), baselines(plain))
    (student, *_), (vanilla, *_) = students(teacher, given), students(teacher, plain)
    assert student.title == "rte L=2 l=1 by last_layer_kd hidden_weight=0.5 lr=5e-05 epochs=3 seed=0"
    assert student.distillation_method == LastLayerKD(hidden_weight=0.5)
    assert [space.includes(student) for space in (given, plain)] == [True, False]
    assert [space.includes(vanilla) for space in (given, plain)] == [False, True]


def test_students_alone_have_texts_without_labels(tmp_path: Path) -> None:
    given = tiny_search.space(unlabelled_dir="/texts", unlabelled_digests={"rte": "1"}, baseline="bucketed")
    plain = tiny_search.space(baseline="bucketed")
    assert (teachers(given), baselines(given)) == (teachers(plain), baselines(plain))
    rte, cola = (next(each for each in teachers(given) if each.task == task) for task in ("rte", "cola"))
    (student, *_), (vanilla, *_) = students(rte, given), students(rte, plain)
    assert (student.unlabelled_file, student.unlabelled_digest) == ("/texts/rte.tsv", "1")
    assert students(cola, given) == students(cola, plain)
    assert [space.includes(student) for space in (given, plain)] == [True, False]
    assert [space.includes(vanilla) for space in (given, plain)] == [False, True]
    write_space(given, tmp_path)
    assert read_space(tmp_path) == given
    assert "unlabelled" not in json.dumps(plain.to_json())


def test_baselines() -> None:
    assert baselines(tiny_search.space()) == ()
    given = tiny_search.space(baseline="padded", baseline_learning_rates=(2e-5, 5e-5))
    specs = baselines(given)
    assert len(specs) == 2 * 2 * 3
    assert named(specs[:1]) == ["rte all layers lr=2e-05 epochs=3 seed=0 padded"]
    assert {(spec.kind, spec.fine_tuning_layers) for spec in specs} == {("full", 6)}
    assert not any(spec.padded for spec in baselines(tiny_search.space(baseline="bucketed")))


def test_depths_that_teachers_freeze() -> None:
    assert tiny_search.space().depths == (1, 3, 4)
    assert tiny_search.space(fine_tuning_layers=(6, 5)).depths == (1,)


@pytest.mark.parametrize(
    ("keys", "wrong"),
    [
        ({"fine_tuning_layers": (2, 7)}, "--fine_tuning_layers=7 is outside 1..6, the layers of bert"),
        ({"fine_tuning_layers": (0,)}, "--fine_tuning_layers=0 is outside 1..6"),
        ({"student_layers": (1, 7)}, "--student_layers=7 is outside 1..6, the layers of bert"),
        ({"student_layers": (6,)}, "--student_layers=6 is above 5, the largest of --fine_tuning_layers"),
        ({"student_layers": (0,)}, "--student_layers=0 is outside"),
        ({"tasks": ()}, "--tasks is empty; give one value at least"),
        ({"tasks": ("rte", "rte")}, "--tasks names rte twice"),
        ({"tasks": ("rte", "wnli")}, "there is no task 'wnli'"),
        ({"seeds": (1, 1)}, "--seeds names 1 twice"),
        ({"seeds": (-1,)}, "--seed=-1 is below 0"),
        ({"learning_rates": (0.0,)}, "--learning_rate=0.0 is not above 0"),
        ({"baseline_learning_rates": (-1.0,)}, "--learning_rate=-1.0 is not above 0"),
        ({"num_train_epochs": (0.0,)}, "--num_train_epochs=0.0 is not above 0"),
        ({"train_batch_size": 0}, "--train_batch_size=0 is not above 0"),
        ({"max_train_rows": -1}, "--max_train_rows=-1 is below 0"),
        ({"max_seq_length": 4}, "max_seq_length 4 is below 5"),
        ({"strategy": "lucky"}, "--strategy=lucky is none of halving, exhaustive"),
        ({"baseline": "both"}, "--baseline=both is none of none, bucketed, padded"),
        ({"method": "magic"}, "--method=magic is none of vanilla_kd, last_layer_kd"),
        ({"settings": (("hidden_weight", 1.0),)}, "--hidden_weight is no setting of --method=vanilla_kd"),
        ({"starts": ("chance",)}, "--starts=chance is none of teacher, pretrained"),
    ],
)
def test_what_is_refused(keys: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong) as caught:
        tiny_search.space(**keys)
    assert "\n" not in str(caught.value)
