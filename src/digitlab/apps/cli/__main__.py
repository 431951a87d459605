"""`python -m digitlab.apps.cli` is `digitlab`."""

from digitlab.apps.cli import main

main()
