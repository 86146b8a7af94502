"""`python -m ingestor` is `apherelog`."""

from ingestor.cli import main

main()
