"""The project's own loop."""
