"""manifest.json: it says everything once, comes back as it was, and refuses what was edited."""

import copy
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from json_edits import drop, put
from tiny_config import CONFIG

from centrabert.merge.manifest import Manifest
from centrabert.merge.merged_folder import read_manifest
from centrabert.merge.summary_table import table
from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_folder import BranchRecord
from centrabert.modeling.task import TaskSpec

RTE = Branch(TaskSpec("rte", "classification", ("no", "yes"), True, "accuracy", 13), 3, 2)
SIM = Branch(TaskSpec("sim", "regression", (), True, "pearson", 13, "mean"), 1, 1)


def record(branch: Branch, **keys: Any) -> BranchRecord:
    trunk = {name: f"trunk {name}" for name in branch.shared_names(CONFIG)}
    owned = {name: f"{branch.task.name} {name}" for name in branch.owned_shapes(CONFIG)}
    given = {"metrics": {branch.task.metric: 0.75}, "hyperparameters": {"seed": 7}, **keys}
    return BranchRecord(branch, CONFIG, trunk, owned, vocabulary_digest="v", do_lower_case=True, **given)


def manifest() -> Manifest:
    records = (record(RTE), record(SIM, teacher_digest="t", metrics={"pearson": 0.5, "spearman": 0.25}))
    return Manifest(CONFIG, True, "v", 13, dict(records[0].trunk), records)


def as_written(manifest: Manifest) -> dict[str, Any]:
    keys: dict[str, Any] = json.loads(json.dumps(manifest.to_json()))
    return keys


def test_round_trip() -> None:
    assert Manifest.from_json(as_written(manifest()), "m") == manifest()


def test_nothing_is_said_twice() -> None:
    (rte, _) = as_written(manifest())["branches"]
    assert rte.keys() == {"branch", "digest", "variables", "metrics", "hyperparameters", "teacher_digest"}


def test_digests_of_all_variables() -> None:
    variables = manifest().variables()
    assert variables.keys() == manifest().plan.shapes().keys()
    name = "bert/encoder/layer_1/output/dense/bias"
    assert (variables[name], variables[f"sim/{name}"]) == (f"trunk {name}", f"sim {name}")


EDITED = "was edited: its digests or its trunk_depth do not add up"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put("format_version", value=2), "format_version 2 is newer than 1"),
        (drop("trunk"), "missing keys: 'trunk'"),
        (put("extra", value=1), "unknown keys: 'extra'"),
        (drop("branches", 0, "metrics"), "missing keys of 'branches[0]': 'metrics'"),
        (put("trunk", "bert/embeddings/LayerNorm/beta", value="x"), EDITED),
        (put("branches", 1, "variables", "output_bias", value="x"), EDITED),
        (put("trunk_digest", value="x"), EDITED),
        (put("trunk_depth", value=2), EDITED),
        (put("max_seq_length", value=17), "branch rte: was not trained on this trunk"),
        (
            put("branches", 0, "branch", "frozen", value=10**9),
            "1000000000 frozen and 2 tuned layers",
        ),
        (put("trunk", "bert/encoder/layer_" + "9" * 5000, value="x"), "belongs to no part of BERT"),
        (put("branches", value=[]), "there is no branch to merge"),
        (put("branches", value=7), "key 'branches' is 7, wanted a list"),
        (put("branches", 0, value=7), "key 'branches[0]' is 7, wanted an object"),
        (drop("branches", 0), "the trunk's digests are not those of 1 layers"),
        (drop("config", "hidden_size"), "missing keys of 'config': 'hidden_size'"),
    ],
)
def test_refusals_name_the_file(change: Callable[[dict[str, Any]], None], message: str) -> None:
    keys = copy.deepcopy(as_written(manifest()))
    change(keys)
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        Manifest.from_json(keys, "m/manifest.json")
    assert str(error.value).startswith("m/manifest.json: ")


def test_branches_of_another_trunk_make_no_manifest() -> None:
    records = manifest().records
    stranger = replace(records[1], trunk=dict.fromkeys(records[1].trunk, "other"))
    with pytest.raises(ValueError, match="branch sim: was not trained on this trunk"):
        replace(manifest(), records=(records[0], stranger))


def test_no_merged_model(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=re.escape(f"{tmp_path}/manifest.json: no such file")):
        read_manifest(tmp_path)


def test_table() -> None:
    """trunk 3 layers; 3 + 2 + 1 layers against 2 x 5; parameters as in test_merge_plan."""
    embeddings, layer, pooler = (99 + 2 + 23) * 32 + 64, 4 * 1056 + 37 * 32 * 2 + 37 + 32 + 128, 1056
    rte, sim, trunk = 2 * layer + pooler + 66, layer + 33, embeddings + 3 * layer
    separate = 2 * (embeddings + 5 * layer) + pooler + 66 + 33
    assert table(manifest()).splitlines() == [
        "task  kind            branch   frozen  tuned  depth  dev metric       parameters",
        f"rte   classification  teacher  3       2      5      accuracy 0.7500  {rte:,}",
        f"sim   regression      student  1       1      2      pearson 0.5000   {sim:,}",
        f"trunk: 3 layers, {trunk:,} parameters",
        f"all 2 tasks: 6 layers against 10 (60.0%), {rte + sim + trunk:,} parameters against {separate:,} "
        f"({(rte + sim + trunk) / separate:.1%}) as separate models",
    ]
