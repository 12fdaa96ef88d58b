"""A page in the browser of whoever sits before the screen."""

from __future__ import annotations

import threading
import webbrowser
from collections.abc import Mapping

_SCREENS = ("DISPLAY", "WAYLAND_DISPLAY")


def there(environ: Mapping[str, str], platform: str) -> bool:
    """Say if somebody would see a browser: on a desktop, not over SSH without a display."""
    if platform in ("darwin", "win32"):
        return "SSH_CONNECTION" not in environ
    return any(environ.get(name) for name in _SCREENS)


def show(address: str) -> None:
    """Open the address, without waiting for the browser; where none can be started nothing happens."""
    threading.Thread(target=webbrowser.open, args=(address,), name="browser", daemon=True).start()
