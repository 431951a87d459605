"""The shipped page reader's two networks: where digits are, and which; trained together on pages drawn by code."""
