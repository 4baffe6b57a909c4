"""The embedded stack: the real template, deployed to an AWS emulator on your machine.

`python -m local up` builds, starts and deploys it; `python -m local down` stops it and cleans up.
"""
