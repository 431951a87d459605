"""Studies of our own: what the documents leave open and their readers ask. Each conclusion was written before a run."""
