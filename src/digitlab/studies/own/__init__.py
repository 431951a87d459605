"""Our own studies: what the documents leave open and their readers ask. Each conclusion was written before any run."""
