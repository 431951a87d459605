"""The page as a folder that needs no server: its scripts in one file, the models and its other content in another."""
