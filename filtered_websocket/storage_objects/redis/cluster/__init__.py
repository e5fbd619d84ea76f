"""Redis storage on a Redis Cluster: 64 partitions, each at whichever master has its slot."""
