"""Which models run on one thread; known without torch, so that a driver can ask."""

# At most so wide: docs/decisions/0002.
ONE_THREAD_WIDTH = 64
