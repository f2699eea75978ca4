"""Which label names a task may have: they are told to clients, and written into tables and pages."""

import unicodedata
from collections.abc import Sequence

from centrabert.errors import UserError

# Control characters, line and paragraph separators, and halves of surrogate pairs, which have no UTF-8.
FORBIDDEN_CATEGORIES = frozenset({"Cc", "Zl", "Zp", "Cs"})


def check_label_names(labels: Sequence[str]) -> None:
    """Raises UserError for a label that is empty, occurs twice or holds a control character.

    The signature `route` answers "" where a task was not asked for, so no label may be empty.
    """
    for label in labels:
        if not label:
            raise UserError("a label is empty; give every label a name")
        for character in label:
            if unicodedata.category(character) in FORBIDDEN_CATEGORIES:
                raise UserError(
                    f"label {label!r} holds the control character {character!r}; remove it from the label"
                )
    if len(set(labels)) < len(labels):
        raise UserError(f"a label occurs twice in {tuple(labels)}")
