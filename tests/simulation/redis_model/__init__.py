"""A model of Redis behind its protocol: in memory, on a clock, the same every time. The scripts it runs are ours."""
