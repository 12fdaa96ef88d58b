"""Modals and the App Home: one file per view."""
