"""Whether the sentencepiece package takes a model of which all that we read is in order."""

import sentencepiece

from centrabert.errors import UserError
from centrabert.modeling.tokenization.sentencepiece_model import SentencePieceModel


def check_usable(model: SentencePieceModel) -> None:
    """Raises UserError where the package refuses it: bits of it are damaged, or a piece is there twice."""
    try:
        sentencepiece.SentencePieceProcessor(model_proto=model.content)
    except RuntimeError as error:
        raise UserError(f"{model.source}: SentencePiece refuses it: {error}; fetch it again") from None
