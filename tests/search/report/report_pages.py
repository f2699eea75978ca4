"""A report read back from its two pages: tables, links and what they lead to."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

Rows = list[list[str]]
LINK = re.compile(r"\[((?:\\.|[^\]\\])*)\]\((#[\w-]+)\)")
ANCHOR = re.compile(r'<a id="([\w-]+)"></a>')


@dataclass
class HtmlPage(HTMLParser):
    """Tables as text, the target of each link, the ids and their text, and what is loaded."""

    html: str
    headings: list[str] = field(default_factory=list)
    tables: list[Rows] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)
    texts: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[tuple[str, str]] = []
        self.ids: list[str] = []
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.add(tag)
        self.links += [given["href"]] if "href" in given else []
        self.sources += [given["src"]] if "src" in given else []
        self.ids += [given["id"]] if "id" in given else []
        if tag not in ("meta", "img"):
            self._open.append((tag, given.get("id", "")))
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        elif tag in ("h1", "h2"):
            self.headings.append("")

    def handle_endtag(self, tag: str) -> None:
        opened, _ = self._open.pop()
        assert opened == tag, f"<{opened}> ends as </{tag}>"

    def handle_data(self, data: str) -> None:
        tags = [tag for tag, _ in self._open]
        if "td" in tags or "th" in tags:
            self.tables[-1][-1][-1] += data
        elif "h1" in tags or "h2" in tags:
            self.headings[-1] += data
        for _, name in self._open:
            if name:
                self.texts[name] = self.texts.get(name, "") + data

    def close(self) -> None:
        super().close()
        assert self._open == []


def markdown_tables(page: str) -> list[Rows]:
    """The tables as text, links and marks taken off."""
    blocks = [block.split("\n") for block in page.strip().split("\n\n") if block.startswith("| ")]
    return [[_cells(line) for line in (block[0], *block[2:])] for block in blocks]


def _cells(line: str) -> list[str]:
    return [plain(cell) for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def plain(text: str) -> str:
    """What a reader sees of one line of Markdown."""
    text = LINK.sub(r"\1", ANCHOR.sub("", text.strip())).replace("**", "")
    if code := re.fullmatch(r"(`+) ?(.*?) ?\1", text):
        return code[2].replace(r"\|", "|")
    return re.sub(r"\\([^\w\s])", r"\1", text)
