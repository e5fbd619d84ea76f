"""What clients of each pack say and hear: packets made and read, with no connection. One module for each pack."""
