"""Imported by the fork server before all else: it ends with its driver at once, idle or loading.

While it loads the libraries Ctrl-C ends it without a word, and so it does its forks; one that came
before has waited until now (`process`).
"""

import signal

from pipeline.running.parents import end_by_the_system
from pipeline.running.startup import quietly

quietly()
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
end_by_the_system()
