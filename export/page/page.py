"""The page of the local server: asks the model in a browser, and shows what it is made of."""

import base64
import hashlib
import re
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from centrabert.export.page.model_diagram import counted, diagram
from centrabert.merge.manifest import Manifest

PAGE_HEADER = "X-CentraBERT-Page"  # by which the page tells the server that it is the server's own
INLINE = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)


def page(manifest: Manifest, model_name: str) -> str:
    """A document that loads nothing and asks `v1/models/<model_name>:predict`, relative to its own address.

    What it is asked may stand behind `#`: `text_a`, `text_b` and `tasks`, as in the query of an address.
    """
    values = {
        "name": model_name,
        "facts": _facts(manifest),
        "diagram": diagram(manifest.plan),
        "model": _model(manifest, model_name),
    }
    return template("page.html").render(values)


def drawing(manifest: Manifest) -> str:
    """The drawing of a merged model alone, an SVG element.

    Layers of the trunk are `g.layer` with `data-layer`, branches `g.branch` with `data-task`. Branches that
    leave the trunk together go the same way, `.way`, above a paler `.guide`: a page may hide some of them.
    """
    return template("model_diagram.svg").render(diagram=diagram(manifest.plan))


def template(name: str) -> Template:
    """One of the templates of this folder; whatever stands in {{ }} is escaped."""
    environment = Environment(
        loader=PackageLoader("centrabert.export.page"), autoescape=True, undefined=StrictUndefined
    )
    environment.globals["counted"] = counted
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False}
    return environment.get_template(name)


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


def _model(manifest: Manifest, model_name: str) -> dict[str, Any]:
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
    return {"name": model_name, "layers": manifest.plan.layers, "tasks": tasks}
