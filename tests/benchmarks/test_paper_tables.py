"""The schedule and the page of the paper's tables, from results that are made up."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.paper.page import page
from benchmarks.paper.results import Result, Results, Setup
from benchmarks.paper.schedule import STUDENTS, TASKS, WHOLE, Choices, Schedule
from benchmarks.paper.training import Training
from centrabert.errors import UserError

LAYERS = 12
SETUP = Setup("e5", LAYERS, embedding_parameters=100, layer_parameters=10, pooling="mean", data={"rte": "a"})


def trained(results: Results, training: Training, dev: float) -> None:
    """A layer of a model's own has ten parameters; what owns the embeddings too has theirs besides."""
    tuned = training.student_layers or training.layers
    results.add(
        training,
        Result.of(
            training,
            frozen=LAYERS - training.layers if training.frozen else 0,
            tuned=tuned,
            parameters=5 if training.row == "adapters" else 10 * tuned + 100 * (not training.frozen),
            metric="accuracy",
            dev=dev,
            cpu_seconds=3600.0,
            date="2026-11-29",
            bfloat16=training.row == "full",
        ),
    )


def everything(file: Path, rows: tuple[str, ...], tasks: tuple[str, ...] = ("rte", "cola")) -> Results:
    """Trains in the order of the schedule. Better are: rate 1e-4 of full fine-tuning and 2e-4 of others,
    L = 8, more of a student's layers."""
    results, schedule = Results.of_setup(file, SETUP), Schedule(LAYERS, tasks, rows)
    while training := schedule.next(results):
        better = 0.01 * (training.learning_rate == (1e-4 if training.row == "full" else 2e-4))
        layers = 0.005 * (training.student_layers or (4 if training.layers == 8 else 2))
        trained(results, training, 0.5 + better + layers)
    return results


def test_choices_are_made_of_what_is_finished(tmp_path: Path) -> None:
    results = everything(tmp_path / "results.json", ("full_rates", "partial", "teachers", "kd"))
    schedule = Schedule(LAYERS, ("rte", "cola"), ())
    best = schedule.best_full("rte", results)
    assert best and best.learning_rate == 1e-4
    teacher = schedule.teacher("cola", results)
    assert teacher and (teacher.layers, teacher.learning_rate) == (8, 2e-4)
    students = schedule.students("cola", results)
    assert [each.student_layers for each in students] == list(STUDENTS)
    assert {each.teacher for each in students} == {teacher}
    assert all(results.of(each) for each in students)


def test_what_waits_for_a_choice_is_not_trained(tmp_path: Path) -> None:
    """Students without a teacher, teachers without a learning rate."""
    for rows in (("kd",), ("teachers",), ("pretrained",)):
        assert not list(Schedule(LAYERS, ("rte",), rows).wanted(Results(tmp_path / "none.json", SETUP)))


def test_what_waits_for_a_choice_is_named(tmp_path: Path) -> None:
    results = everything(tmp_path / "results.json", ("partial", "teachers"), ("rte",))
    schedule = Schedule(LAYERS, ("rte", "cola"), ("partial", "teachers", "kd", "mt_dnn"))
    waiting = ["teachers of cola", "kd of cola", "mt_dnn of rte", "mt_dnn of cola"]
    assert schedule.waiting(results) == waiting


def test_what_was_rounded_is_said(tmp_path: Path) -> None:
    results = everything(tmp_path / "results.json", ("full", "partial"), ("rte",))
    rounded = sum(name.startswith("rte/full") for name in results.found)
    assert 0 < rounded < len(results.found)
    said = f"{rounded} of {len(results.found)} trainings multiplied in bfloat16"
    assert said in page(Results.read(results.file))


def test_the_results_are_read_back(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    results = everything(file, ("full", "partial"))
    assert Results.read(file).found == results.found
    assert len(results.found) == 2 * 3  # tasks; a full one, a branch at each of two rates


def test_another_seed_is_another_training_of_the_same_cell(tmp_path: Path) -> None:
    results = everything(tmp_path / "results.json", ("full",))
    more = Schedule(LAYERS, ("rte",), ("full",), seeds=(0, 1)).next(results)
    assert more and more.seed == 1
    trained(results, more, 0.6)
    assert more.name != more.with_seed(0).name


def test_students_of_several_teachers_and_of_unlabelled_texts(tmp_path: Path) -> None:
    rows = ("last_layer_kd", "last_layer_kd_seeds", "last_layer_kd_texts")
    results = everything(tmp_path / "results.json", ("partial", "teachers"), ("rte",))
    wanted = list(Schedule(LAYERS, ("rte",), rows).wanted(results))
    assert len({each.name for each in wanted}) == len(wanted) == 11
    assert [(each.row, each.seed) for each in wanted[3:5]] == [("partial", 1), ("partial", 2)]
    plain, several, texts = wanted[:3], wanted[5:8], wanted[8:]
    assert plain[0].name.endswith("_of_lr0.0002_seed0") and several[0].name.endswith("_of3_lr0.0002_seed0")
    assert [each.seed for each in several[0].other_teachers] == [1, 2]
    assert not plain[0].other_teachers and not texts[0].other_teachers
    assert [each.unlabelled for each in (plain[0], several[0], texts[0])] == [False, False, True]
    for each in (plain[0], several[0]):
        trained(results, each, 0.5)
    lines = page(results).split("## Table 2")[1].splitlines()
    hours = {line.split(" | ")[0]: line.split(" | ")[-1] for line in lines}
    assert hours["| last_layer_kd-1"] == "2.00 |"  # an hour of its own, and one of its teacher's
    assert hours["| last_layer_kd_seeds-1"] == "4.00 |"


@pytest.fixture
def table2(tmp_path: Path) -> dict[str, list[str]]:
    """The cells of Table 2 by the name of the row."""
    rows = ("full_rates", "partial", "teachers", "kd", "lora", "adapters", "kd_whole")
    results = everything(tmp_path / "results.json", rows)
    text = page(results).split("## Table 2")[1].split("## ")[0]
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if "|" in line
    ]
    return {row[0]: row[1:] for row in cells}


def test_table_2_by_hand(table2: dict[str, list[str]]) -> None:
    """Quality: the better rate adds 1, a student's layer 0.5. Two teachers of 8 layers leave a trunk of 4.

    Parameters: 220 of a whole model, 140 of the trunk, 220 of that of adapters.
    """
    header = ["rte", "cola", "average", "kept", "layers", "overhead", "parameters", "CPU hours"]
    assert table2["model"] == header
    full = ["52.0", "52.0", "52.0", "100.0%", "24", "100.0%", "100.0%", "2.00"]
    assert table2["full fine-tuning"] == full
    assert table2["without KD"] == ["53.0", "53.0", "53.0", "101.9%", "20", "83.3%", "68.2%", "2.00"]
    assert table2["KD-1"] == ["51.5", "51.5", "51.5", "99.0%", "6", "25.0%", "36.4%", "4.00"]
    assert table2["KD-3"] == ["52.5", "52.5", "52.5", "101.0%", "10", "41.7%", "45.5%", "4.00"]
    assert table2["kd_whole-6"][-4:-1] == ["12", "50.0%", "72.7%"]
    assert table2["lora"][-4:-1] == table2["without KD"][-4:-1]
    assert table2["adapters"][-4:-1] == ["24", "100.0%", "52.3%"]
    # 33 of 96 layers are 8 of 24: the trunk of 4, and 4 layers for the two tasks.
    assert table2["mixed"][2:7] == ["52.0", "100.0%", "8", "33.3%", "40.9%"]


def test_joint_models_share_all_layers_and_wait_for_a_rate(tmp_path: Path) -> None:
    """The rate is the one that most tasks prefer: 1e-4, as `everything` makes it up."""
    joint, file = ("mt_dnn", "mt_dnn_loo"), tmp_path / "results.json"
    results = everything(file, ("full_rates", "partial", *joint))
    assert not any(each.row in joint for each in results.found.values())
    results = everything(file, ("full_rates",), WHOLE)
    results = everything(file, joint)
    rates = {each.row: (each.learning_rate, each.name) for each in results.found.values()}
    assert rates["mt_dnn"] == (1e-4, "mt_dnn_L0_lr0.0001_ep5_seed0")
    assert rates["mt_dnn_loo"] == (1e-3, "mt_dnn_loo_L0_joint_rate=0.0001_lr0.001_ep5_seed0")
    everything(file, joint, WHOLE)
    lines = [line for line in page(Results.read(file)).splitlines() if line.startswith("| mt_dnn")]
    assert [line.split("|")[-6:-3] for line in lines] == [[" 98.1% ", " 12 ", " 25.0% "]] * 2


def test_a_single_task_shares_nothing(tmp_path: Path) -> None:
    """A third of its layers is less than a trunk of six with a student: there is no mixed model."""
    results = everything(tmp_path / "results.json", ("full_rates", "partial", "teachers", "kd"), ("rte",))
    lines = page(results).splitlines()
    assert any(line.startswith("| KD-1 |") for line in lines)
    assert not any(line.startswith("| mixed |") for line in lines)


def test_a_model_that_lacks_a_task_has_no_average(tmp_path: Path) -> None:
    results = everything(tmp_path / "results.json", ("full_rates",))
    everything(tmp_path / "results.json", ("partial", "teachers"), ("rte",))
    text = page(Results.read(results.file))
    line = next(line for line in text.splitlines() if line.startswith("| without KD"))
    assert line == "| without KD | 53.0 |  |  |  |  |  |  | 1.00 |"


def test_the_page_chooses_among_what_has_ended(tmp_path: Path) -> None:
    """Rates of sampled tasks that the schedule would not ask for, and students of a teacher that another
    beats since."""
    results = Results(tmp_path / "results.json", SETUP)
    for task, epochs, rate, dev in (
        ("rte", 5.0, 5e-5, 0.6),
        ("mnli", 3.0, 5e-5, 0.5),
        ("mnli", 3.0, 1e-4, 0.7),
        ("qqp", 3.0, 1e-4, 0.8),
    ):
        trained(results, Training(task, "full", LAYERS, rate, epochs), dev)
    assert "| full | 60.0 | 70.0 | 80.0 |" in page(results)
    assert Schedule(LAYERS, ("rte",), ()).best_full("rte", results) is None
    teacher = Training("rte", "partial", 6, 2e-4, 5.0)
    student = replace(teacher, row="kd", student_layers=2, method="vanilla_kd", teacher=teacher)
    for training, dev in ((teacher, 0.55), (student, 0.54), (replace(teacher, layers=8), 0.56)):
        trained(results, training, dev)
    lines = page(results).splitlines()
    assert any(line.startswith("| without KD | 56.0 |") for line in lines)
    assert any(line.startswith("| KD-2 | 54.0 |") for line in lines)


def test_a_page_needs_no_flags(tmp_path: Path) -> None:
    """What was chosen among is read from the results: those of a few rates and one L are all there."""
    choices = Choices((1e-4,), (2e-4,), (6,), (1, 2))
    results = Results(tmp_path / "results.json", SETUP)
    schedule = Schedule(LAYERS, ("rte", "cola"), ("full_rates", "partial", "teachers", "kd"), choices=choices)
    while training := schedule.next(results):
        trained(results, training, 0.5 + 0.01 * training.student_layers)
    tables = page(Results.read(results.file))
    assert "| KD-1 | 51.0 | 51.0 |" in tables
    assert "| mixed | 51.0 | 51.0 | 51.0 | 102.0% | 8 |" in tables
    appendix_d = tables.split("## Appendix D")[1]
    assert "| 1 | 2 | 2 | 52.0 | 104.0% | 10 | 41.7% |" in appendix_d  # a layer brings one point
    assert "| 2 | 1 | 1 | 51.0 | 102.0% | 8 | 33.3% |" in appendix_d


def test_seeds_count_by_their_mean(tmp_path: Path) -> None:
    """A rate with one good seed is not better than one that is good on average; any seed will do."""
    results = Results(tmp_path / "results.json", SETUP)
    low, high = (Training("rte", "full", LAYERS, rate, 5.0) for rate in (5e-5, 1e-4))
    for training, seed, dev in ((low, 1, 0.64), (high, 1, 0.60), (high, 2, 0.70)):
        trained(results, training.with_seed(seed), dev)
    best = Schedule(LAYERS, ("rte",), (), choices=Choices((5e-5, 1e-4))).best_full("rte", results)
    assert best == high
    assert "| full | 65.0 ± 7.1 |" in page(results)


def test_results_of_another_encoder_or_other_rows_are_refused(tmp_path: Path) -> None:
    results = everything(tmp_path / "results.json", ("full",), ("rte",))
    for other in (
        replace(SETUP, encoder="other"),
        replace(SETUP, pooling="cls"),
        replace(SETUP, data={"rte": "b"}),
    ):
        with pytest.raises(UserError, match="give another --results"):
            Results.of_setup(results.file, other)
    more = Results.of_setup(results.file, replace(SETUP, data={"cola": "c"}))
    assert more.setup.data == {"rte": "a", "cola": "c"}
    assert more.found == results.found


@pytest.mark.parametrize("text", ["[]", "{", '{"setup": {}, "results": []}'])
def test_a_damaged_file_is_told(tmp_path: Path, text: str) -> None:
    file = tmp_path / "results.json"
    file.write_text(text)
    with pytest.raises(UserError, match=str(file)):
        Results.read(file)


def test_unknown_seconds_are_left_out(tmp_path: Path) -> None:
    results = everything(tmp_path / "results.json", ("full",), ("rte", "cola"))
    assert "| full fine-tuning | 51.0 | 51.0 |" in page(results)
    assert page(results).count("| 2.00 |") == 1
    key = next(key for key in results.found if key.startswith("rte/"))
    results.found[key] = replace(results.found[key], cpu_seconds=None)
    assert "| 2.00 |" not in page(results)


def test_all_that_is_left_is_counted(tmp_path: Path) -> None:
    """What waits for a choice too: three rates and two, four teachers, three students, a head."""
    results = Results(tmp_path / "results.json", SETUP)
    rows = ("full_rates", "partial", "teachers", "kd", "mt_dnn")
    left = Schedule(LAYERS, WHOLE, rows).left(results)
    assert len(left) == len({each.key for each in left}) == len(WHOLE) * (3 + 2 + 3 + 3 + 1)
    assert not results.found


def test_all_tasks_are_columns_of_one_joint_training(tmp_path: Path) -> None:
    results = everything(tmp_path / "results.json", ("full_rates",), TASKS)
    results = everything(results.file, ("mt_dnn",), TASKS)
    joint = [each for each in results.found.values() if each.row == "mt_dnn"]
    assert {each.name for each in joint} == {"mt_dnn_L0_lr0.0001_ep5_seed0"}
    assert {each.task for each in joint} == set(TASKS)
