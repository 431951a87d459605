"""The page as a folder that needs no server: its scripts in one file, the models and what else it shows in another."""
