"""Turns LinkedIn's HTML into safe HTML or plain text.

Only the elements listed here are kept, without attributes, and all text is escaped again. So nothing that LinkedIn
sends can run in a page that shows a description.
"""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser

KEPT = frozenset({"b", "br", "em", "i", "li", "ol", "p", "strong", "ul"})
BREAKING = frozenset({"br", "div", "li", "ol", "p", "ul"})
SILENT = frozenset({"script", "style"})
MARKED_UP = re.compile(r"<[a-zA-Z/!]|&#?\w+;")


class _Reader(HTMLParser):
    # ``<![anything`` is a comment in HTML (section 13.2.5.42); before Python 3.13.6 the parser raises on most of them.
    parse_marked_section = HTMLParser.parse_bogus_comment

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.plain: list[str] = []
        self.safe: list[str] = []
        self._open: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002  (attributes are dropped)
        if tag in SILENT:
            self._silent += 1
        if tag in BREAKING:
            self.plain.append(" ")
        if tag in KEPT:
            self.safe.append(f"<{tag}>")
            if tag != "br":
                self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in SILENT:
            self._silent = max(0, self._silent - 1)
        if tag in BREAKING:
            self.plain.append(" ")
        if tag in self._open:
            self._close_down_to(tag)

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.plain.append(data)
            self.safe.append(escape(data))

    def _close_down_to(self, tag: str) -> None:
        closed = ""
        while closed != tag:
            closed = self._open.pop()
            self.safe.append(f"</{closed}>")

    def finish(self) -> None:
        self.close()
        if self._open:
            self._close_down_to(self._open[0])


def _read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    reader.finish()
    return reader


def plain(html: str) -> str:
    """Return a text without mark-up and with entities decoded; unchanged if it has neither."""
    if not MARKED_UP.search(html):
        return html
    return " ".join("".join(_read(html).plain).split())


def safe(html: str) -> str:
    """Return a text as well-formed HTML with simple mark-up only."""
    return "".join(_read(html).safe)
