"""Attackers of limits, a table for each kind, the servers that they attack, and the ledger of what that costs."""
