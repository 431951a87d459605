"""Picture files: which kinds can be read, and the pages of files that have several (TIFF, PDF)."""
