"""The original's place for subscribers: threads that feed the queue. Our storage objects need none."""
