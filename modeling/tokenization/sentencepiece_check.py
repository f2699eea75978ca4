"""Whether the sentencepiece package takes a model file of which all that we read is in order."""

from pathlib import Path

import sentencepiece

from centrabert.errors import UserError


def check_usable(file: Path) -> None:
    """Raises UserError where the package refuses it: bits of it are damaged, or a piece is there twice."""
    try:
        sentencepiece.SentencePieceProcessor(model_proto=file.read_bytes())
    except RuntimeError as error:
        raise UserError(f"{file}: SentencePiece refuses it: {error}; fetch it again") from None
