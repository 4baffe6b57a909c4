"""The embedded stack: the real template, deployed to an AWS emulator on this machine.

`python -m local up` builds, starts and deploys; `python -m local down` leaves nothing behind.
"""
