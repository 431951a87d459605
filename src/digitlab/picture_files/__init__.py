"""Picture files: which kinds can be read, the pages of files that have several (TIFF, PDF), conversion to RGB."""
