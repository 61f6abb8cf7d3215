"""Text as token ids: the vocabulary and the corpus's shards, as they are read."""
