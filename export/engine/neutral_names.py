"""A graph in names that do not tell which task it is of, nor in which graph it was: so equal ones are found.

Scopes stay: how TensorFlow rewrites a graph, and so the last bits of an answer, depends on them.
"""

import re
from collections.abc import Collection, Iterable, Iterator, MutableMapping, Sequence
from typing import Any

from tensorflow.core.framework.attr_value_pb2 import NameAttrList
from tensorflow.core.framework.function_pb2 import FunctionDef
from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.framework.node_def_pb2 import NodeDef

TASK = "task"
NOTES = {"_class", "_output_shapes", "_user_specified_name"}


def without_task(graph: GraphDef, nodes: Sequence[NodeDef], fed: Collection[str], task: str) -> GraphDef:
    """Nodes of `graph`, and the functions that they call, in the order of the calls and named by that order.

    Args:
      fed: Names of nodes whose value is fed; what they are computed from is left out.
      task: What no name shall tell; "" for none.
    """
    library = {function.signature.name: function for function in graph.library.function}
    found = GraphDef(versions=graph.versions, node=[_node(node, task, node.name in fed) for node in nodes])
    names: dict[str, str] = {}
    ahead = list(_calls(found.node))
    while ahead:
        call = ahead.pop(0)
        if call.name not in names:
            names[call.name] = f"function_{len(names)}"
            function = found.library.function.add()
            function.CopyFrom(library[call.name])
            _rename_function(function, names[call.name], task)
            ahead += _calls(function.node_def)
        call.name = names[call.name]
    return found


def renamed(name: str, task: str) -> str:
    """The name of a node or tensor, as `without_task` gives it."""
    node, colon, output = name.removeprefix("^").partition(":")
    parts = (TASK if part == task else part for part in node.split("/"))
    return ("^" if name.startswith("^") else "") + "/".join(parts) + colon + output


def _node(node: NodeDef, task: str, fed: bool) -> NodeDef:
    found = NodeDef(name=renamed(node.name, task), op=node.op, attr=node.attr)
    if fed:
        found.op = "Placeholder"  # one with a default has the same attributes
    else:
        found.input.extend(renamed(name, task) for name in node.input)
    _drop_notes(found.attr)
    return found


def _rename_function(function: FunctionDef, name: str, task: str) -> None:
    """In place. Arguments have the scope of the call in their names, "_" for all but letters and digits."""
    own = re.compile(rf"(^|(?<=_)){task}(?=_|$)") if task else None
    former = function.signature.name.lower()

    def neutral(said: str) -> str:
        """Also of an input: what follows a colon is an output of an op, which every graph calls so."""
        caret, (name, *output) = "^" * said.startswith("^"), said.removeprefix("^").split(":")
        if name.startswith(former):  # an argument that is not used, of which TensorFlow numbers the function
            name = TASK + name.removeprefix(former)
        return caret + ":".join((own.sub(TASK, name, count=1) if own else name, *output))

    function.signature.name = name
    _drop_notes(function.attr)
    for arguments in function.arg_attr.values():
        _drop_notes(arguments.attr)
    for argument in (*function.signature.input_arg, *function.signature.output_arg):
        argument.name = neutral(argument.name)
    for node in function.node_def:
        node.name = neutral(node.name)
        node.input[:] = map(neutral, node.input)
        _drop_notes(node.attr)
    function.signature.control_output[:] = map(neutral, function.signature.control_output)
    for returned in (function.ret, function.control_ret):
        pairs = {neutral(key): neutral(value) for key, value in returned.items()}
        returned.clear()
        returned.update(pairs)


def _drop_notes(attributes: MutableMapping[str, Any]) -> None:
    """Removes what only tells where something comes from; others with an underscore decide how it runs."""
    for key in NOTES & attributes.keys():
        del attributes[key]


def _calls(nodes: Iterable[NodeDef]) -> Iterator[NameAttrList]:
    """Where the nodes name a function."""
    for node in nodes:
        for key in sorted(node.attr):
            if node.attr[key].WhichOneof("value") == "func":
                yield node.attr[key].func
            else:
                yield from node.attr[key].list.func
