"""DVC's entry points: each reads the parameters, calls the library and writes its outputs."""

# Python imports this first of all where it starts a stage.
import pipeline  # noqa: F401
