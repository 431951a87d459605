"""The API of `import digitlab`: the jobs of the package as functions for scripts and notebooks.

A function here takes the options of its command, under the same names, calls the job in `digitlab.jobs`, and shows its
progress where somebody is watching: as a bar on a terminal or in a notebook, not at all elsewhere (``progress=False``:
never, ``True``: always). ``listener`` is a function that is called with every event. Results display themselves.

Names that differ because of Python's grammar or conventions: ``--not`` is ``unless``, ``--for`` is ``seconds`` or
``target``, and ``--json`` is the result itself.
"""
