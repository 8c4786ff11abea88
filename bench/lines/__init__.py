"""The lines of the table, in the order of its rows. A new one is a file beside this and an entry here."""

from lines import drain, inbound

ALL = (inbound.LINE, drain.LINE)
