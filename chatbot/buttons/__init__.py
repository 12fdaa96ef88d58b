"""What a press on a message does: one file per kind of button."""
