"""Turns texts and queries into words, in every language of the catalogue.

Chinese, Japanese and Korean are written without spaces, or with particles grown to the words. Their characters are
words of their own here, and what a query has of them in a row must stand in a row. Everything else goes by SQLite's
``unicode61``: letters and digits, without case and diacritics. Names that symbols make, such as C++, C#, .NET and A+,
are spelled out as one word more. The last word of a query may be unfinished; what follows it finishes it.
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
_APART = re.compile(f"[{_UNSPACED}]|[^{_UNSPACED}]+")
_PIECES = re.compile(rf"[{_UNSPACED}]+|[^\W_]+")
_LETTER = rf"[^\W_{_UNSPACED}]"
# From the beginning of a word, and all of it at once: of a long text each letter is looked at once.
_SYMBOLIC = re.compile(rf"(?<!{_LETTER})(?P<name>{_LETTER}++)(?P<symbol>\+\+|#|\+(?!{_LETTER}))|\.net(?!{_LETTER})")
_SYMBOLS = ("+", "#", ".net")
"""What each name with a symbol holds: hardly a text does, and to look for these alone is much quicker."""
# A plus by itself may be the first of two.
_SPELLED = {"++": "plusplus ", "+": "plus", "#": "sharp "}
MOST_PIECES = 32


def indexed(text: str) -> str:
    """Return a text for the index: every unspaced character set apart, names with symbols spelled out beside them."""
    text = folded(text)
    if any(symbol in text for symbol in _SYMBOLS):
        text = _SYMBOLIC.sub(lambda name: f"{name[0]} {_spelled(name)} ", text)
    return text if text.isascii() else " ".join(_APART.findall(text))


def match_expression(query: str) -> str | None:
    """Return the FTS5 expression for what somebody typed: all words, the last one as a beginning, better as it stands.

    ``None`` when there is no word in it.
    """
    text = _SYMBOLIC.sub(_spelled, folded(query))
    pieces = list(_PIECES.finditer(text))[:MOST_PIECES]
    if not pieces:
        return None
    *first, last = [_phrase(piece[0]) for piece in pieces]
    if pieces[-1].end() == len(text) and not _ROW.match(pieces[-1][0]):
        last = f"({last} OR {last} *)"
    return " AND ".join([*first, last])


def folded(text: str) -> str:
    """Return a text for comparing and sorting: without case, in one normal form."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()


def _spelled(name: re.Match[str]) -> str:
    return name["name"] + _SPELLED[name["symbol"]] if name["name"] else " dotnet "


def _phrase(piece: str) -> str:
    words = list(piece) if _ROW.match(piece) else [piece]
    return f'"{" ".join(words)}"'
