"""What a test with a server leaves behind, counted and named: what remains fails the test that has left it.

- `own_process`: descriptors, threads and child processes of the process that runs the tests; on for every test;
- `memory_server`: what a server of the testing kit still has when it has stopped: timers, Deferreds that nobody fires,
  users, channels, subscriptions and leases of its storage object; all but timers of one that `serving` has on a port;
- `real_server`: the same of a `fws_server`, from outside, by its metrics and the process table;
- `steady`: the memory that something may keep which a test repeats a thousand times.

What is legitimately still ending is waited for, with a deadline.
"""
