"""Breaks a running Switchboard in every way the table of docs/survival.md names, and checks the books afterwards.

Standard library only. `make chaos` runs it; `python3 -m chaos --help` says what it takes.
"""
