"""`python -m voicebill` is the command `voicebill`."""

from voicebill.cli import main

main()
