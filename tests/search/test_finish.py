"""The merged model of a search: an interruption at any moment leaves a whole one, the earlier or the new."""

from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_search
from instant_pool import InstantPool

from centrabert.errors import UserError
from centrabert.search import finish
from centrabert.search.finish import Rule, selectable
from centrabert.search.progress import Lines
from centrabert.search.search_loop import Search, finished_jobs


@pytest.fixture
def search(tmp_path: Path) -> Search:
    """A finished search with an earlier merged model."""
    search = Search(tiny_search.space(tasks=("rte",)), tmp_path, tiny_search.COST, cores=1)
    with (tmp_path / "shown").open("w") as out:
        search.run(InstantPool(search.jobs_dir), Lines(out))
    (tmp_path / "merged").mkdir()
    (tmp_path / "merged" / "model").write_text("earlier")
    return search


def model(search: Search) -> str:
    """Of the merged model; nothing of the merge is left beside it."""
    assert not list(search.output_dir.glob(".*"))
    assert not [path for path in search.output_dir.iterdir() if path.name.startswith("merged.")]
    return (search.output_dir / "merged" / "model").read_text()


def merge_with(search: Search, monkeypatch: pytest.MonkeyPatch, end: Callable[[], int] = lambda: 0) -> None:
    """Merges what was selected; `end` is called when the new model is whole, and is the exit code."""

    def run(command: list[str]) -> object:
        folder = Path(command[-1].removeprefix("--output_dir="))
        folder.mkdir()
        (folder / "model").write_text("new")
        return type("Ended", (), {"returncode": end()})

    monkeypatch.setattr(finish.subprocess, "run", run)
    jobs = finished_jobs(search.space, search.jobs_dir)
    selection = Rule().select(selectable(jobs, search.space, search.dev_rows))
    finish.finish(jobs, search.space, search.output_dir, selection, merge=True)


def interrupt() -> int:
    raise KeyboardInterrupt


def test_the_new_model_takes_the_place_of_the_earlier(
    search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    merge_with(search, monkeypatch)
    assert model(search) == "new"


def test_an_interrupted_merge_leaves_the_earlier_model(
    search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeyboardInterrupt):
        merge_with(search, monkeypatch, interrupt)
    assert model(search) == "earlier"


def test_a_merge_that_fails_leaves_the_earlier_model(search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="merged: merging failed"):
        merge_with(search, monkeypatch, lambda: 1)
    assert model(search) == "earlier"


@pytest.mark.parametrize("killed", [False, True], ids=["interrupted", "killed"])
def test_a_stop_between_two_renames_leaves_a_model(
    killed: bool, search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is killed does not tidy up; the next merge does."""
    rename, settle = Path.rename, finish._settle

    def stop_at_the_new(path: Path, target: Path) -> Path:
        if path.name == "new":
            monkeypatch.setattr(finish, "_settle", (lambda *given: None) if killed else settle)
            raise KeyboardInterrupt
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", stop_at_the_new)
        with pytest.raises(KeyboardInterrupt):
            merge_with(search, monkeypatch)
    monkeypatch.setattr(finish, "_settle", settle)
    if killed:
        with pytest.raises(KeyboardInterrupt):
            merge_with(search, monkeypatch, interrupt)
    assert model(search) == "earlier"


def test_what_an_earlier_selection_chose_is_told_where_it_was_another(
    search: Search, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], warnings: list[str]
) -> None:
    jobs = finished_jobs(search.space, search.jobs_dir)
    candidates = selectable(jobs, search.space, search.dev_rows)

    def printed(rule: Rule) -> str:
        finish.finish(jobs, search.space, search.output_dir, rule.select(candidates), merge=False)
        return capsys.readouterr().out.splitlines()[1]

    assert "before" not in printed(Rule(budget_layers=99))
    assert "before" not in printed(Rule(budget_layers=99))
    largest = "rte    teacher  1 shared + 5 own layers"
    assert printed(Rule(threshold=90.0)).endswith(", before: teacher  1 shared + 5 own layers")
    (search.output_dir / "selection.json").write_text("{}")
    assert printed(Rule(budget_layers=99)).startswith(largest)
    assert "selection.json: " in warnings[0]
