"""The filters this project ships: plain filters, one module each, and one package per drop-in protocol (a pack)."""
