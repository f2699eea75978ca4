"""What a search reads of a BERT's folder before it begins."""

from pathlib import Path

import pytest
import tiny
import tiny_pieces

from centrabert.search.jobs.content_digest import bert_digest
from centrabert.search.preflight import read_layers, reads_lower_case
from centrabert.training_flags import BertFlags


def test_a_sentencepiece_model_in_the_place_of_vocab_txt(tmp_path: Path) -> None:
    """It is found, says how text is read, and decides what a job's result rests on."""
    tokenizer = tiny_pieces.xlm_roberta()
    folder = tiny.bert_folder(tmp_path / "bert", assets=tokenizer.assets)
    file = folder / "sentencepiece.bpe.model"
    assert read_layers(folder, 16) == tiny.CONFIG.num_hidden_layers
    assert not reads_lower_case(folder, None)
    with pytest.raises(ValueError, match="do_lower_case=True was asked for"):
        reads_lower_case(folder, True)
    assert BertFlags(bert_dir=folder).files[1] == file
    before = bert_digest(folder)
    file.write_bytes(tokenizer.model.kept(range(50)).content)
    assert bert_digest(folder) != before
    file.unlink()
    with pytest.raises(ValueError, match=r"no such file; --bert_dir wants .*, vocab\.txt or sentencepiece"):
        read_layers(folder, 16)


def test_vocab_txt(tmp_path: Path) -> None:
    folder = tiny.bert_folder(tmp_path / "bert")
    assert reads_lower_case(folder, None)
    assert not reads_lower_case(folder, False)
