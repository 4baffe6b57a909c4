"""How texts and queries become words, in every language of the catalogue.

Chinese, Japanese and Korean are written without spaces, or with particles grown to the words. Their characters are
words of their own here, and what a query has of them in a row must stand in a row. Everything else goes by SQLite's
``unicode61``: letters and digits, without case and diacritics. The last word of a query may be unfinished.
"""

from __future__ import annotations

import re
import unicodedata

# Kana, CJK ideographs and Hangul, with their extensions and compatibility forms.
_UNSPACED = (
    "\u1100-\u11ff\u3005-\u3007\u3040-\u30ff\u3130-\u318f\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
_ROW = re.compile(f"[{_UNSPACED}]+")
_PIECES = re.compile(rf"[{_UNSPACED}]+|[^\W_]+")
MOST_PIECES = 32


def indexed(text: str) -> str:
    """Return a text with every unspaced character set apart, for the index."""
    return _ROW.sub(lambda row: f" {' '.join(row[0])} ", folded(text))


def match_expression(query: str) -> str | None:
    """Return the FTS5 expression for what somebody typed: all words, the last one as a beginning.

    ``None`` when there is no word in it.
    """
    pieces = _PIECES.findall(folded(query))[:MOST_PIECES]
    if not pieces:
        return None
    phrases = [_phrase(piece) for piece in pieces]
    unfinished = not _ROW.match(pieces[-1]) and not query[-1:].isspace()
    return " AND ".join(phrases) + (" *" if unfinished else "")


def folded(text: str) -> str:
    """Return a text for comparing and sorting: without case, in one normal form."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()


def _phrase(piece: str) -> str:
    words = list(piece) if _ROW.match(piece) else [piece]
    return f'"{" ".join(words)}"'
