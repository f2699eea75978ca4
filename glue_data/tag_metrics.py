"""The metrics of tagging, as fractions: pure functions of the tags of rows, each a list of tag names.

Entities count as a whole: one is found if its words and its type are. Equal to seqeval's micro average, in
its default mode, in which a stray I begins an entity as in CoNLL's own evaluation, and in its strict one.
"""

from collections.abc import Callable, Sequence

from centrabert.errors import UserError
from centrabert.modeling.kinds.tag_scheme import OUTSIDE, Span, scheme_of, spans, strict_spans, unseen_tags

Tags = Sequence[Sequence[str]]
Counts = tuple[list[int], list[int]]


def entity_counts(truth: Tags, guess: Tags) -> Counts:
    """Of the entities of every row."""
    return _counts([spans(tags) for tags in truth], [spans(tags) for tags in guess])


def strict_entity_counts(truth: Tags, guess: Tags) -> Counts:
    """As `entity_counts`; what does not obey the scheme of the tags is no entity."""
    scheme = scheme_of(tag for tags in (*truth, *guess) for tag in tags)
    return _counts(*([strict_spans(tags, scheme) for tags in rows] for rows in (truth, guess)))


def word_counts(truth: Tags, guess: Tags) -> Counts:
    """Of the words of every row: each is claimed twice, so that F1 is the share whose tag is right."""
    pairs = list(zip(truth, guess, strict=True))
    right = [sum(wanted == found for wanted, found in zip(*row, strict=True)) for row in pairs]
    return right, [2 * len(row) for row, _ in pairs]


# For every row what both arguments have, and what the one has plus what the other has.
TAG_COUNTS: dict[str, Callable[[Tags, Tags], Counts]] = {
    "entity_f1": entity_counts,
    "strict_entity_f1": strict_entity_counts,
    "tag_accuracy": word_counts,
}


def tag_metric(name: str, truth: Tags, guess: Tags) -> float:
    """F1 of the entities or words of all rows together; 0.0 if there is none in either argument."""
    return f1_of(*map(sum, TAG_COUNTS[name](truth, guess)))


def f1_of(hits: int, claims: int) -> float:
    """F1 of what both sides have and of what they have together; 0.0 without any."""
    return 2 * int(hits) / int(claims) if claims else 0.0


def named_tags(
    labels: Sequence[Sequence[int]], predictions: Sequence[Sequence[int]], names: Sequence[str]
) -> tuple[list[list[str]], list[list[str]]]:
    """True and predicted tags of every row by name; a word for which nothing was predicted is outside.

    Args:
      labels, predictions: Places in `names` with `unseen_tags` behind them, [rows, words]; below 0 behind the
        last word of a row, and of the predictions behind the last that was read.

    Raises:
      UserError: There are no rows, or not as many predictions.
    """
    names = [*names, *unseen_tags(names)]
    if not len(labels) or len(labels) != len(predictions):
        raise UserError(f"there are {len(labels)} rows of labels and {len(predictions)} of predictions")
    truth = [[names[tag] for tag in row if tag >= 0] for row in labels]
    guess = []
    for wanted, row in zip(truth, predictions, strict=True):
        found = [names[tag] for tag in row if tag >= 0][: len(wanted)]
        guess.append(found + [OUTSIDE] * (len(wanted) - len(found)))
    return truth, guess


def _counts(truth: Sequence[Sequence[Span]], guess: Sequence[Sequence[Span]]) -> Counts:
    pairs = list(zip(truth, guess, strict=True))
    hits = [len(set(wanted) & set(found)) for wanted, found in pairs]
    return hits, [len(wanted) + len(found) for wanted, found in pairs]
