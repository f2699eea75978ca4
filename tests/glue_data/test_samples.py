"""The sample tasks are what the grammars write; neither memory nor single words solve their dev sets."""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from source_tree import ROOT

from benchmarks.sample_grammars import entailment, sentiment, similarity
from benchmarks.sample_grammars.tasks import row_counts, sample_files
from benchmarks.sample_grammars.words import Split
from centrabert import command
from centrabert.glue_data import run_samples
from centrabert.glue_data.task_lookup import find_task

SAMPLES = ROOT / "glue_data" / "samples"
TASKS = {"SST-2": sentiment, "RTE": entailment, "STS-B": similarity}
TEXTS = {"SST-2": ["sentence"], "RTE": ["sentence1", "sentence2"], "STS-B": ["sentence1", "sentence2"]}
# In the fillers of both parts, and not what is held out: the kinds of things, and parts of places.
SHARED = {"animal", "vehicle", "fruit", "tool", "instrument", "flower", "in", "on", "the"}
CHANCE = 0.62  # what a baseline may reach on 300 rows at most: 0.5 and four standard errors


def table(task: str, name: str) -> list[dict[str, str]]:
    header, *lines = (SAMPLES / task / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    return [dict(zip(header.split("\t"), line.split("\t"), strict=True)) for line in lines]


def texts(task: str, name: str) -> list[str]:
    return [row[column] for row in table(task, name) for column in TEXTS[task]]


def word_set(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower()))


def splits(module: Any) -> Iterable[Split]:
    """Every split of a grammar, however deep it lies: fillers and templates."""
    seen: list[Any] = [value for name, value in vars(module).items() if name.isupper()]
    for value in seen:  # grows while it is walked
        if isinstance(value, Split):
            yield value
        elif isinstance(value, dict):
            seen.extend(value.values())
        elif isinstance(value, tuple):
            seen.extend(value)
        elif hasattr(value, "__dataclass_fields__"):
            seen.extend(vars(value).values())


def is_template(split: Split) -> bool:
    return "{" in split.train[0] or split is sentiment.OPENERS


def test_the_committed_files_are_what_the_grammars_write() -> None:
    written = sample_files()
    there = {path.relative_to(SAMPLES).as_posix(): path for path in SAMPLES.rglob("*.tsv")}
    assert there.keys() == written.keys()
    for name, path in there.items():
        assert path.read_bytes() == written[name].encode(), (
            f"{name}: run python -m benchmarks.sample_grammars.tasks"
        )
        assert path.stat().st_size < 250_000


@pytest.mark.parametrize(("name", "kind"), [("sst2", str), ("rte", str), ("stsb", float)])
def test_the_readers_of_the_official_layouts_read_them(name: str, kind: type) -> None:
    task = find_task(name, data_root=SAMPLES)
    for split, count in row_counts(task.splits["train"].parent.name).items():
        examples = task.read(split)
        assert len(examples) == count
        assert all(bool(text) == task.pair for text in examples.text_b)
        expected = type(None) if split == "test" else kind
        assert {type(label) for label in examples.labels or [None]} == {expected}


@pytest.mark.parametrize("task", TASKS)
def test_sentences_are_short_and_clean(task: str) -> None:
    for name in row_counts("RTE"):
        for text in texts(task, name):
            assert re.fullmatch(r"[A-Z][A-Za-z', -]*[a-z]\.", text), text
            assert not re.search(r"  | [,.]|\b[Aa] [aeiou](?!se|ni)|\b[Aa]n [^aeiou]", text), text
            assert 3 <= len(text.split()) <= 20, text


@pytest.mark.parametrize("task", TASKS)
def test_no_held_out_word_is_in_train_and_no_other_in_dev(task: str) -> None:
    fillers = [split for split in splits(TASKS[task]) if not is_template(split)]
    train_words, held_out_words = (
        word_set(" ".join(filler for split in fillers for filler in split.part(part))) - SHARED
        for part in (False, True)
    )
    assert len(held_out_words) > 40
    assert not word_set(" ".join(texts(task, "train"))) & held_out_words
    for name in ("dev", "test"):
        used = word_set(" ".join(texts(task, name)))
        assert not used & train_words
        assert len(used & held_out_words) > 40


@pytest.mark.parametrize("task", TASKS)
def test_no_dev_sentence_fits_a_template_of_train(task: str) -> None:
    fits = {part: [pattern(template) for template in templates(task, part)] for part in (False, True)}
    column = TEXTS[task][0]  # hypotheses are plain statements, the same in both
    columns = TEXTS[task] if task == "STS-B" else [column]
    for name in row_counts("RTE"):
        for row in table(task, name):
            for text in (row[column] for column in columns):
                assert any(found.fullmatch(text) for found in fits[name != "train"]), text
                assert not any(found.fullmatch(text) for found in fits[name == "train"]), text


def templates(task: str, held_out: bool) -> list[str]:
    found = {text for split in splits(TASKS[task]) if "{" in split.train[0] for text in split.part(held_out)}
    if task != "SST-2":
        return sorted(found)
    openers = [opener for part in (False, True) for opener in sentiment.OPENERS.part(part)]
    return [text for one in sorted(found) for text in (one, *(f"{opener} {one}" for opener in openers))]


def pattern(template: str) -> re.Pattern[str]:
    """The template with any word in a slot, and any place or none where a scene's `{place}` is."""
    place = r"(?:in|on) the [a-z]+"
    if template.startswith("{place}"):
        template = template.replace("{place} ", "<before>")
    template = template.replace(" {place}.", "<after>") if "{object}" in template else template
    made = re.sub(r"\\{\w+\\}", r"[A-Za-z-]+", re.escape(template))
    made = re.sub(r"\b([Aa])\\ \[", r"\1n?\\ [", made)
    made = made.replace("<before>", rf"(?:{place}, )?").replace("<after>", rf"(?: {place})?\.")
    return re.compile(made, re.IGNORECASE)


@pytest.mark.parametrize("task", TASKS)
def test_no_text_occurs_twice(task: str) -> None:
    rows = [
        tuple(row[column] for column in TEXTS[task]) for name in row_counts(task) for row in table(task, name)
    ]
    assert len(set(rows)) == len(rows)


@pytest.mark.parametrize("task", ["SST-2", "RTE"])
def test_labels_are_balanced(task: str) -> None:
    for name in ("train", "dev"):
        counts = Counter(row["label"] for row in table(task, name))
        assert len(counts) == 2
        assert len(set(counts.values())) == 1


def bag(*columns: str) -> Callable[[dict[str, str]], set[str]]:
    return lambda row: {f"{column} {word}" for column in columns for word in word_set(row[column])}


def naive_bayes(train: list[dict[str, str]], dev: list[dict[str, str]], words_of: Any) -> float:
    """Accuracy of a multinomial naive Bayes classifier with add-one smoothing."""
    counts: dict[str, Counter[str]] = {row["label"]: Counter() for row in train}
    for row in train:
        counts[row["label"]].update(words_of(row))
    vocabulary = set().union(*counts.values())

    def likelihood(row: dict[str, str], label: str) -> float:
        total = counts[label].total() + len(vocabulary)
        return sum(math.log((counts[label][word] + 1) / total) for word in words_of(row) & vocabulary)

    labels = sorted(counts)
    return float(
        np.mean([row["label"] == max(labels, key=lambda label: likelihood(row, label)) for row in dev])
    )


@pytest.mark.parametrize(
    ("task", "columns"),
    [
        ("RTE", ["sentence2"]),
        ("RTE", ["sentence1"]),
        ("RTE", ["sentence1", "sentence2"]),
        ("SST-2", ["sentence"]),
    ],
)
def test_words_alone_do_not_tell_the_label(task: str, columns: list[str]) -> None:
    train = table(task, "train")
    assert naive_bayes(train, table(task, "dev"), bag(*columns)) < CHANCE
    assert naive_bayes(train[400:], train[:400], bag(*columns)) < CHANCE, "on words and templates it knows"


def test_naive_bayes_finds_a_word_that_tells_the_label() -> None:
    rows = [{"sentence": f"w{i} {'yes' if i % 3 else 'no'}", "label": str(int(i % 3 > 0))} for i in range(90)]
    assert naive_bayes(rows[:60], rows[60:], bag("sentence")) == 1.0


def test_good_and_bad_words_do_not_tell_the_sentiment() -> None:
    domains = sentiment.DOMAINS
    good, bad = (
        word_set(" ".join(word for split in (general, *own) for word in split.all)) - SHARED
        for general, own in (
            (sentiment.GENERAL_GOOD, [domain.good for domain in domains]),
            (sentiment.GENERAL_BAD, [domain.bad for domain in domains]),
        )
    )
    assert not good & bad
    for name in ("train", "dev"):
        rows = table("SST-2", name)
        surplus = [
            len(word_set(row["sentence"]) & good) - len(word_set(row["sentence"]) & bad) for row in rows
        ]
        right = [
            0.5 if not found else float((found > 0) == (row["label"] == "1"))
            for found, row in zip(surplus, rows, strict=True)
        ]
        assert np.mean(right) < CHANCE


def test_shared_words_do_not_tell_the_similarity() -> None:
    for name in ("train", "dev"):
        rows = table("STS-B", name)
        pairs = [(word_set(row["sentence1"]), word_set(row["sentence2"])) for row in rows]
        overlap = [len(one & other) / len(one | other) for one, other in pairs]
        scores = [float(row["score"]) for row in rows]
        assert np.corrcoef(overlap, scores)[0, 1] < 0.7


def test_similarity_scores_fill_their_range() -> None:
    for name in ("train", "dev"):
        scores = [float(row["score"]) for row in table("STS-B", name)]
        counts, _ = np.histogram(scores, bins=[0, 1, 2, 3, 4, 5.001])
        assert counts.min() > 0.1 * len(scores)
        assert min(scores) == 0.0
        assert max(scores) == 5.0
        assert len(set(scores)) > 60


def test_numbers_decide_as_they_should() -> None:
    order = entailment.NUMBERS
    seen = 0
    for name in ("train", "dev"):
        for row in table("RTE", name):
            if row["sentence2"].startswith("At least"):
                told = [order.index(word) for word in row["sentence1"].lower().split() if word in order]
                asked = order.index(row["sentence2"].split()[2])
                assert (told[0] > asked) == (row["label"] == "entailment"), row
                seen += 1
    assert seen > 50


def test_samples_are_copied_from_the_package(tmp_path: Path) -> None:
    """Over nothing: what is there already stays."""
    argv = ["run_samples", f"--output_dir={tmp_path}"]
    assert command.status(run_samples.main, run_samples.FLAGS, argv) == 0
    copied = {path.relative_to(tmp_path).as_posix(): path for path in tmp_path.rglob("*.tsv")}
    assert copied.keys() == sample_files().keys()
    for name, path in copied.items():
        assert path.read_bytes() == (SAMPLES / name).read_bytes()
    assert (tmp_path / "tasks.yaml").read_bytes() == (SAMPLES / "tasks.yaml").read_bytes()
    assert command.status(run_samples.main, run_samples.FLAGS, argv) == 1
