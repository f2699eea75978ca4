"""Joke-sized SentencePiece models in the conventions of XLM-RoBERTa and ALBERT, trained on made-up text."""

import functools
import io
import random
from typing import Any

import sentencepiece

from centrabert.modeling.tokenization.sentencepiece_convention import ALBERT, Convention
from centrabert.modeling.tokenization.sentencepiece_model import SentencePieceModel
from centrabert.modeling.tokenization.sentencepiece_tokenizer import SentencePieceTokenizer

ENGLISH = (
    "the",
    "this",
    "one",
    "man",
    "woman",
    "dog",
    "sees",
    "likes",
    "finds",
    "red",
    "small",
    "house",
    "in",
)
CHINESE = ("今天", "天气", "很好", "我", "喜欢", "北京", "音乐", "播放", "打开", "电视", "明天", "的")
OTHER = (
    "été",
    "naïve",
    "Ω",
    "йод",
    "한국",
    "😀",
    "fine",
    "3.14",
    "9,999",
    "café",
    "株式会社",
    "ال",
    '"',
    "`",
    "'",
)
ALBERT_KEYS = {
    "pad_id": 0,
    "unk_id": 1,
    "bos_id": -1,
    "eos_id": -1,
    "control_symbols": ["[CLS]", "[SEP]", "[MASK]"],
}


@functools.cache
def xlm_roberta(model_type: str = "unigram") -> SentencePieceTokenizer:
    return SentencePieceTokenizer(SentencePieceModel(trained(model_type=model_type)), Convention())


@functools.cache
def albert(do_lower_case: bool = True, keep_accents: bool = False) -> SentencePieceTokenizer:
    convention = Convention(ALBERT, do_lower_case, keep_accents)
    return SentencePieceTokenizer(SentencePieceModel(trained(**ALBERT_KEYS)), convention)


def trained(**keys: Any) -> bytes:
    """A model file of about 200 pieces."""
    choose = random.Random(0)  # noqa: S311
    words = [*ENGLISH, *CHINESE, *OTHER]
    lines = [" ".join(choose.choices(words, k=choose.randrange(1, 12))) for _ in range(400)]
    lines += ["".join(choose.choices(CHINESE, k=5)) for _ in range(200)]
    file = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=file,
        vocab_size=190,
        hard_vocab_limit=False,
        normalization_rule_name="nmt_nfkc",
        minloglevel=2,
        num_threads=1,
        **keys,
    )
    return file.getvalue()
