"""The page of a store: hostile texts, the points of the plots, the order and the tree of versions."""

import re

import pytest
from page_in_browser import Parsed
from test_model_diagram import NASTY, manifest
from test_page import BREAKOUT
from tiny import BRANCHES

from centrabert.export.page.metric_plot import Measured, metric_plot
from centrabert.export.page.store_page import ShownVersion, TaskHistory, store_page
from centrabert.export.page.version_tree import version_tree
from centrabert.merge.store.labels import REMOVE, Move
from centrabert.merge.store.version_record import Author, TaskEntry, Version

MOVES: dict[int, list[tuple[str, Move]]] = {}
ENTRY = TaskEntry({"branch.json": "1" * 64})


def version(number: int, parent: int | None, text: str = "", forced: bool = False) -> Version:
    author = Author(text or f"author{number}", f"2026-01-0{number}T00:00:00+00:00", text, forced)
    return Version("5" * 32, number, parent, author, f"update task{number}{text}", {"rte": ENTRY}, "", {})


def page(*versions: Version, labels: tuple[str, ...] = ()) -> str:
    shown = [ShownVersion(each, labels, f"proof of {each.number}") for each in versions]
    measured = tuple(Measured(each.number, 0.5 + each.number / 8, True) for each in versions)
    history = TaskHistory("rte", "accuracy", measured)
    return store_page("my store", shown, [history], versions[-1].number, manifest(BRANCHES), {}, MOVES)


def test_hostile_texts_make_no_elements() -> None:
    usual, hostile = Parsed(page(version(2, 1, "why"))), Parsed(page(version(2, 1, BREAKOUT + NASTY)))
    for tag in ("script", "style", "bdi", "td", "svg", "title", "a"):
        assert len(usual.of(tag)) == len(hostile.of(tag)), tag
    assert hostile.of("bdi") == [f"update task2{BREAKOUT}{NASTY}", *[BREAKOUT + NASTY] * 2]
    assert usual.of("script") == []
    html = page(version(2, 1, "why"))
    assert set(re.findall(r"\w+://[^\s'\"<]+", html)) <= {"http://www.w3.org/2000/svg"}
    assert not [name for name, _ in Parsed(html).attributes if name.startswith("on") or name == "src"]
    assert "prefers-color-scheme: dark" in html


def test_versions_stand_newest_first_with_their_parents() -> None:
    document = Parsed(page(version(3, 2), version(4, 3, forced=True), version(7, 4), labels=("stable",)))
    rows = [value for name, value in document.attributes if name == "id" and re.fullmatch(r"v\d", value)]
    assert rows == ["v7", "v4", "v3"]
    assert [value for name, value in document.attributes if name == "href"] == ["#v4", "#v3"]
    assert document.of("td", **{"class": "tree"}) == ["●"] * 3
    assert document.of("td", **{"class": "proof"}) == ["proof of 7", "proof of 4", "proof of 3"]
    assert document.of("td").count("2, removed") == 1
    assert document.of("bdi")[:2] == ["update task7", "author7"]
    assert document.of("span").count("stable") == 3
    assert document.of("span").count("over the owners") == 1


def test_moves_of_labels_stand_below_their_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who gave which label, and who removed it, when and why."""
    given, gone = (
        Author(name, f"2026-02-0{day}T00:00:00+00:00", "") for day, name in ((1, "ann"), (2, "bob"))
    )
    moves = [("canary", Move(3, given, f"promote{NASTY}")), ("canary", Move(None, gone, REMOVE))]
    monkeypatch.setitem(MOVES, 3, moves)
    monkeypatch.setitem(MOVES, 4, [("stable", Move(4, gone, "roll back"))])
    document = Parsed(page(version(3, None), version(4, 3)))
    assert document.of("td", **{"class": "tree"}) == ["●", "│", "●", " ", " "]
    what = [text.strip() for text in document.of("td")]
    assert [text for text in what if text in ("pointed here:", "removed from here:")] == [
        *["pointed here:"] * 2,
        "removed from here:",
    ]
    assert document.of("span") == ["stable", "canary", "canary"]
    bdi = document.of("bdi")
    times = [given.time, gone.time]
    assert [time for time in document.of("td", **{"class": "time"}) if time in times] == [times[1], *times]
    assert [text for text in bdi if text in ("ann", "bob")] == ["bob", "ann", "bob"]
    assert [text for text in bdi if text in ("roll back", f"promote{NASTY}", REMOVE)] == [
        *("roll back", f"promote{NASTY}", REMOVE),
    ]


def test_points_of_a_plot() -> None:
    """By hand: 340 pixels less margins of 52 and 12 are 276, 130 less 12 and 24 are 94."""
    rows = [(2, 0.5, True), (3, 0.5, False), (4, 0.75, True), (9, 0.25, True)]
    measured = [Measured(*row) for row in rows]
    plot = metric_plot(measured, [1, 2, 3, 4, 8, 9, 10])
    assert plot["path"] == "M98,59 L144,59 L190,12 M282,106"  # version 8 has no such task
    assert [(each["x"], each["y"]) for each in plot["points"]] == [(98, 59), (190, 12), (282, 106)]
    assert plot["ticks"] == [(12, "0.750"), (106, "0.250")]
    assert plot["ends"] == [(52, 1), (328, 10)]


def test_a_plot_of_one_version_lies_in_the_middle() -> None:
    plot = metric_plot([Measured(4, 0.5, True)], [4])
    assert (plot["path"], plot["ends"]) == ("M52,59", [(52, 4)])
    assert plot["ticks"] == [(12, "0.550"), (106, "0.450")]


def test_the_page_draws_the_points() -> None:
    html = page(version(1, None), version(2, 1))
    assert '<path d="M52,106 L328,12"/>' in html
    assert re.findall(r'<circle cx="(\S+)" cy="(\S+)" r="3.5">', html) == [("52", "106"), ("328", "12")]
    assert "rte: accuracy 0.7500 in version 2" in Parsed(html).of("figcaption")


def test_columns_of_a_tree() -> None:
    """Versions 2 and 3 are made of 1, 4 of 2, 5 of one that was removed."""
    assert version_tree({1: None, 2: 1, 3: 1, 4: 2, 5: 0}) == {
        5: "●",
        4: "●",
        3: "│ ●",
        2: "● │",
        1: "●",
    }
