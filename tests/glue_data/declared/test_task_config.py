"""tasks.yaml: what it declares, and one line with file, line and key for every mistake."""

import re
from pathlib import Path

import pytest

from centrabert.errors import UserError
from centrabert.glue_data.declared.declaration import Declaration
from centrabert.glue_data.declared.task_config import read_task_config
from centrabert.glue_data.declared_task import DeclaredTask
from centrabert.glue_data.task_lookup import find_task, task_names


def config(folder: Path, content: str) -> Path:
    path = folder / "tasks.yaml"
    path.write_text(content)
    return path


def task(keys: str) -> str:
    """A file of one task; `keys` begin on line 3."""
    return "tasks:\n  mood:\n" + "".join(f"    {line}\n" for line in keys.splitlines())


def test_every_key(tmp_path: Path) -> None:
    keys = (
        "kind: classification\ntrain: train.csv\ndev: /abs/dev.csv.gz\ntest: sub/test.jsonl\nformat: csv\n"
        "text: '#1 String'\ntext_b: b\nlabel: no\nlabels: [yes, no, 1.0, null, a/b c]\nmetric: accuracy\n"
        "max_seq_length: 64\nclass_weights: {no: 2, 'yes': 0.5}\nlabel_smoothing: 0.1\n"
    )
    assert read_task_config(config(tmp_path, task(keys))) == {
        "mood": Declaration(
            name="mood",
            kind="classification",
            train=tmp_path / "train.csv",
            dev=Path("/abs/dev.csv.gz"),
            test=tmp_path / "sub/test.jsonl",
            format="csv",
            text="#1 String",
            text_b="b",
            label="no",
            labels=("yes", "no", "1.0", "null", "a/b c"),
            metric="accuracy",
            max_seq_length=64,
            class_weights=("no:2.0", "yes:0.5"),
            label_smoothing=0.1,
        )
    }


def test_several_tasks_one_of_them_glues(tmp_path: Path) -> None:
    text = "tasks:\n  rte: {data: glue/RTE}\n  mood: {train: t.tsv, dev: d.tsv, class_weights: balanced}\n"
    path = config(tmp_path, text)
    assert task_names(path) == ("rte", "mood")
    assert find_task("rte", data_root=path) == find_task("rte", data_dir=tmp_path / "glue/RTE")
    mood = find_task("mood", data_root=path)
    assert mood == find_task("mood", data_dir=path)
    assert isinstance(mood, DeclaredTask) and mood.declaration.class_weights == ("balanced",)
    assert mood.splits == {"train": tmp_path / "t.tsv", "dev": tmp_path / "d.tsv"}
    with pytest.raises(UserError, match="there is no task 'sst2'; the tasks are rte, mood"):
        find_task("sst2", data_root=path)


def test_how_a_task_of_glue_is_trained_may_be_declared(tmp_path: Path) -> None:
    """So a bundle of tasks has one length; what is declared decides a run, as it does of any task."""
    keys = "max_seq_length: 64, class_weights: {entailment: 2, not_entailment: 1}, label_smoothing: 0.1"
    rte = find_task("rte", data_root=config(tmp_path, f"tasks:\n  rte: {{data: RTE, {keys}}}\n"))
    plain = find_task("rte", data_dir=tmp_path / "RTE")
    assert (rte.splits, rte.labels, rte.metrics) == (plain.splits, plain.labels, plain.metrics)
    assert (rte.max_seq_length, rte.label_smoothing) == (64, 0.1)
    assert rte.class_weights == ("entailment:2.0", "not_entailment:1.0")
    assert rte.declared == '[["entailment:2.0", "not_entailment:1.0"], 0.1]'
    longer = find_task("rte", data_root=config(tmp_path, "tasks:\n  rte: {data: RTE, max_seq_length: 99}\n"))
    assert (longer.max_seq_length, longer.declared) == (99, "")
    own = find_task("rte", data_root=config(tmp_path, "tasks:\n  rte: {data: RTE, label: y}\n"))
    assert isinstance(own, DeclaredTask) and own.declaration.official is None


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\n"


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (
            task("kind: sorting\ntrain: a.tsv"),
            3,
            "task mood: kind: 'sorting' is none of classification, regres",
        ),
        (task("train: a.tsv\nlable: x"), 4, "task mood: there is no key 'lable'; did you mean 'label'?"),
        (task("train: a.tsv\nzzz: x"), 4, "task mood: there is no key 'zzz'; the keys are kind, train"),
        (task("train: a.tsv\ntrain: b.tsv"), 4, "'train' stands on line 3 already"),
        (task("train: a.tsv") + "  mood:\n    train: b.tsv\n", 4, "'mood' stands on line 2 already"),
        (task("kind: classification"), 2, "task mood: train: there is no file"),
        (task("train: a.tsv\ndata: folder"), 3, "task mood: train: `data` is a folder that holds all files"),
        (task("train: a.tsv\ndev_fraction: 1.5"), 4, "dev_fraction: 1.5 is not in [0, 1)"),
        (task("train: a.tsv\ndev_fraction: nan"), 4, "dev_fraction: 'nan' is no number"),
        (task("train: a.tsv\ndev_fraction: a tenth"), 4, "dev_fraction: 'a tenth' is no number"),
        (task("train: a.tsv\ndev: b.tsv\ndev_fraction: 0.1"), 5, "there is a dev file"),
        (task("train: a.tsv\nmax_seq_length: 1_0"), 4, "max_seq_length: '1_0' is no whole number"),
        (task("train: a.tsv\nmax_seq_length: １２"), 4, "max_seq_length: '１２' is no whole number"),
        (task("train: a.tsv\nmax_seq_length: 12.5"), 4, "max_seq_length: '12.5' is no whole number"),
        (
            task("train: a.tsv\nmetric: bleu"),
            4,
            "metric: 'bleu' is not for a classification; choose accuracy",
        ),
        (task("train: a.tsv\nlabels: yes"), 4, "labels is no list; write one as in [yes, no]"),
        (task("train: a.tsv\nlabels: [a, '']"), 4, "an entry of task mood: labels is empty"),
        (task("train: a.tsv\nlabels: [a, b, a]"), 4, "labels: a label occurs twice in ('a', 'b', 'a')"),
        (task("train: a.tsv\nlabels: [a]"), 4, "labels: a classification needs two labels or more"),
        (task("train: a.tsv\nlabels: [a, ' b']"), 4, "labels: the label ' b' has white space around it"),
        (task("train: a.tsv\ntext_b: b\nmax_seq_length: 4"), 5, "max_seq_length: 4 is below 5"),
        (
            task("train: a.tsv\nkind: tagging\nformat: tsv\ncolumns: {word: 0}"),
            6,
            "columns: is for CoNLL files; the format is tsv",
        ),
        (task("train: a.tsv\nkind: regression\nlabels: [a]"), 5, "labels: a regression has none"),
        (task("train: a.tsv\nscheme: bio"), 4, "scheme: is for a tagging alone; the kind is classification"),
        (task("train: a.tsv\nformat: conll"), 4, "format: CoNLL columns have a tag for each word"),
        (task("train: a.tsv\ntext:"), 4, "text is empty; give it a value, or leave it out"),
        (
            task("train: a.tsv\nkind: tagging\nclass_weights: balanced"),
            5,
            "task mood: class_weights: a tagging takes none; leave the key out",
        ),
        (
            task("train: a.tsv\nkind: regression\nlabel_smoothing: 0.1"),
            5,
            "task mood: label_smoothing: a regression takes none; leave the key out",
        ),
        (task("train: [a.tsv]"), 3, "train is a list or a mapping; write one value"),
        (task("train: a.tsv\nlabel_smoothing: 1"), 4, "task mood: label_smoothing: 1.0 is not in [0, 1)"),
        (
            task("train: a.tsv\nclass_weights: {bad: -2}"),
            4,
            "task mood: class_weights: 'bad:-2.0' is no label with a weight above 0",
        ),
        (
            task("train: a.tsv\nclass_weights: heavy"),
            4,
            "class_weights: write balanced, or a weight for each",
        ),
        (task("train: !!python/object/apply:os.system [ls]"), 3, "the tag tag:yaml.org,2002:python"),
        (task("train: a.tsv\nlabel: !mine x"), 4, "the tag !mine is not read"),
        ("tasks:\n  Mood: {train: a.tsv}\n", 2, "name: task name 'Mood' is not of the form"),
        ("tasks:\n  route: {train: a.tsv}\n", 2, "name: task name 'route' is reserved"),
        ("\ntasks: {}\n", 2, "there is no task under `tasks:`"),
        ("tasks:\n  - mood\n", 1, "tasks is no mapping of keys to values"),
        ("tasks:\n  mood: train.tsv\n", 2, "task mood is no mapping"),
        ("mood:\n  train: a.tsv\n", 1, "there is no key 'mood'; all tasks stand under `tasks:`"),
        (BOMB, 1, "anchors and aliases (& and *) are not read"),
        ("tasks: " + "[" * 100_000, 1, "is nested more than 8 levels deep"),
        ("tasks:\n\tmood: x\n", 2, "not YAML: found character '\\t' that cannot start any token"),
        ("tasks: {mood: {train: a.tsv}\n", 2, "not YAML: "),
        ("tasks: {}\n---\ntasks: {}\n", 2, "not YAML: but found another document"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, content: str, line: int, message: str) -> None:
    path = config(tmp_path, content)
    with pytest.raises(UserError) as caught:
        read_task_config(path)
    assert str(caught.value).startswith(f"{path}:{line}: ") and message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", ": the file is empty"),
        ("# only a comment\n", ": the file is empty"),
        ("tasks:\n  a: \x07\n", ":2: not YAML: the control character '\\x07'; remove it"),
        ("x" * 2_000_000, ": has 2,000,000 characters, more than"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, content: str, message: str) -> None:
    path = config(tmp_path, content)
    with pytest.raises(UserError) as caught:
        read_task_config(path)
    assert f"{path}{message}" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("keys", "line", "message"),
    [
        ("train: a.tsv\nclass_weights: {x: 2, zz: 1}", 4, "class_weights: 'zz' is no label of the task"),
        ("train: a.tsv\nmetric: f1", 4, "metric 'f1' is for two labels"),
        ("text: 0\ntrain: a.tsv", 3, "of text '0' and label 'label' only one is a number"),
        ("train: a.tsv\nlabel: 1", 4, "of text 'text' and label '1' only one is a number"),
        (
            "format: tsv\ntrain: .",
            4,
            "train: . is a folder; name a file in it, or declare",
        ),
    ],
)
def test_what_the_data_contradicts_is_told_of_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: str, line: int, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.tsv").write_text("text\tlabel\na\tx\nb\ty\nc\tz\n")
    config(tmp_path, task(keys))
    with pytest.raises(UserError, match=f"^tasks.yaml:{line}: task mood: {re.escape(message)}"):
        _ = find_task("mood", data_root=Path("tasks.yaml")).labels
