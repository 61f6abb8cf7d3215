"""What a study gives to other people and their tools, and takes of theirs."""
