"""Whether a BERT can read pairs: the second text may need a segment of its own, which some BERTs have not."""

from pathlib import Path

from centrabert.errors import UserError
from centrabert.modeling.tokenization.sentencepiece_convention import read_convention
from centrabert.modeling.tokenization.sentencepiece_model import SentencePieceModel
from centrabert.modeling.tokenization.vocabulary import SENTENCEPIECE_ENDING

BERT_SEGMENT = 1  # of the second text


def second_segment(vocabulary_file: Path) -> int:
    """The segment of the second text of a pair, told without TensorFlow.

    Raises:
      UserError: A file is damaged.
    """
    if vocabulary_file.suffix != SENTENCEPIECE_ENDING:
        return BERT_SEGMENT
    return read_convention(SentencePieceModel.from_file(vocabulary_file), vocabulary_file).second_segment


def check_segments(task: str, segment: int, type_vocab_size: int, source: str) -> None:
    """Raises UserError, which begins with `source`, if a BERT of so many segments has not this one.

    TensorFlow would say so only when the first pair comes.
    """
    if segment >= type_vocab_size:
        raise UserError(
            f"{source}: task {task} reads pairs of texts, and the second text has segment {segment}, but "
            f"type_vocab_size of this BERT is {type_vocab_size}: it reads single texts only; take a BERT "
            f"with type_vocab_size {segment + 1}"
        )
