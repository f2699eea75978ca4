"""What builds a graph is known by its code: a mended graph reaches a store that has the old one."""

from pathlib import Path

import centrabert
from centrabert.export.graph.saved_model import GRAPH_CODE, code_digest, graph_builder


def test_every_file_of_the_code_counts(tmp_path: Path) -> None:
    room = tmp_path / "graph"
    room.mkdir()
    (room / "a.py").write_text("A = 1")
    before = code_digest([room])
    (room / "notes.txt").write_text("no code")
    assert code_digest([room]) == before
    (room / "a.py").write_text("A = 2")
    changed = code_digest([room])
    (room / "b.py").write_text("")
    assert len({before, changed, code_digest([room])}) == 3


def test_the_rooms_are_there() -> None:
    package = Path(centrabert.__file__).parent
    assert all(len(list((package / room).glob("*.py"))) > 3 for room in GRAPH_CODE)
    assert code_digest([package / room for room in GRAPH_CODE]) in graph_builder()
