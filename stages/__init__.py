"""DVC's entry points: each reads the parameters, calls the library and writes its outputs."""

from pipeline.running import startup
from pipeline.running.parents import end_with_parent

# Python imports this first where it starts a stage, which then loads libraries for seconds.
if startup.starting():
    end_with_parent(startup.PARENT)
