"""Text, from its sources to token shards on disk."""
