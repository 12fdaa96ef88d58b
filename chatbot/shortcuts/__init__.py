"""Entries in the menu of a message: one file per shortcut."""
