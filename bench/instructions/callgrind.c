/* Tells valgrind's callgrind, from Python by ctypes, what to count. */
#include <valgrind/callgrind.h>

void toggle(void) { CALLGRIND_TOGGLE_COLLECT; }
void end_path(const char *name) { CALLGRIND_DUMP_STATS_AT(name); }
