"""Entry point of `python -m digitlab`, which is the same as the command `digitlab`."""

from digitlab.apps.cli import main

main()
