"""The sandbox's Python, as data: what is there, what is not, and what to write instead.

The check reads it, and so do the prompt that asks Claude for a handler, and the docs. The tests hold it against the
sandbox itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.texts import T, Text

MAX_SOURCE = 64 * 1024
"""Bytes of a handler.py."""

MAX_DEF_DEPTH = 5
"""Levels of `def` in one another: the sandbox's compile time grows by 2.7 with each."""

ALLOWED_MODULES: dict[str, tuple[str, ...] | None] = {
    "__future__": ("annotations",),
    "base64": None,
    "binascii": None,
    "bisect": None,
    "collections": ("Counter", "defaultdict", "deque", "namedtuple"),
    "copy": ("copy", "deepcopy"),
    "csv": ("DictReader", "Error", "QUOTE_ALL", "QUOTE_MINIMAL", "QUOTE_NONE", "QUOTE_NONNUMERIC", "reader"),
    "dataclasses": ("FrozenInstanceError", "MISSING", "dataclass", "field", "is_dataclass"),
    "datetime": ("date", "datetime", "time", "timedelta", "timezone"),
    "decimal": None,
    "functools": ("cache", "lru_cache", "partial", "reduce"),
    "hashlib": None,
    "itertools": None,
    "json": ("JSONDecodeError", "dumps", "loads"),
    "math": None,
    "random": None,
    "re": (
        *("A", "ASCII", "DOTALL", "I", "IGNORECASE", "M", "MULTILINE", "Match", "NOFLAG", "Pattern", "S", "compile"),
        *("error", "escape", "findall", "finditer", "fullmatch", "match", "search", "split", "sub"),
    ),
    "time": None,
    "typing": (
        *("Annotated", "Any", "Callable", "ClassVar", "Dict", "Final", "FrozenSet", "Generic", "Iterable", "Iterator"),
        *("List", "Literal", "Mapping", "Never", "NoReturn", "Optional", "Protocol", "Self", "Sequence", "Set"),
        *("TYPE_CHECKING", "Tuple", "Type", "TypeVar", "Union"),
    ),
    "unicodedata": None,
}
"""Modules that a handler may import, each with the names it has there; None: all that matter."""

INSTEAD_OF_MODULE: dict[str, Text] = {
    **dict.fromkeys(
        ("aiohttp", "http", "httpx", "requests", "socket", "ssl", "urllib3"),
        T("a handler has no network: return an action of type http_request"),
    ),
    **dict.fromkeys(("email", "smtplib"), T("a handler has no network: return an action of type email")),
    **dict.fromkeys(("slack_bolt", "slack_sdk"), T("a handler has no network: return an action of type slack_message")),
    **dict.fromkeys(
        ("io", "os", "pathlib", "shutil", "sqlite3", "subprocess", "sys", "tempfile"),
        T("a handler has no files, processes or environment: everything it needs is in event and config"),
    ),
    **dict.fromkeys(("asyncio", "concurrent", "multiprocessing", "threading"), T("handle() runs alone, start to end")),
    "abc": T("write plain functions"),
    "enum": T("use constants or Literal from typing"),
    "heapq": T("use sorted()"),
    "hmac": T("signatures are checked before the handler runs; hashlib is there for digests"),
    "html": T("use str.replace() for &, < and >"),
    "logging": T("use print(), or return an action of type log"),
    "operator": T("use a lambda"),
    "secrets": T("use random"),
    "statistics": T("use sum(), len(), sorted()"),
    "string": T("write the characters out"),
    "textwrap": T("use slices and str.join()"),
    "urllib": T("take addresses apart with str.partition(); quote by hand"),
    "uuid": T("use event['id']"),
    "zoneinfo": T("use timezone(timedelta(hours=…)) from datetime"),
}
"""What to do without a module that handlers often want."""

MISSING_BUILTINS: tuple[str, ...] = (
    *("__import__", "ascii", "breakpoint", "bytearray", "callable", "compile", "delattr", "dir", "exit", "globals"),
    *("help", "input", "issubclass", "memoryview", "quit", "vars"),
)
"""Built-in functions that the sandbox does not have."""


@dataclass(frozen=True)
class Unsupported:
    """Something of Python that the sandbox does not do: what, what to write instead, and the shortest example of it."""

    what: Text
    instead: Text
    example: str


UNSUPPORTED: dict[str, Unsupported] = {
    "inheritance": Unsupported(
        T("classes that inherit, so exceptions of one's own, Enum, TypedDict, NamedTuple"),
        T("write a plain class, a @dataclass or dicts; raise ValueError"),
        "class Refused(Exception):\n    pass",
    ),
    "method-decorator": Unsupported(
        T("property, staticmethod and classmethod"),
        T("write a method or a function"),
        "class A:\n    @property\n    def x(self):\n        return 1",
    ),
    "yield": Unsupported(T("yield"), T("build a list and return it"), "def f():\n    yield 1"),
    "del": Unsupported(T("del"), T("use pop(), or build a new dict without the key"), "x = {1: 2}\ndel x[1]"),
    "async": Unsupported(
        T("async for and async comprehensions"),
        T("handle() runs alone: use for"),
        "async def f(x):\n    [y async for y in x]",
    ),
    "star-import": Unsupported(T("import *"), T("name what you need"), "from math import *"),
    "relative-import": Unsupported(T("relative imports"), T("handler.py is one file"), "from . import x"),
    "except-group": Unsupported(T("except*"), T("use except"), "try:\n    pass\nexcept* ValueError:\n    pass"),
    "next-generator": Unsupported(
        T("next() on a generator expression, which is a list here"),
        T("write next(iter([…]), default)"),
        "next(x for x in [1])",
    ),
    "method-as-value": Unsupported(
        T("methods of built-in types as values (key=str.lower, key=d.get)"),
        T("use a lambda: key=lambda s: s.lower()"),
        'sorted(["b"], key=str.lower)',
    ),
    "sub-callable": Unsupported(
        T("a function as the replacement in re.sub()"),
        T("loop over re.finditer() and join the parts"),
        'import re\nre.sub("a", lambda found: "b", "a")',
    ),
    "json-hooks": Unsupported(
        T("default=, cls= and object_hook= of json"),
        T("turn the values into str, int, list or dict first"),
        "import json\njson.dumps({}, default=str)",
    ),
    "datetime-method": Unsupported(
        T("fromtimestamp(), utcfromtimestamp(), utcnow() and isocalendar() of datetime"),
        T("use datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=…), datetime.now(timezone.utc)"),
        "import datetime\ndatetime.datetime.utcnow()",
    ),
    "str-method": Unsupported(
        T("translate(), maketrans() and format_map() of str"),
        T("use replace(), format() or an f-string"),
        '"a".translate({})',
    ),
    "raise-arguments": Unsupported(
        T("exceptions with other than one str"), T("raise them with one f-string"), 'raise ValueError("a", "b")'
    ),
    "sleep": Unsupported(
        T("sleep()"), T("return the actions; the engine retries what fails"), "import time\ntime.sleep(1)"
    ),
    "files": Unsupported(
        T("open()"), T("a handler has no files: everything it needs is in event and config"), 'open("/etc/passwd")'
    ),
    "top-level-return": Unsupported(T("return outside of a function"), T("write it inside handle()"), "return 1"),
}
"""What the check refuses, by name."""
