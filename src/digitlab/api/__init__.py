"""What `import digitlab` offers: the jobs of the package as functions for scripts and notebooks.

A function here takes what its command takes, under the same names, calls the job in `digitlab.jobs`, and shows how far
it is where somebody looks: as a bar on a terminal or in a notebook, not at all elsewhere (``progress=False``: never,
``True``: always). ``listener`` is a function that is told of every event. What comes back shows itself.

What Python's grammar or habit calls otherwise: ``--not`` is ``unless``, ``--for`` is ``seconds`` or ``target``, and
``--json`` is the result itself.
"""
