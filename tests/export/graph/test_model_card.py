"""The model card: what it tells, and that a label cannot say more in it than its name."""

from dataclasses import replace
from html.parser import HTMLParser

import tiny
from exported import exported

from centrabert.export.graph.model_card import model_card
from centrabert.merge.merged_folder import read_manifest


def test_the_model_card_tells_every_task_and_its_signatures() -> None:
    card = (exported().version / "assets.extra" / "MODEL_CARD.md").read_text()
    rows = {line.split("|")[1].strip(): line for line in card.splitlines() if line.startswith("| ")}
    for branch in tiny.BRANCHES:
        task = branch.task
        row = rows[task.name]
        assert f"`{task.name}_ids`" in row and ("`text_b`" in row) == task.pair
        assert all(label in row for label in task.labels)
    assert f"cut to {tiny.MAX_SEQ_LENGTH} word pieces" in card
    assert "must `import tensorflow_text` first" in card


HOSTILE = (
    "<script>alert(1)</script>",
    "# All tasks passed",
    "x | y",
    "`code`",
    "[text](http://example.com)",
    "*so* __so__",
    "&lt;",
)


class Texts(HTMLParser):
    """The texts that a browser would show; there may be no tag."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.feed(html)

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: object) -> None:
        raise AssertionError(f"a tag: {tag}")


def card_of_tone(labels: tuple[str, ...]) -> str:
    """The card in which the task `tone` has these labels."""
    manifest = read_manifest(exported().merged)
    tone = next(record for record in manifest.records if record.branch.task.name == "tone")
    record = replace(tone, branch=replace(tone.branch, task=replace(tone.branch.task, labels=labels)))
    records = tuple(record if each is tone else each for each in manifest.records)
    return model_card(replace(manifest, records=records))


def test_labels_with_commas_stay_apart() -> None:
    assert "`probabilities` of Top-up, failed; card lost |" in card_of_tone(("Top-up, failed", "card lost"))


def test_a_label_is_nothing_but_text() -> None:
    card = card_of_tone(HOSTILE)
    (row,) = [line for line in card.splitlines() if line.startswith("| tone |")]
    assert row.count("|") == 5, "a cell more"
    _, _, _, cell, *_ = row.split("|")
    assert Texts(cell).text.strip() == "`label`, `probabilities` of " + ", ".join(HOSTILE)
    assert not set("<>[]*_()") & set(cell) and cell.count("`") == 4
    assert [line for line in card.splitlines() if line.startswith("#")] == ["# Model card"]


def test_plain_labels_are_readable_as_they_are() -> None:
    card = model_card(read_manifest(exported().merged))
    assert "`label`, `probabilities` of bad, dull, fine, good |" in card
