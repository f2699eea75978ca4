"""YAML by a parser that is not ours."""

import json
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from centrabert.export.deploy.block_yaml import documents

TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=0x24F, exclude_categories=["C", "Z"]))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | TEXTS
    | st.sampled_from(["on", "1.10", "a: b", "- x", "#", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
)


@given(
    st.lists(st.dictionaries(st.sampled_from(["kind", "a/b.c"]), VALUES, min_size=1), min_size=1, max_size=2)
)
def test_yaml_says_what_json_does(values: list[dict[str, Any]]) -> None:
    text = documents("two\n\nlines: [", values)
    assert text.startswith("# two\n#\n# lines: [\n---\n")
    assert list(yaml.safe_load_all(text)) == json.loads(json.dumps(values))
