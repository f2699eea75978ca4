"""How BERT packs word pieces: a transcription of convert_single_example of its run_classifier.py."""

from collections.abc import Iterable


def truncate(tokens_a: list[int], tokens_b: list[int], max_length: int) -> None:
    while len(tokens_a) + len(tokens_b) > max_length:
        if len(tokens_a) > len(tokens_b):
            tokens_a.pop()
        else:
            tokens_b.pop()


def convert(
    first: Iterable[int], second: Iterable[int], max_seq_length: int, cls: int, sep: int
) -> tuple[list[int], list[int]]:
    """(ids, segment ids) of one row, without padding."""
    tokens_a, tokens_b = list(first), list(second)
    if tokens_b:
        truncate(tokens_a, tokens_b, max_seq_length - 3)
    else:
        tokens_a = tokens_a[: max_seq_length - 2]
    tokens, segment_ids = [cls, *tokens_a, sep], [0] * (len(tokens_a) + 2)
    if tokens_b:
        tokens, segment_ids = [*tokens, *tokens_b, sep], segment_ids + [1] * (len(tokens_b) + 1)
    return tokens, segment_ids
