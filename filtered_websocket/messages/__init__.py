"""What travels in messages: pure functions and objects of bytes."""
