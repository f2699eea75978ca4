"""A merged model that reads SentencePiece: exported with its goldens, and asked in the C++ loader."""

from pathlib import Path
from typing import Any

import cpp_loader
import numpy as np
import pytest
import tiny
import tiny_pieces
from tensorflow.core.protobuf import saved_model_pb2

from centrabert.export.engine.tensorflow_engine import Predictor
from centrabert.export.export_version import export
from centrabert.merge.merge_branches import merge
from centrabert.merge.merged_folder import read_manifest
from centrabert.modeling.branch import Branch
from centrabert.modeling.tokenization.sentencepiece_convention import Convention
from centrabert.modeling.tokenization.sentencepiece_tokenizer import SentencePieceTokenizer

BRANCHES = (
    Branch(tiny.task("pairs"), frozen=2, tuned=1),
    Branch(tiny.task("alone", pair=False, pooling="mean"), frozen=1, tuned=1),
    Branch(tiny.task("save"), frozen=3, tuned=0),  # a scope of TensorFlow's own
)
TEXT_A, TEXT_B = ("one red dog", "今天 天气很好", "", "¶"), ("the man", "", "me", "one")


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Exporting replays the goldens, which come of a graph without the exported one's tokenizer."""
    root = tmp_path_factory.mktemp("sentencepiece")
    model = tiny_pieces.xlm_roberta().model.kept(range(tiny.CONFIG.vocab_size - 2))
    assets = SentencePieceTokenizer(model, Convention()).assets
    base = tiny.bert_folder(root / "base", assets=assets)
    folders = [
        tiny.branch(root / shape.task.name, base, shape, seed, do_lower_case=False)
        for seed, shape in enumerate(BRANCHES)
    ]
    merge(base, folders, root / "merged")
    return export(root / "merged", root / "serving", 1)


def test_its_file_stands_in_the_place_of_vocab_txt(version: Path) -> None:
    for folder in (version.parents[1] / "merged", version / "assets"):
        assert {file.name for file in folder.glob("*.model")} == {"sentencepiece.bpe.model"}
        assert not (folder / "vocab.txt").exists()
    assert not read_manifest(version.parents[1] / "merged").do_lower_case


def test_answers_in_the_cpp_loader(version: Path) -> None:
    """To the last bit as in Python's session, pairs and single texts, with one library of TensorFlow Text."""
    model = saved_model_pb2.SavedModel.FromString((version / "saved_model.pb").read_bytes()).meta_graphs[0]
    assert "TFText>FastSentencepieceTokenize" in {node.op for node in model.graph_def.node}
    signature = model.signature_def["serving_default"]
    texts: dict[str, Any] = {"text_a": np.array(TEXT_A), "text_b": np.array(TEXT_B)}
    feeds = {signature.inputs[name].name: value for name, value in texts.items()}
    fetches = [info.name for info in signature.outputs.values()]
    (found,) = cpp_loader.ask(version, [(feeds, fetches)], cpp_loader.SENTENCEPIECE)
    with Predictor(version) as predictor:
        wanted = predictor.predict(
            "serving_default", {name: value.astype(np.object_) for name, value in texts.items()}
        )
    assert wanted.keys() == signature.outputs.keys()
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[signature.outputs[name].name], value, err_msg=name)
    assert len(set(map(tuple, wanted["pairs/probabilities"].tolist()))) == len(TEXT_A)
