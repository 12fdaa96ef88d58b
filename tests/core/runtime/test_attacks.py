"""Handlers that mean harm, or might as well: each fails as it should, and the pool goes on."""

from __future__ import annotations

import textwrap

import pytest

from core.handler import HandlerError
from core.runtime import HandlerPool

FINE = 'def handle(event, config):\n    return [{"type": "log", "message": "fine"}]'

ATTACKS: dict[str, tuple[str, str]] = {
    # kind (two where it is the machine's load that decides), body of handle()
    "endless loop": ("timeout", "while True:\n    pass"),
    "loop that catches everything": (
        "timeout",
        "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass",
    ),
    "endless iterator": ("timeout", "import itertools\nreturn max(itertools.count())"),
    "one long multiplication": ("timeout", "x = 3\nwhile True:\n    x = x * x"),
    "deep compile": (
        "timeout",
        "exec(''.join('    ' * i + f'def f{i}():\\n' for i in range(40)) + '    ' * 40 + 'pass')",
    ),
    "comparing what is shared": (
        "timeout",
        "x, y = ['x'], ['x']\nfor _ in range(60):\n    x, y = [x, x], [y, y]\nreturn x == y",
    ),
    "recursion": ("raised", "return handle(event, config)"),
    "recursion of lambdas": ("raised", "f = lambda x: f(x)\nreturn f(1)"),
    "a list by multiplication": ("memory", "return [0] * 10**9"),
    "a text by multiplication": ("memory", 'return "x" * 10**9'),
    "a growing list": ("memory|timeout", "x = [1]\nwhile True:\n    x = x + x"),
    "catching the memory error": (
        "memory",
        "while True:\n    try:\n        x = [0] * 10**9\n    except BaseException:\n        pass",
    ),
    "big integer": ("memory", "return 10**10**9"),
    "big shift": ("memory", "return 1 << 10**10"),
    "big factorial": ("memory", "import math\nreturn math.factorial(10**7)"),
    "wide format": ("memory|timeout", 'return f"{1:>1000000000}"'),
    "wide padding": ("memory", 'return "x".center(10**9)'),
    "replacement": ("memory", 'return ("a" * 10**6).replace("a", "b" * 10**6)'),
    "product": ("memory|timeout", "import itertools\nreturn list(itertools.product(range(1000), repeat=5))"),
    "huge message": ("memory|timeout", 'raise ValueError("x" * 20_000_000)'),
    "huge result": ("rubbish", 'return [{"type": "log", "message": "x" * 2_000_000}]'),
    "huge shared result": ("memory|timeout", 'x = ["x" * 1000] * 1000\nreturn [x] * 1000'),
    "result that unfolds": ("memory|timeout", "x = ['x']\nfor _ in range(24):\n    x = [x, x]\nreturn x"),
    "deep result": ("rubbish", "x = 1\nfor _ in range(100_000):\n    x = [x]\nreturn x"),
    "deep JSON": ("raised", 'import json\nreturn json.loads("[" * 100_000)'),
    "import os": ("raised", 'import os\nreturn os.listdir("/")'),
    "the environment": ("raised", "import os\nreturn dict(os.environ)"),
    "a command": ("raised", 'import os\nreturn os.system("id")'),
    "import sys": ("raised", "import sys\nreturn sys.modules"),
    "import subprocess": ("raised", "import subprocess\nreturn subprocess.run(['id'])"),
    "import socket": ("raised", "import socket\nreturn socket.create_connection(('127.0.0.1', 80))"),
    "import ctypes": ("raised", "import ctypes"),
    "a file": ("raised", 'return open("/etc/passwd").read()'),
    "a file by path": ("raised", 'from pathlib import Path\nreturn Path("/etc/passwd").read_text()'),
    "writing a file": ("raised", 'return open("/tmp/x", "w").write("x")'),
    "__import__": ("raised", 'return __import__("os").listdir("/")'),
    "eval": ("raised", "return eval(\"__import__('os').listdir('/')\")"),
    "exec": ("raised", "exec(\"import os\\nos.listdir('/')\")"),
    "eval for memory": ("memory", 'return eval("[0] * 10**9")'),
    "getattr of a dunder": ("raised", 'return str(getattr((), "__class__"))'),
    "subclasses": ("raised", "return ().__class__.__bases__[0].__subclasses__()"),
    "globals of a function": ("raised", "return str(handle.__globals__)"),
    "code of a function": ("raised", "return str(handle.__code__)"),
    "builtins": ("raised", 'return __builtins__["open"]'),
    "sleep": ("raised", "import time\ntime.sleep(10)"),
    "async sleep": ("raised", "import asyncio\nasyncio.run(asyncio.sleep(10))"),
    "SystemExit": ("raised", "raise SystemExit(1)"),
    "KeyboardInterrupt": ("raised", "raise KeyboardInterrupt()"),
    "exit": ("raised", "exit()"),
    "input": ("raised", "return input()"),
    "unknown names, again and again": (
        "raised",
        "while True:\n    try:\n        unknown\n    except NameError:\n        pass",
    ),
    "pretending a time limit": ("raised", 'raise TimeoutError("mine")'),
    "pretending a memory limit": ("raised", 'raise MemoryError("mine")'),
    "a function": ("rubbish", "return [{'x': handle}]"),
    "a lambda": ("rubbish", "return [lambda: 1]"),
    "a built-in": ("rubbish", "return [len]"),
    "a class": ("rubbish", "return [int]"),
    "a module": ("rubbish", "import json\nreturn [json]"),
    "an exception": ("rubbish", 'return [ValueError("x")]'),
    "a set": ("rubbish", "return [{1, 2}]"),
    "bytes": ("rubbish", 'return [b"x"]'),
    "a date": ("rubbish", "import datetime\nreturn [datetime.datetime.now()]"),
    "NaN": ("rubbish", 'return [float("nan")]'),
    "infinity": ("rubbish", 'return [float("inf")]'),
    "a cycle of lists": ("rubbish", "x = []\nx.append(x)\nreturn x"),
    "a cycle of dicts": ("rubbish", 'x = {}\nx["x"] = x\nreturn [x]'),
    "a key that is no text": ("rubbish", "return [{1: 2}]"),
    "a key that is a tuple": ("rubbish", "return [{(1, 2): 2}]"),
    "integer beyond 64 bits": ("rubbish", "return [2**64]"),
    "integer of 5000 digits": ("rubbish", "return [10**5000]"),
}


@pytest.mark.parametrize("name", ATTACKS)
async def test_an_attack_fails_as_it_should(pool: HandlerPool, name: str) -> None:
    kinds, body = ATTACKS[name]
    source = "def handle(event, config):\n" + textwrap.indent(body, "    ")
    with pytest.raises(HandlerError) as caught:
        await pool.run(source, event={"payload": "SECRET"}, config={}, owner="attacker")
    assert caught.value.kind in kinds.split("|"), str(caught.value)
    assert caught.value.retriable == (caught.value.kind == "timeout")
    assert "SECRET" not in str(caught.value)
    assert len(str(caught.value)) < 400
    ran = await pool.run(FINE, event={}, config={}, owner="other")
    assert ran.actions == [{"type": "log", "message": "fine"}]


TOP_LEVEL: dict[str, tuple[str, str]] = {
    "endless loop while loading": ("timeout", "while True:\n    pass"),
    "returning before the end": ("rubbish", "return [lambda: 1]"),
    "returning what unfolds before the end": ("rubbish", "x = []\nfor _ in range(64):\n    x = [x, x]\nreturn x"),
    "returning unmarked text": ("rubbish", 'return "[]"'),
    "returning a forged number": ("rubbish", 'return "=[1e999]"'),
    "returning a forged surrogate": ("rubbish", r'return "=[\"\\ud800\"]"'),
    "returning forged depth": ("rubbish", 'return "=" + "[" * 100_000'),
    "returning a forged size": ("rubbish", 'return "=[" + "1," * 1_000_000 + "1]"'),
    "returning a forged constant": ("rubbish", 'return "=[NaN]"'),
    "replacing json": ("rubbish", "import json\n\ndef handle(event, config):\n    return [{1}]\n"),
    "no handle": ("raised", "x = 1"),
    "handle of one argument": ("raised", "def handle(event):\n    return []"),
    "handle is not a function": ("raised", "handle = 1"),
    "a coroutine": ("rubbish", "async def handle(event, config):\n    return []"),
    "open bracket": ("syntax", "def handle(event, config):\n    return ("),
    "open text": ("syntax", 'def handle(event, config):\n    return """'),
    "deep brackets": ("syntax", "(" * 5000),
    "inheritance": ("syntax", "class A(Exception):\n    pass"),
}


@pytest.mark.parametrize("name", TOP_LEVEL)
async def test_a_module_that_does_not_play_by_the_rules(pool: HandlerPool, name: str) -> None:
    kind, source = TOP_LEVEL[name]
    with pytest.raises(HandlerError) as caught:
        await pool.run(source, event={}, config={}, owner="attacker")
    assert caught.value.kind == kind
    ran = await pool.run(FINE, event={}, config={}, owner="other")
    assert ran.actions == [{"type": "log", "message": "fine"}]
