"""How a family of models uses the pieces of its SentencePiece file, by what tokenizer_config.json says."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from centrabert.errors import UserError
from centrabert.modeling.formats.json_file import read_json
from centrabert.modeling.tokenization.normalization import TOKENIZER_CONFIG, parse_normalization
from centrabert.modeling.tokenization.sentencepiece_model import SentencePieceModel
from centrabert.modeling.tokenization.vocabulary import SPIECE, XLM_ROBERTA_PIECES

XLM_ROBERTA, ALBERT = "XLMRobertaTokenizer", "AlbertTokenizer"
# Hugging Face's names of the special tokens, and what they are in each family.
SPECIAL: dict[str, dict[str, str]] = {
    XLM_ROBERTA: {
        "bos_token": "<s>",
        "cls_token": "<s>",
        "eos_token": "</s>",
        "sep_token": "</s>",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
        "mask_token": "<mask>",
    },
    ALBERT: {
        "bos_token": "[CLS]",
        "cls_token": "[CLS]",
        "eos_token": "[SEP]",
        "sep_token": "[SEP]",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
        "mask_token": "[MASK]",
    },
}
XLM_ROBERTA_HEAD = ("<unk>", "<s>", "</s>")  # the first pieces of the file
UNSAID = (None, "PreTrainedTokenizer", "PreTrainedTokenizerFast", "TokenizersBackend")


@dataclass(frozen=True)
class Convention:
    """What is done to a text before its file's own normaliser, and what the special tokens are.

    XLM-RoBERTa: nothing is done; its ids are the file's + 1, with <s> 0, <pad> 1, </s> 2, <unk> 3 in front
    and <mask> behind; a pair is <s> a </s></s> b </s>, all segments 0.

    ALBERT: as its tokenizer.json has it, `` and '' become ", accents are taken off after NFKD unless
    `keep_accents`, and text is lower-cased if `do_lower_case`; its ids are the file's, and a pair is
    [CLS] a [SEP] b [SEP] as in BERT. Google's own code also cuts the comma off pieces like "9,"; that is not
    done, as by Hugging Face's fast tokenizer.
    """

    tokenizer_class: str = XLM_ROBERTA
    do_lower_case: bool = False
    keep_accents: bool = True

    @property
    def is_albert(self) -> bool:
        return self.tokenizer_class == ALBERT

    @property
    def second_segment(self) -> int:
        """The segment id of the second text of a pair."""
        return 1 if self.is_albert else 0

    @property
    def file_name(self) -> str:
        """What Hugging Face calls the file in this family."""
        return SPIECE if self.is_albert else XLM_ROBERTA_PIECES

    @property
    def special(self) -> Mapping[str, str]:
        return SPECIAL[self.tokenizer_class]

    def to_json(self) -> dict[str, Any]:
        """The keys of tokenizer_config.json that decide the pieces of a text, and those of special tokens."""
        keys = {"tokenizer_class": self.tokenizer_class, "do_lower_case": self.do_lower_case}
        return {**self.special, **keys, **({"keep_accents": self.keep_accents} if self.is_albert else {})}

    def check(self, model: SentencePieceModel) -> None:
        """Raises UserError if the file is of another family."""
        if self.is_albert:
            wanted = {self.special[name] for name in ("cls_token", "sep_token", "pad_token")}
            if absent := sorted(wanted.difference(model.pieces)):
                raise UserError(f"{model.source}: lacks the pieces {', '.join(absent)} of {ALBERT}")
        elif model.pieces[:3] != XLM_ROBERTA_HEAD:
            raise UserError(
                f"{model.source}: its first pieces are {', '.join(model.pieces[:3])}; those of {XLM_ROBERTA} "
                f"are {', '.join(XLM_ROBERTA_HEAD)}"
            )


def read_convention(model: SentencePieceModel, file: Path, do_lower_case: bool | None = None) -> Convention:
    """What the tokenizer_config.json beside the model file says; where there is none, what its pieces tell.

    Args:
      do_lower_case: What was asked for; None asks for what the files say.

    Raises:
      UserError: The files say otherwise, are damaged, or are of a family that is not known here.
    """
    config_file = file.parent / TOKENIZER_CONFIG
    keys = read_json(config_file) if config_file.is_file() else {}
    return parse_convention(keys, str(config_file), model, do_lower_case)


def parse_convention(
    keys: Mapping[str, Any], source: str, model: SentencePieceModel, do_lower_case: bool | None = None
) -> Convention:
    """`read_convention` of a file with these keys; `source` is its name, for messages."""
    said = keys.get("tokenizer_class")
    family = (ALBERT if "[CLS]" in model.pieces else XLM_ROBERTA) if said in UNSAID else said
    family = str(family).removesuffix("Fast")
    if family not in SPECIAL:
        raise UserError(f"{source}: tokenizer_class is {said!r}, only {' and '.join(SPECIAL)} are supported")
    for name, token in SPECIAL[family].items():
        given = keys.get(name)
        given = given.get("content") if isinstance(given, dict) else given
        if given not in (None, token):
            raise UserError(f"{source}: {name} is {given!r}, only {token!r} is supported with {family}")
    convention = _albert(keys, source, do_lower_case) if family == ALBERT else _xlm_roberta(do_lower_case)
    convention.check(model)
    return convention


def _xlm_roberta(do_lower_case: bool | None) -> Convention:
    """Files that say do_lower_case mean nothing by it: this tokenizer does not look."""
    if do_lower_case:
        raise UserError(
            f"do_lower_case=True was asked for, but {XLM_ROBERTA} reads text as its file's own normaliser "
            "does; leave out --do_lower_case"
        )
    return Convention()


def _albert(keys: Mapping[str, Any], source: str, do_lower_case: bool | None) -> Convention:
    lower = parse_normalization({**keys, "strip_accents": None}, source, do_lower_case).do_lower_case
    keep_accents = keys.get("keep_accents", False)
    if not isinstance(keep_accents, bool):
        raise UserError(f"{source}: keep_accents is {keep_accents!r}, not true or false")
    return Convention(ALBERT, lower, keep_accents)
