/* What a run measures with: the clock, the CPU and resident memory of the server's processes, the latency histogram. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAXPID 32
static pid_t pids[MAXPID];
static int npid = 0;

static inline uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* Of a process that runs right now the kernel knows it as of the last tick (4 ms): measure for a hundred times as long. */
static double cpu_of(pid_t p) {
    clockid_t c;
    struct timespec t;
    if (clock_getcpuclockid(p, &c))
        return 0;
    if (clock_gettime(c, &t))
        return 0;
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static double cpu_all(void) {
    double s = 0;
    for (int i = 0; i < npid; i++)
        s += cpu_of(pids[i]);
    return s;
}

static double self_cpu(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static long rss_of(pid_t p) {
    char f[64], l[256];
    long v = 0;
    snprintf(f, 64, "/proc/%d/status", p);
    FILE *fp = fopen(f, "r");
    if (!fp)
        return 0;
    while (fgets(l, 256, fp))
        if (!strncmp(l, "VmRSS:", 6))
            v = atol(l + 6);
    fclose(fp);
    return v;
}

static long rss_all(void) {
    long s = 0;
    for (int i = 0; i < npid; i++)
        s += rss_of(pids[i]);
    return s;
}

/* latency histogram, log-linear: 64 sub-buckets per octave, ns */
#define HB 4096
static uint64_t hist[HB], hn;
static uint64_t hmax;
static inline int hb(uint64_t v) {
    if (v < 64)
        return v;
    int e = 63 - __builtin_clzll(v);
    int r = (e - 5) * 64 + ((v >> (e - 6)) & 63);
    return r < HB ? r : HB - 1;
}

static inline uint64_t hv(int b) {
    if (b < 64)
        return b;
    int e = b / 64 + 5;
    return (1ull << e) + ((uint64_t)(b % 64) << (e - 6));
}

static inline void hadd(uint64_t v) {
    hist[hb(v)]++;
    hn++;
    if (v > hmax)
        hmax = v;
}

static double hpct(double p) {
    uint64_t t = (uint64_t)(hn * p), a = 0;
    for (int i = 0; i < HB; i++) {
        a += hist[i];
        if (a > t)
            return hv(i) / 1000.0;
    }
    return hmax / 1000.0;
}

static void hreset(void) {
    memset(hist, 0, sizeof hist);
    hn = 0;
    hmax = 0;
}
