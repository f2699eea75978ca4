"""The metrics of tagging, as fractions: pure functions of the tags of rows, each a list of tag names.

Entities count as a whole: one is found if its words and its type are. Equal to seqeval's micro average, in
its default mode, in which a stray I begins an entity as in CoNLL's own evaluation, and in its strict one.
"""

from collections.abc import Callable, Sequence

from centrabert.errors import UserError
from centrabert.modeling.kinds.tag_scheme import OUTSIDE, Span, scheme_of, spans, strict_spans, unseen_tags

Tags = Sequence[Sequence[str]]


def entity_f1(truth: Tags, guess: Tags) -> float:
    """F1 of the entities; 0.0 if there is none in either argument."""
    return _f1([spans(tags) for tags in truth], [spans(tags) for tags in guess])


def strict_entity_f1(truth: Tags, guess: Tags) -> float:
    """As `entity_f1`; what does not obey the scheme of the true tags is no entity."""
    scheme = scheme_of(tag for tags in truth for tag in tags)
    return _f1(*([strict_spans(tags, scheme) for tags in rows] for rows in (truth, guess)))


def tag_accuracy(truth: Tags, guess: Tags) -> float:
    """The share of words whose tag is right; 0.0 without words."""
    right = [
        wanted == found for row in zip(truth, guess, strict=True) for wanted, found in zip(*row, strict=True)
    ]
    return sum(right) / len(right) if right else 0.0


TAG_METRICS: dict[str, Callable[[Tags, Tags], float]] = {
    "entity_f1": entity_f1,
    "strict_entity_f1": strict_entity_f1,
    "tag_accuracy": tag_accuracy,
}


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


def _f1(truth: Sequence[Sequence[Span]], guess: Sequence[Sequence[Span]]) -> float:
    hits = sum(len(set(wanted) & set(found)) for wanted, found in zip(truth, guess, strict=True))
    claims = sum(map(len, truth)) + sum(map(len, guess))
    return 2 * hits / claims if claims else 0.0
