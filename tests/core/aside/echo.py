"""A process for the tests of `core.aside`: does what it is told."""

from __future__ import annotations

import os
import threading

from core.aside.serving import serve


def answer(message: bytes) -> bytes:
    text = message.decode()
    if text.startswith("pid"):
        threading.Event().wait(0.2 if "slowly" in text else 0)
        return str(os.getpid()).encode()
    if text.startswith("raise"):
        raise ValueError(text)
    if text == "spin":
        while True:
            pass
    if text == "exit":
        os._exit(3)
    if text.startswith("leave"):
        threading.Timer(0.05, os._exit, [0]).start()
    if text == "environment":
        return " ".join(os.environ).encode()
    if text.startswith("print"):
        print("this goes nowhere", flush=True)  # noqa: T201 - what a library may do
    return message


if __name__ == "__main__":
    serve(answer)
