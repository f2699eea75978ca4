"""The slot-filling sample: neither memory nor a dictionary of words solves its dev set."""

from collections import Counter

from source_tree import ROOT

from benchmarks.sample_grammars.tasks import row_counts
from centrabert.glue_data.task_lookup import find_task
from centrabert.modeling.kinds.tag_scheme import spans

CONFIG = ROOT / "glue_data" / "samples" / "tasks.yaml"


def slots(name: str) -> list[tuple[list[str], list[str]]]:
    """Words and tags of every row."""
    task = find_task("slots", data_root=CONFIG)
    examples = task.read(name)
    return [
        (text.split(), list(tags)) for text, tags in zip(examples.text_a, examples.labels or (), strict=True)
    ]


def test_the_file_beside_the_samples_declares_them() -> None:
    assert [find_task(name, data_root=CONFIG).kind for name in ("sst2", "rte", "stsb", "slots")] == [
        "classification",
        "classification",
        "regression",
        "crf_tagging",
    ]
    for name in ("train", "dev"):
        rows = slots(name)
        assert len(rows) == row_counts("slots")[name]
        assert all(len(words) == len(tags) for words, tags in rows)
    found = [
        {word for words, tags in slots(name) for word, tag in zip(words, tags, strict=True) if "city" in tag}
        for name in ("train", "dev")
    ]
    assert not found[0] & found[1], "a city of dev is one of train"


def test_a_dictionary_does_not_tell_where_a_journey_begins() -> None:
    """The tag that a word mostly has, in train, and even in dev itself."""
    dev = slots("dev")
    for known, bound in ((slots("train"), 0.3), (dev, 0.8)):
        counts: dict[str, Counter[str]] = {}
        for words, tags in known:
            for word, tag in zip(words, tags, strict=True):
                counts.setdefault(word, Counter())[tag] += 1
        told = [
            [counts[word].most_common(1)[0][0] if word in counts else "O" for word in words]
            for words, _ in dev
        ]
        right = sum(len(set(spans(one)) & set(spans(tags))) for one, (_, tags) in zip(told, dev, strict=True))
        claimed = sum(len(spans(tags)) for tags in [*told, *(tags for _, tags in dev)])
        assert 2 * right / claimed < bound
