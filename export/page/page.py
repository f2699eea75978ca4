"""The page of the local server: asks the model in a browser, and shows what it is made of."""

import base64
import hashlib
import json
import re
from html import escape
from importlib import resources

from centrabert.export.page.model_diagram import drawing
from centrabert.merge.manifest import Manifest

PAGE_HEADER = "X-CentraBERT-Page"  # by which the page tells the server that it is the server's own
PART = re.compile(r"<!--(\w+)-->")
INLINE = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)
# Between tags of a script, where HTML knows no entities, JSON may write any sign as its number.
NUMBERED = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&"}


def page(manifest: Manifest, model_name: str) -> str:
    """A document that loads nothing and asks `v1/models/<model_name>:predict`, relative to its own address.

    What it is asked may stand behind `#`: `text_a`, `text_b` and `tasks`, as in the query of an address.
    """
    parts = {
        "name": escape(model_name),
        "facts": escape(_facts(manifest)),
        "drawing": drawing(manifest),
        "model": _model(manifest, model_name).translate(NUMBERED),
    }
    template = resources.files("centrabert.export.page").joinpath("page.html").read_text(encoding="utf-8")
    return PART.sub(lambda found: parts[found[1]], template)


def content_security_policy(html: str) -> str:
    """The header of that name: only the script and the styles of this page, and requests to its server."""
    hashes: dict[str, list[str]] = {"script": [], "style": []}
    for tag, text in INLINE.findall(html):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        hashes[tag].append(f"'sha256-{digest}'")
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(hashes['script'])}",
            f"style-src {' '.join(hashes['style'])}",
            "connect-src 'self'",
            "img-src data:",  # its icon
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )


def _facts(manifest: Manifest) -> str:
    plan, tasks = manifest.plan, len(manifest.tasks)
    return (
        f"{tasks} {'task' if tasks == 1 else 'tasks'} · {plan.layers} layers, where one BERT per task has "
        f"{plan.separate_layers} · texts are cut to {manifest.max_seq_length} word pieces"
    )


def _model(manifest: Manifest, model_name: str) -> str:
    tasks = [
        {
            "name": branch.task.name,
            "kind": branch.task.kind,
            "pair": branch.task.pair,
            "labels": branch.task.labels,
            "frozen": branch.frozen,
            "tuned": branch.tuned,
        }
        for branch in manifest.plan.branches
    ]
    return json.dumps({"name": model_name, "layers": manifest.plan.layers, "tasks": tasks})
