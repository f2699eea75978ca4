"""run_select: other rules, budgets and weights over what a search has trained; costs in memory and time."""

import json
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
import tiny
import tiny_search
from instant_pool import InstantPool
from tiny_config import CONFIG

from centrabert import command
from centrabert.merge.plan import MergePlan
from centrabert.modeling.branch import Branch
from centrabert.modeling.task import TaskSpec
from centrabert.search import run_select
from centrabert.search.progress import Lines
from centrabert.search.search_loop import Search
from centrabert.search.selection import latency_cost
from centrabert.search.selection.candidate import BranchCandidate
from centrabert.search.selection.latency_cost import ServingTime
from centrabert.search.selection.selection import read_selection
from centrabert.search.selection.serving_cost import memory_cost
from centrabert.search.strategy.search_space import EXHAUSTIVE, read_space, write_space

SPACE = tiny_search.space(strategy=EXHAUSTIVE, seeds=(0, 1))
TASKS = {
    "rte": TaskSpec("rte", "classification", ("0", "1"), True, "accuracy", 16),
    "cola": TaskSpec("cola", "classification", ("0", "1"), False, "matthews", 16, pooling="mean"),
}


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a whole search."""
    folder = tmp_path_factory.mktemp("search")
    search = Search(SPACE, folder, tiny_search.COST, cores=1)
    with (folder / "shown").open("w") as out:
        search.run(InstantPool(search.jobs_dir), Lines(out))
    write_space(SPACE, folder)
    return folder


@pytest.fixture
def select(searched: Path) -> Callable[..., int]:
    """run_select with these flags; there are no data to be read."""

    def run(**flags: object) -> int:
        given = [f"--{name}={value}" for name, value in {"search_dirs": searched, **flags}.items()]
        return command.status(run_select.main, run_select.FLAGS, ["run_select.py", *given])

    return run


def test_a_budget_of_layers_buys_the_best_that_fits(select: Callable[..., int], searched: Path) -> None:
    assert select(rule="optimum", budget=3) == 0
    chosen = read_selection(searched)
    assert (chosen.rule, chosen.parameters) == ("optimum", {"budget": 3.0, "unit": "layers"})
    assert chosen.layers == 3
    assert select(rule="optimum", budget=7) == 0
    assert read_selection(searched).mean_quality > chosen.mean_quality
    assert "It weighed" not in (searched / "report.html").read_text()


def test_weights_move_a_budget_to_the_task_that_counts(select: Callable[..., int], searched: Path) -> None:
    def layers(weights: str) -> dict[str, int]:
        assert select(rule="optimum", budget=5, task_weights=weights) == 0
        return {candidate.task: candidate.tuned for candidate in read_selection(searched).chosen}

    rte, cola = layers("rte:9,cola:1"), layers("rte:1,cola:9")
    assert rte["rte"] > cola["rte"] and cola["cola"] > rte["cola"]


def test_one_standard_error_takes_no_more_than_the_best(select: Callable[..., int], searched: Path) -> None:
    assert select(rule="one_standard_error") == 0
    assert all(
        candidate.tuned == 1 for candidate in read_selection(searched).chosen
    )  # 10 rows of dev tell nothing


def test_searches_of_different_tasks_are_selected_among_together(
    select: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = []
    for task in ("rte", "cola"):
        space = replace(SPACE, tasks=(task,))
        folders.append(tmp_path / task)
        search = Search(space, folders[-1], tiny_search.COST, cores=1)
        search.run(InstantPool(search.jobs_dir), Lines(StringIO()))
        write_space(space, folders[-1])
    both = ",".join(map(str, folders))
    assert select(search_dirs=both, output_dir=tmp_path / "both", rule="optimum", budget=7) == 0
    chosen = read_selection(tmp_path / "both")
    assert [candidate.task for candidate in chosen.chosen] == ["cola", "rte"]
    assert all(str(tmp_path / candidate.task) in candidate.folder for candidate in chosen.chosen)
    assert select(search_dirs=both) == 1
    assert "several --search_dirs want an --output_dir" in capsys.readouterr().err
    assert select(search_dirs=f"{folders[0]},{folders[0]}", output_dir=tmp_path / "twice") == 1
    assert "task rte is in two of --search_dirs" in capsys.readouterr().err
    write_space(replace(SPACE, tasks=("cola",), bert_dir="other"), folders[1])
    assert select(search_dirs=both, output_dir=tmp_path / "others") == 1
    assert "cola: is of another BERT, other, than " in capsys.readouterr().err


def test_results_that_do_not_say_their_rows_need_the_data(
    select: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As those of an earlier version."""
    (tmp_path / "glue" / "RTE").mkdir(parents=True)
    space = replace(SPACE, tasks=("rte",), data_root=str(tmp_path / "glue"))
    search = Search(space, tmp_path, tiny_search.COST, cores=1)
    search.run(InstantPool(search.jobs_dir), Lines(StringIO()))
    write_space(space, tmp_path)
    for file in search.jobs_dir.glob("*/result.json"):
        keys = json.loads(file.read_text())
        file.write_text(json.dumps({**keys, "dev_rows": None}))
    assert select(search_dirs=tmp_path) == 1
    assert "RTE" in capsys.readouterr().err
    assert not (tmp_path / "selection.json").exists()
    row = "{}\tone\ttwo\tentailment\n"
    text = "index\tsentence1\tsentence2\tlabel\n" + "".join(map(row.format, range(10)))
    (tmp_path / "glue" / "RTE" / "dev.tsv").write_text(text)
    assert select(search_dirs=tmp_path) == 0
    assert read_selection(tmp_path).chosen[0].standard_error > 5  # 10 rows tell little


@pytest.mark.parametrize(
    ("flags", "wrong"),
    [
        ({"rule": "optimum"}, "--budget goes with --rule=optimum, and --rule=optimum with a --budget"),
        ({"budget": 3}, "--budget goes with --rule=optimum"),
        ({"unit": "megabytes"}, "--unit=megabytes: marginal_benefit counts layers"),
        ({"rule": "optimum", "budget": 1}, "budget 1 layers: the cheapest choice costs "),
        ({"task_weights": "rte"}, "--task_weights=rte is not of the form rte:2,mrpc:1"),
        ({"task_weights": "rte:1"}, "the weights are not those of the tasks cola, rte: see ['cola']"),
        (
            {"search_dirs": "/nowhere"},
            "/nowhere/space.json: no such file; give the --output_dir of run_search",
        ),
    ],
)
def test_mistakes(
    select: Callable[..., int], flags: dict[str, object], wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert select(**flags) == 1
    assert wrong in capsys.readouterr().err
    assert not Path("/nowhere").exists()


def test_a_space_comes_back(tmp_path: Path) -> None:
    write_space(SPACE, tmp_path)
    assert read_space(tmp_path) == SPACE
    file = tmp_path / "space.json"
    keys = json.loads(file.read_text())
    file.write_text(json.dumps({**keys, "seeds": [1, 1]}))
    with pytest.raises(ValueError, match=r"space\.json: --seeds names 1 twice"):
        read_space(tmp_path)
    del keys["tasks"]
    file.write_text(json.dumps(keys))
    with pytest.raises(ValueError, match=r"space\.json: missing keys: 'tasks'"):
        read_space(tmp_path)


def candidate(task: str, frozen: int, tuned: int) -> BranchCandidate:
    return BranchCandidate(task, frozen, tuned, "student", 50.0, 0.0, 1, "folder")


def test_memory_is_that_of_the_merged_models_variables() -> None:
    """Against the plan of a merge, which counts for itself."""
    candidates = [candidate("rte", 1, 2), candidate("cola", 2, 1)]
    branches = [Branch(TASKS[each.task], each.frozen, each.tuned) for each in candidates]
    plan = MergePlan(CONFIG, tuple(sorted(branches, key=lambda branch: branch.task.name)))
    assert memory_cost(CONFIG, TASKS).total(candidates) == pytest.approx(4e-6 * plan.parameters)


def test_time_is_the_trunk_once_and_every_branch() -> None:
    cost = ServingTime(embedding=0.5, layer=3.0, last_layer=1.0).cost(TASKS)
    both = [candidate("rte", 1, 2), candidate("cola", 2, 1)]
    assert cost.total(both) == (0.5 + 2 * 3.0) + (3.0 + 1.0) + 3.0
    assert cost.unit == "milliseconds"


def test_layers_are_told_apart_by_what_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each graph is run; the clock says 1 for the embeddings, 10 with all layers, 3 with one of [CLS]."""
    shown = iter([1.0, 10.0, 3.0] * (latency_cost.WARM_UP + latency_cost.ROUNDS))

    def clock(run: Callable[[], object]) -> float:
        run()
        return next(shown)

    monkeypatch.setattr(latency_cost, "_milliseconds", clock)
    config = tiny.CONFIG
    found = latency_cost.measure(config)
    assert found == ServingTime(1.0, 9.0 / config.num_hidden_layers, 2.0)
