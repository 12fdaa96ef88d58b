"""The dashboard: pages for people, one file each, over the same services and permissions as REST.

A page is a function under `door.page`, an action (what a button does) one under `door.action`; its template has its
name in `core/http/web/dashboard`. Every module here is imported, so that a new file is a new page.
"""

from __future__ import annotations

import importlib
import pkgutil

from core.http.routes import Routes


def load() -> Routes:
    """Import every page; return their routes, which are no part of the API."""
    for module in pkgutil.iter_modules(__path__, __name__ + "."):
        importlib.import_module(module.name)
    from core.http.dashboard.door import PAGES  # here, for the door is one of those modules

    return PAGES
