"""centrabert collect-texts: texts without labels, of the rows of several tasks."""

from pathlib import Path
from typing import Any

import pytest

from centrabert import command
from centrabert.glue_data import run_collect_texts
from centrabert.glue_data.collected_texts import collected_texts
from centrabert.glue_data.readers.unlabelled_texts import read_unlabelled
from centrabert.glue_data.task_data import Examples

OWN = Examples(("a", "b", "c", "d"), ("1", "2", "3", "3"))
TRAINED = Examples(("a", "c"), ("1", "3"))
PAIRS = Examples(("x", "b", "a"), ("y", "2", "1"))
NONE = Examples((), ())
SINGLE = Examples(("s", "x", "s"), ("", "", ""))


def test_the_rows_beyond_those_trained_on_come_first() -> None:
    lines = collected_texts(OWN, TRAINED, [], [PAIRS, SINGLE], pair=True, most=10)
    assert sorted(lines[:2]) == ["b\t2", "d\t3"]
    assert lines[2:] == ["x\ty"]  # the pair b, 2 is the task's own, and a, 1 has a label
    assert collected_texts(OWN, TRAINED, [], [PAIRS], pair=True, most=2) == lines[:2]


def test_a_task_of_single_texts_reads_both_of_a_pair() -> None:
    trained = Examples(("s",), ("",))
    lines = collected_texts(SINGLE, trained, [], [OWN, PAIRS], pair=False, most=None)
    assert lines[0] == "x"
    assert sorted(lines[1:]) == ["1", "2", "3", "a", "b", "c", "d", "y"]


def test_nobody_studies_what_is_evaluated() -> None:
    dev = Examples(("y", "z"), ("", ""))
    lines = ["1", "2", "a", "b"]
    assert sorted(collected_texts(SINGLE, SINGLE, [dev], [PAIRS], False, None)) == lines
    assert sorted(collected_texts(SINGLE, SINGLE, [dev], [PAIRS], False, 4)) == lines
    written = Examples(("It 's late .", "One, two"), ("So it is.", "three"))
    dev = Examples(("so it is .", "One", "three"), ("It's late.", "two, three", "Two ,one"))
    assert collected_texts(written, NONE, [dev], [], pair=True, most=None) == ["One, two\tthree"]
    assert collected_texts(written, NONE, [dev], [], pair=False, most=None) == ["One, two"]


def test_a_text_stays_on_one_line() -> None:
    rows = Examples(("one\ttwo\r\nthree", " \n"), ("four ", "five"))
    assert collected_texts(rows, NONE, [], [], pair=True, most=None) == ["one two three\tfour "]
    assert sorted(collected_texts(rows, NONE, [], [], pair=False, most=None)) == [
        "five",
        "four ",
        "one two three",
    ]


def test_a_sample_is_the_same_every_time_and_not_the_first() -> None:
    many = Examples(tuple(f"text {row:03}" for row in range(200)), ("",) * 200)
    sample = collected_texts(many, NONE, [], [], pair=False, most=20)
    assert sample == collected_texts(many, NONE, [], [], pair=False, most=20)
    assert len(set(sample)) == 20
    assert max(sample) > "text 100"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "pairs.csv").write_text("text,other,label\na,b,x\nc,d,y\n")
    (tmp_path / "mood.csv").write_text("text,label\ns,x\nt,y\nu,x\n")
    (tmp_path / "dev.csv").write_text("text,label\nb,x\n")
    (tmp_path / "test.csv").write_text("text\nc\n")
    (tmp_path / "tasks.yaml").write_text(
        "tasks:\n  mood: {train: mood.csv, dev: dev.csv, test: test.csv}\n"
        "  twins: {train: pairs.csv, dev: pairs.csv, text_b: other}\n"
    )
    return tmp_path


def collect(root: Path, **flags: Any) -> int:
    given = {"task_config": root / "tasks.yaml", "output_dir": root / "texts", **flags}
    argv = [f"--{name}={value}" for name, value in given.items()]
    return command.status(run_collect_texts.main, run_collect_texts.FLAGS, ["collect-texts", *argv])


def test_a_task_gets_the_texts_of_the_others_but_those_it_is_judged_on(root: Path) -> None:
    assert collect(root) == 0
    texts, _ = read_unlabelled(root / "texts" / "mood.tsv", pair=False)
    assert sorted(texts) == ["a", "d"]
    assert not (root / "texts" / "twins.tsv").exists()  # nobody else has pairs


def test_its_own_rows_beyond_those_trained_on_come_first(root: Path) -> None:
    assert collect(root, max_train_rows=1, max_texts=3) == 0
    texts, _ = read_unlabelled(root / "texts" / "mood.tsv", pair=False)
    assert len(texts) == 3 and set(texts[:2]) < {"s", "t", "u"} and set(texts[2:]) < {"a", "d"}


def test_no_text_that_somebody_added_is_lost(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "texts").mkdir()
    file = root / "texts" / "twins.tsv"
    file.write_text("my own\tpair\n")
    assert collect(root) == 1
    assert f"{file}: is there already; remove it, or give another --output_dir" in capsys.readouterr().err
    assert file.read_text() == "my own\tpair\n" and len(list(file.parent.iterdir())) == 1


def test_nothing_to_collect_is_a_mistake(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert collect(root, tasks="twins") == 1
    assert (
        "tasks twins: none has a text for another; name more tasks, or give --max_train_rows"
        in capsys.readouterr().err
    )
    assert not (root / "texts").exists()
