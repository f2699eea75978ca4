"""Transformers reads an extracted task and computes the logits of the branch."""

import importlib.util
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny
from extracted_tasks import BRANCHES, TASKS, assert_golden, folders, numpy_logits, variables


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folders(tmp_path_factory.mktemp("extraction"))


@pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("torch", "transformers")),
    reason="needs torch and transformers",
)
def test_transformers_computes_the_same_logits(root: Path, tmp_path: Path) -> None:
    """With its tokenizer and its model; in a process of its own, for it does not bear TensorFlow."""
    asked = {"task": TASKS, "text_a": tiny.TEXT_A, "text_b": tiny.TEXT_B}
    (tmp_path / "in.json").write_text(json.dumps(asked))
    script = [sys.executable, "-c", TRANSFORMERS, str(root / "huggingface"), str(tmp_path)]
    subprocess.run(script, check=True)
    for branch in BRANCHES:
        spec, theirs = branch.task, np.load(tmp_path / f"{branch.task.name}.npz")
        config = replace(tiny.CONFIG, num_hidden_layers=branch.depth)
        ours = numpy_logits(root, config, variables(root, branch), spec)
        logits = theirs["logits"]
        if spec.kind == "tagging":  # theirs are of all pieces
            logits = logits[theirs["first_piece"]]
        assert theirs["labels"].tolist() == list(spec.labels or ["score"])
        assert np.abs(logits - ours).max() < 1e-5
        assert_golden(root / "huggingface" / spec.name, spec, logits.astype(np.float64))


TRANSFORMERS = """
import json, sys, numpy, torch
from transformers import (
    AutoModelForSequenceClassification, AutoModelForTokenClassification, AutoTokenizer)
folder, out = sys.argv[1:]
asked = json.load(open(f"{out}/in.json"))
for task in asked["task"]:
    said = json.load(open(f"{folder}/{task}/task.json"))
    tagging = said["kind"] == "tagging"
    of_kind = AutoModelForTokenClassification if tagging else AutoModelForSequenceClassification
    model, told = of_kind.from_pretrained(f"{folder}/{task}", output_loading_info=True)
    assert not any(told.values()), told
    tokenizer = AutoTokenizer.from_pretrained(f"{folder}/{task}")
    texts = [asked["text_a"], asked["text_b"]][: 1 + said["pair"]]
    if tagging:
        texts = [[text.split() for text in asked["text_a"]]]
    rows = [tokenizer(*row, is_split_into_words=tagging, truncation=True) for row in zip(*texts)]
    feed = tokenizer.pad([dict(row) for row in rows], return_tensors="pt")
    with torch.no_grad():
        logits = model.eval()(**feed).logits.numpy()
    first = numpy.zeros(feed["input_ids"].shape, bool)
    for row, each in enumerate(rows):
        words = each.word_ids()
        for place, word in enumerate(words):
            first[row, place] = word is not None and words[place - 1] != word
    labels = [model.config.id2label[place] for place in range(logits.shape[-1])]
    numpy.savez(f"{out}/{task}.npz", logits=logits, first_piece=first, labels=labels)
"""
