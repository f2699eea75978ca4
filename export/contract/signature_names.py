"""The signatures of a served model by name, which graph, server and client agree on; no TensorFlow.

A task has two signatures of its own: `<task>` reads texts, `<task>_ids` reads word-piece ids. One that tags
words has `<task>_words` instead of the latter, which reads words that are split already.
"""

DEFAULT = "serving_default"  # texts in, the answers of every task out
ROUTE = "route"  # texts and, for each row, the tasks that are to answer it
ROUTE_IDS = "route_ids"  # the same for word-piece ids
DESCRIBE = "describe"  # what the model says of itself, see `model_description`
DESCRIPTION = "description"  # the output of DESCRIBE
ROUTE_INPUTS = ("text_a", "text_b", "tasks")
ASKED, UNKNOWN = (
    "asked",
    "unknown",
)  # outputs of ROUTE: whether a row asked for a task; a row's faulty selector
IDS_SUFFIX, WORDS_SUFFIX = "_ids", "_words"
# The beginning of TF Serving's message, and of ours: by it a client knows that the model has changed.
NO_SUCH_OUTPUT = "output tensor alias not found in signature"


def ids_signature(task: str) -> str:
    """The signature of a task for clients that send word-piece ids."""
    return f"{task}{IDS_SUFFIX}"


def words_signature(task: str) -> str:
    """The signature of a task that tags words, for clients that send words."""
    return f"{task}{WORDS_SUFFIX}"
