"""One subspace from several tasks, and what it is worth to a task that it was not made from."""
