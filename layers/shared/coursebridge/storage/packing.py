"""Compresses courses and LinkedIn's elements, with a preset dictionary of what they all have in common.

Most of such a JSON text consists of member names, URN prefixes and URLs that recur throughout a catalogue, but rarely
within one text. With a preset dictionary (RFC 1950, section 2.2) each text can refer to them: a course takes half the
space, and half the write units.

The table contains texts that were compressed with :data:`WORDS`, so it must never change; a different dictionary needs
a constant of its own. zlib rejects a text that was compressed with another dictionary than the one it is given.
"""

from __future__ import annotations

import zlib

FAST = 1

_COURSE = (
    b'{"authors":[{"name":"","urn":"urn:li:lyndaAuthor:1"}],"available_locales":["en_US","de_DE","fr_FR","ja_JP",'
    b'"zh_CN"],"classifications":[{"name":"","paths":[["urn:li:lyndaCategory:7182","urn:li:lyndaCategory:7164"]],'
    b'"type":"TOPIC","urn":"urn:li:lyndaCategory:7"},{"name":"","paths":[["urn:li:lyndaCategory:7164"]],'
    b'"type":"SUBJECT","urn":"urn:li:lyndaCategory:7"},{"name":"","paths":[[]],"type":"LIBRARY",'
    b'"urn":"urn:li:lyndaCategory:7"},{"name":"","paths":[[]],"type":"SKILL","urn":"urn:li:skill:1"}],"curated":null,'
    b'"description":"","duration_seconds":1,"launch_urls":{"aicc":"https://www.linkedin.com/learning/aicc?content='
    b'urn%3Ali%3AlyndaCourse%3A","sso":"https://www.linkedin.com/checkpoint/enterprise/login/","web":'
    b'"https://www.linkedin.com/learning/"},"level":"BEGINNER","INTERMEDIATE","ADVANCED",null,"locale":"en_US",'
    b'"published_at":"2020-01-01T00:00:00.000Z","retired":false,"retired_at":null,"short_description":"",'
    b'"thumbnail_url":"https://media.licdn.com/","https://cdn.lynda.com/course/","title":"","type":"COURSE",'
    b'"updated_at":"2024-01-01T00:00:00.000Z","urn":"urn:li:lyndaCourse:"}'
)
_ELEMENT = (
    b'{"contents":[{"asset":{"contents":[{"asset":{"contents":[],"title":{"locale":{"country":"DE","language":"de"},'
    b'"value":""},"type":"VIDEO","urn":"urn:li:lyndaVideo:(urn:li:lyndaCourse:1,1)"}}],"title":{"locale":{"country":'
    b'"US","language":"en"},"value":""},"type":"CHAPTER","urn":"urn:li:lyndaChapter:(urn:li:lyndaCourse:1,1)"}}],'
    b'"details":{"availability":"AVAILABLE","availableLocales":[{"country":"US","language":"en"}],"classifications":[{'
    b'"assigner":{"name":{"locale":{"country":"US","language":"en"},"value":"LinkedIn"},"urn":'
    b'"urn:li:organization:1337"},"associatedClassification":{"name":{"locale":{"country":"US","language":"en"},'
    b'"value":""},"owner":{"name":{"locale":{"country":"US","language":"en"},"value":"LinkedIn"},"urn":'
    b'"urn:li:organization:1337"},"type":"TOPIC","urn":"urn:li:lyndaCategory:7"},"path":[{"name":{"locale":{"country":'
    b'"US","language":"en"},"value":""},"owner":{"name":{"locale":{"country":"US","language":"en"},"value":"LinkedIn"}'
    b',"urn":"urn:li:organization:1337"},"type":"SUBJECT","urn":"urn:li:lyndaCategory:7"},{"type":"LIBRARY","urn":'
    b'"urn:li:lyndaCategory:7"},{"type":"SKILL","urn":"urn:li:skill:1"},"path":[]}],"contributors":[{"authorDetails":{'
    b'"firstName":{"locale":{"country":"US","language":"en"},"value":""},"lastName":{"locale":{"country":"US",'
    b'"language":"en"},"value":""}},"contributionType":"AUTHOR","name":{"locale":{"country":"US","language":"en"},'
    b'"value":""},"urn":"urn:li:lyndaAuthor:1"}],"description":{"locale":{"country":"US","language":"en"},"value":""},'
    b'"descriptionIncludingHtml":{"locale":{"country":"US","language":"en"},"value":""},"images":{"primary":'
    b'"https://media.licdn.com/","https://cdn.lynda.com/course/"},"lastUpdatedAt":1500000000000,"level":"BEGINNER",'
    b'"INTERMEDIATE","ADVANCED","publishedAt":1500000000000,"relationships":[],"shortDescription":{"locale":{"country":'
    b'"US","language":"en"},"value":""},"shortDescriptionIncludingHtml":{"locale":{"country":"US","language":"en"},'
    b'"value":""},"timeToComplete":{"duration":1,"unit":"SECOND"},"urls":{"aiccLaunch":'
    b'"https://www.linkedin.com/learning/aicc?content=urn%3Ali%3AlyndaCourse%3A&account='
    b'urn%3Ali%3AenterpriseApplicationInstance%3A%28urn%3Ali%3AenterpriseAccount%3A","ssoLaunch":'
    b'"https://www.linkedin.com/checkpoint/enterprise/login/1?pathWildcard=1&application=learning&redirect='
    b'https%3A%2F%2Fwww%2Elinkedin%2Ecom%2Flearning%2F","webLaunch":"https://www.linkedin.com/learning/"}},"title":{'
    b'"locale":{"country":"US","language":"en"},"value":""},"type":"COURSE","urn":"urn:li:lyndaCourse:1"}'
)
WORDS = _COURSE + _ELEMENT
"""What the texts have in common, the most frequent parts last: zlib encodes shorter distances in fewer bits."""


def pack(text: bytes) -> bytes:
    """Compress a text; speed matters more than the last tenth of the size."""
    packing = zlib.compressobj(FAST, zdict=WORDS)
    return packing.compress(text) + packing.flush()


def unpack(packed: bytes) -> bytes:
    """Decompress a text.

    Raises:
        zlib.error: ``packed`` is incomplete, or was not made by :func:`pack` with the same dictionary.
    """
    unpacking = zlib.decompressobj(zdict=WORDS)
    text = unpacking.decompress(packed)
    if not unpacking.eof:
        raise zlib.error("the text ends too early")
    return text
