"""`python -m digitlab` is `digitlab`."""

from digitlab.apps.cli import main

main()
