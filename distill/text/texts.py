"""Texts without labels, from plain files."""

from collections.abc import Sequence
from pathlib import Path

from centrabert.errors import UserError
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.tokenization.tokenizer import Tokenizer
from centrabert.modeling.training.token_dataset import Encoded, encode


def encoded_texts(text_files: Sequence[Path], tokenizer: Tokenizer, max_seq_length: int) -> Encoded:
    """The lines of all files that are not empty, each once.

    Raises:
      UserError: A file is not there or is not UTF-8.
    """
    lines: dict[str, None] = {}
    for file in text_files:
        try:
            texts = file.read_text(encoding="utf-8").split("\n")
        except OSError as error:
            raise UserError(f"{file}: {error.strerror}") from None
        except UnicodeDecodeError as error:
            raise UserError(f"{file}: not UTF-8 at byte {error.start}") from None
        lines |= dict.fromkeys(stripped for text in texts if (stripped := text.strip()))
    if not lines:
        raise UserError(f"{', '.join(map(str, text_files))}: no text; give files with a text in each line")
    single = TaskSpec("texts", "regression", (), pair=False, metric="pearson", max_seq_length=max_seq_length)
    return encode(tokenizer, single, list(lines), [""] * len(lines))
