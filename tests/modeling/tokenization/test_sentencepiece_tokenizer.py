"""SentencePiece as a graph against the sentencepiece package, and the ids of XLM-RoBERTa and ALBERT."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
import tensorflow.compat.v1 as tf
from test_tokenizer import DATA, FILES, fields, noise, seeded
from tiny_pieces import CHINESE, ENGLISH, OTHER, albert, xlm_roberta

from centrabert.modeling.tokenization.sentencepiece_convention import ALBERT, Convention, parse_convention
from centrabert.modeling.tokenization.sentencepiece_model import SPACE, ModelProto, SentencePieceModel
from centrabert.modeling.tokenization.sentencepiece_tokenizer import SentencePieceTokenizer
from centrabert.modeling.tokenization.tokenizer_files import read_tokenizer

CHINESE_FILES = ("tasks/smp2019/train.jsonl", "tasks/smp2019/dev.jsonl", "tasks/cluener/dev.conll")


def package(tokenizer: SentencePieceTokenizer) -> Callable[[str], list[int]]:
    """What the sentencepiece package and XLM-RoBERTa's or ALBERT's own rules make of a text."""
    processor = sentencepiece.SentencePieceProcessor(model_proto=tokenizer.model.content)
    if tokenizer.convention.is_albert:
        return lambda text: processor.encode(_albert_text(text, tokenizer.convention))
    return lambda text: [piece + 1 if piece else 3 for piece in processor.encode(text)]


def _albert_text(text: str, convention: Convention) -> str:
    text = re.sub("``|''", '"', text.replace("\0", ""))
    if not convention.keep_accents:
        decomposed = unicodedata.normalize("NFKD", text)
        text = "".join(char for char in decomposed if unicodedata.category(char) != "Mn")
    return text.lower() if convention.do_lower_case else text


def differences(tokenizer: SentencePieceTokenizer, texts: Sequence[str]) -> list[str]:
    wanted = package(tokenizer)
    found = tokenizer.tokenize(list(texts)).to_list()
    return [text for text, ids in zip(texts, found, strict=True) if wanted(text) != ids]


def fuzzed(count: int) -> list[str]:
    """Noise, half of it between words of the model."""
    texts = noise(seed=5, count=count)
    words = (*ENGLISH, *CHINESE, *OTHER, "''", "``", "9,")
    return [
        f"{words[row % len(words)]}{text[:9]} {words[row % 7]}{text[9:]}" if row % 2 else text
        for row, text in enumerate(texts)
    ]


@pytest.mark.parametrize("model_type", ["unigram", "bpe"])
def test_noise_is_cut_as_by_the_package(model_type: str) -> None:
    assert differences(xlm_roberta(model_type), fuzzed(20000 if model_type == "unigram" else 1000)) == []


def test_cuts_with_the_same_score() -> None:
    """Repeated letters, which can be cut in several orders of the same pieces."""
    choose = seeded(2)
    texts = ["".join(choose.choices("eenosg今天 ", k=24)) + choose.choice("eno今") * 7 for _ in range(1000)]
    pieces = ["<unk>", "<s>", "</s>", SPACE, *(letter * n for letter in "enosg今天" for n in (1, 2, 4))]
    message = ModelProto.FromString(xlm_roberta().model.content)
    message.ClearField("pieces")
    for row, piece in enumerate(pieces):
        message.pieces.add(piece=piece, score=-2.3 * len(piece) ** 0.7, type=[2, 3, 3][row] if row < 3 else 1)
    tokenizer = SentencePieceTokenizer(SentencePieceModel(message.SerializeToString()), Convention())
    assert differences(tokenizer, texts) == []
    assert tokenizer.tokenize_with_offsets(texts).ids.to_list() != tokenizer.tokenize(texts).to_list()


@pytest.mark.parametrize("keep_accents", [True, False])
def test_noise_in_albert(keep_accents: bool) -> None:
    """Without what Unicode has changed since the tables in TensorFlow: see basic_tokenize."""
    tokenizer = albert(not keep_accents, keep_accents)
    texts = ["".join(char for char in text if ord(char) < 0x500 or char >= "一") for text in fuzzed(4000)]
    assert differences(tokenizer, [text.replace("Σ", "s").replace("İ", "i") for text in texts]) == []


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the data sets in ../shared/data")
def test_real_sentences() -> None:
    for name in FILES:
        assert differences(xlm_roberta(), fields(name)) == [], name
    for name in CHINESE_FILES:
        assert differences(xlm_roberta(), (DATA / name).read_text(encoding="utf-8").split("\n")) == [], name


def test_ids_of_xlm_roberta() -> None:
    tokenizer = xlm_roberta()
    pieces = tokenizer.model.pieces
    assert pieces[:3] == ("<unk>", "<s>", "</s>")
    assert tokenizer.vocabulary_size == len(pieces) + 2
    assert [tokenizer.tokens[index] for index in (0, 1, 2, 3, -1)] == [
        "<s>",
        "<pad>",
        "</s>",
        "<unk>",
        "<mask>",
    ]
    one, two = pieces.index("▁one") + 1, pieces.index("▁dog") + 1
    ids, segments = tokenizer.encode(["one", "one dog", "¶"], ["dog", "", "one"], 9)
    assert ids.numpy().tolist() == [
        [0, one, 2, 2, two, 2, 1],
        [0, one, two, 2, 1, 1, 1],
        [0, pieces.index(SPACE) + 1, 3, 2, 2, one, 2],
    ]
    assert not segments.numpy().any()
    assert (tokenizer.padding_id, tokenizer.unknown_id, tokenizer.do_lower_case) == (1, 3, False)


def test_ids_of_albert() -> None:
    tokenizer = albert()
    pieces = tokenizer.model.pieces
    cls, sep = pieces.index("[CLS]"), pieces.index("[SEP]")
    one, two = pieces.index("▁one"), pieces.index("▁dog")
    ids, segments = tokenizer.encode(["ONE", "One dòg"], ["dog", ""], 9)
    assert ids.numpy().tolist() == [[cls, one, sep, two, sep], [cls, one, two, sep, 0]]
    assert segments.numpy().tolist() == [[0, 0, 0, 1, 1], [0] * 5]
    assert (tokenizer.padding_id, tokenizer.unknown_id) == (0, 1)
    assert tokenizer.vocabulary_size == len(pieces)


def test_words_one_by_one() -> None:
    """As tagging tokenises them; a word without pieces is one."""
    words = ["the", "", "今天", " ", "\u0301", "dog."]
    assert [bool(ids) for ids in xlm_roberta().tokenize(words).to_list()] == [
        True,
        False,
        True,
        False,
        True,
        True,
    ]
    assert differences(xlm_roberta(), words) == []
    assert xlm_roberta().tokenize(tf.zeros([0], tf.string)).to_list() == []


def test_special_tokens_in_a_text_are_text() -> None:
    for tokenizer in (xlm_roberta(), albert()):
        ids = tokenizer.tokenize(["<s> </s> <pad> <mask> [CLS] [SEP]"]).to_list()[0]
        layout = tokenizer.layout
        assert not {layout.cls_id, layout.sep_id, layout.padding_id}.intersection(ids)


def places(text: str | bytes, tokenizer: SentencePieceTokenizer) -> list[tuple[str, str]]:
    """Every piece, and the text where it stands."""
    raw = text.encode() if isinstance(text, str) else text
    found = tokenizer.tokenize_with_offsets([raw])
    (ids,), (starts,), (ends,) = (each.to_list() for each in (found.ids, found.starts, found.ends))
    assert ids == tokenizer.tokenize([raw]).to_list()[0]
    return [
        (tokenizer.tokens[piece], raw[start:end].decode(errors="ignore"))
        for piece, start, end in zip(ids, starts, ends, strict=True)
    ]


PLACES = [
    ("one dog", [("▁one", "one"), ("▁dog", " dog")]),
    ("  one \u3000 ﬁne", [("▁one", "one"), ("▁fine", " \u3000 ﬁne")]),  # NFKC: a ligature, wide spaces
    ("e\u0301te\u0301", [("▁été", "e\u0301te\u0301")]),  # letters with their marks
    ("㍿", [("▁株式会社", "㍿")]),
    (
        "。㍿的",
        [("▁", ""), ("<unk>", "。"), ("株", "㍿"), ("式", "㍿"), ("会", "㍿"), ("社", "㍿"), ("的", "的")],
    ),
    ("ｎａïｖｅ", [("▁naïve", "ｎａïｖｅ")]),
    ("한국", [("▁한국", "한국")]),
    ("", []),
    (b"one\xff d\xc3og", [("▁one", "one"), ("▁dog", " dog")]),  # what is not UTF-8 is ignored, but counts
]


@pytest.mark.parametrize(("text", "wanted"), PLACES)
def test_places(text: str | bytes, wanted: list[tuple[str, str]]) -> None:
    assert places(text, xlm_roberta()) == wanted


def test_places_in_albert() -> None:
    """What is done before the file's own normaliser shifts nothing either."""
    assert places("Òne ``Dog''", albert())[0] == ("▁one", "Òne")
    assert ("▁dog", " DOG") in places("``x'' DOG", albert())
    quoted = places("```的'' '", albert())
    assert [place for _, place in quoted if place] == ["``", "`", "的", "''", " '"]


@pytest.mark.parametrize("tokenizer", [xlm_roberta, albert], ids=["xlm_roberta", "albert"])
def test_places_of_noise(tokenizer: Callable[[], SentencePieceTokenizer]) -> None:
    """Pieces stand in order, within the text, and the text at their place becomes them."""
    graph = tokenizer()
    processor = sentencepiece.SentencePieceProcessor(model_proto=graph.model.content)
    texts = fuzzed(600)
    found = graph.tokenize_with_offsets(texts)
    assert found.ids.to_list() == graph.tokenize(texts).to_list()
    for text, *row in zip(
        texts, found.ids.to_list(), found.starts.to_list(), found.ends.to_list(), strict=True
    ):
        raw, last = text.encode(), (0, 0)
        for piece, start, end in zip(*row, strict=True):
            assert last <= (start, end) <= (len(raw), len(raw))
            read = (
                _albert_text(raw[start:end].decode(), graph.convention)
                if graph.convention.is_albert
                else raw[start:end].decode()
            )
            if piece != graph.unknown_id:
                assert graph.tokens[piece].replace(SPACE, "") in processor.normalize(read), (text, start, end)
            last = (start, end)


def test_in_a_flat_graph() -> None:
    """No table, asset or initialiser, and one model however often it tokenises."""
    texts = ["one dog", "今天天气很好", ""]
    with tf.Graph().as_default() as graph, tf.Session() as session:
        text = tf.placeholder(tf.string, [None])
        first = xlm_roberta().tokenize(text).flat_values
        ids, _ = xlm_roberta().encode(text, text, 16)
        sizes = [node.ByteSize() for node in graph.as_graph_def().node]
        assert sum(size > len(xlm_roberta().model.content) // 2 for size in sizes) == 1
        assert not any(
            graph.get_collection(name)
            for name in (tf.GraphKeys.TABLE_INITIALIZERS, tf.GraphKeys.ASSET_FILEPATHS)
        )
        flat, wanted = session.run([first, ids], {text: texts})
    assert flat.tolist() == xlm_roberta().tokenize(texts).flat_values.numpy().tolist()
    eager, _ = xlm_roberta().encode(texts, texts, 16)
    assert eager.numpy().tolist() == wanted.tolist()


def test_digest_is_of_all_that_decides_the_ids() -> None:
    others = [xlm_roberta("bpe"), albert(), albert(False), albert(True, True)]
    assert len({xlm_roberta().digest, *(other.digest for other in others)}) == 5
    model = SentencePieceModel(bytes(xlm_roberta().model.content), "elsewhere")
    assert SentencePieceTokenizer(model, Convention()).digest == xlm_roberta().digest


@pytest.mark.parametrize("tokenizer", [xlm_roberta(), albert(), albert(False, True)])
def test_read_again_from_its_assets(tokenizer: SentencePieceTokenizer, tmp_path: Path) -> None:
    for name, content in tokenizer.assets.items():
        (tmp_path / name).write_bytes(content)
    again = read_tokenizer(tmp_path / tokenizer.convention.file_name)
    assert again.digest == tokenizer.digest
    assert again.layout == tokenizer.layout
    (tmp_path / "tokenizer_config.json").unlink()
    assert read_tokenizer(tmp_path / tokenizer.convention.file_name).layout == tokenizer.layout


REFUSED: list[tuple[dict[str, Any], bool | None, str]] = [
    ({}, True, "do_lower_case=True was asked for, but XLMRobertaTokenizer"),
    ({"tokenizer_class": "T5Tokenizer"}, None, "c: tokenizer_class is 'T5Tokenizer', only XLM"),
    ({"tokenizer_class": "AlbertTokenizer"}, None, r"m: lacks the pieces <pad>, \[CLS\], \[SEP\]"),
    ({"sep_token": {"content": "<sep>"}}, None, "c: sep_token is '<sep>', only '</s>'"),
]


@pytest.mark.parametrize(("keys", "asked", "message"), REFUSED)
def test_refused(keys: dict[str, Any], asked: bool | None, message: str) -> None:
    model = SentencePieceModel(xlm_roberta().model.content, "m")
    with pytest.raises(ValueError, match=message):
        parse_convention(keys, "c", model, asked)


def test_a_file_of_another_family() -> None:
    with pytest.raises(ValueError, match="its first pieces are <pad>, <unk>"):
        SentencePieceTokenizer(albert().model, Convention())
    with pytest.raises(ValueError, match="keep_accents is 1, not true or false"):
        parse_convention({"keep_accents": 1}, "c", albert().model)
    assert parse_convention({"do_lower_case": False}, "c", albert().model) == Convention(ALBERT, False, False)


def test_cut_off_files() -> None:
    content = xlm_roberta().model.content
    for size in (0, 1, 100, 1000, len(content) // 2, len(content) - 1):
        with pytest.raises(ValueError, match=r"^f: .*fetch it again$"):
            SentencePieceModel(content[:size], "f")
    with pytest.raises(ValueError, match="f: is cut off or no SentencePiece model"):
        SentencePieceModel(b"[PAD]\n[UNK]\n", "f")


def test_bpe_without_scores() -> None:
    message = ModelProto.FromString(xlm_roberta("bpe").model.content)
    for piece in message.pieces:
        piece.ClearField("score")
    with pytest.raises(ValueError, match=r"^f: is BPE without scores"):
        SentencePieceModel(message.SerializeToString(), "f")


def test_fewer_pieces() -> None:
    model = xlm_roberta().model
    assert model.kept(range(len(model.pieces))).pieces == model.pieces
    few = model.kept([0, 1, 2, *(model.pieces.index(piece) for piece in ("▁one", "▁dog"))])
    assert few.pieces == ("<unk>", "<s>", "</s>", "▁one", "▁dog")
    assert SentencePieceTokenizer(few, Convention()).tokenize(["dog one man"]).to_list() == [[5, 4, 3]]
