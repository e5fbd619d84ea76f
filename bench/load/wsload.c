/* wsload: a single-threaded epoll WebSocket load generator, loopback only. Prints one JSON line.
 *
 *   fanout  N subscribers and one publisher, W messages in flight
 *   pair    N clients in --channels rooms, everybody publishes, W in flight each
 *   echo    N clients, W messages in flight each
 *   idle    N connections and nothing else: handshakes, resident memory
 *
 * A data message carries "@@" and a ten-digit sequence number: a delivery is counted where one is found, so a protocol
 * that wraps, escapes or batches payloads is measured as it is.
 */
#define _GNU_SOURCE
#include "meter.h"

#include "client.h"

#include <sys/resource.h>

static char *mode = "fanout", *label = "";
static int N = 1000, M = 0, W = 1, channels = 100, pubself = 1;
static double tmax = 2, warm = 0.5, hold = 1.0, settle = 0.5;
static int isfan, ispair, isecho, isidle;

/* One entry per sequence number: when it was sent, by which client, and how many deliveries are still missing. */
#define SEQCAP 8000000u
static uint64_t *sent_at;
static int *missing, *owner;
static uint32_t seqn = 0, base = 0, seqlimit = SEQCAP;
static int expect = 0;
static uint64_t delivered = 0, completed = 0, tstart, deadline, tlast;

static uint64_t after(double seconds) {
    return now_ns() + (uint64_t)(seconds * 1e9);
}

static void pump_until(uint64_t end) {
    while (now_ns() < end)
        pump(20);
}

static void pubone(conn *c) {
    if (seqn >= seqlimit)
        return;
    uint32_t s = seqn++;
    sent_at[s] = now_ns();
    missing[s] = expect;
    owner[s] = c->idx;
    c->inflight++;
    unsigned char b[72000];
    rawsend(c, b, frameout(c, b, s));
}

static void onecho(conn *c) {
    if (c->rh == c->rt)
        return;
    hadd(now_ns() - c->ring[c->rt++ & 63]);
    delivered++;
    c->inflight--;
}

static void onmsg(conn *c, const unsigned char *p, int n) {
    if (isecho) {
        onecho(c);
        return;
    }
    if (c->ispub)
        return;
    const unsigned char *e = p + n;
    uint64_t t = 0;
    while ((p = memmem(p, e - p, "@@", 2))) {
        p += 2;
        if (e - p < 10)
            break;
        uint32_t s = 0;
        int i;
        for (i = 0; i < 10 && p[i] >= '0' && p[i] <= '9'; i++)
            s = s * 10 + p[i] - '0';
        if (i < 10)
            continue;
        p += 10;
        if (s < base || s >= seqn)
            continue;
        if (!t)
            t = now_ns();
        hadd(t - sent_at[s]);
        delivered++;
        if (--missing[s] > 0)
            continue;
        completed++;
        tlast = t;
        conn *o = &C[owner[s]];
        o->inflight--;
        if (ispair && t < deadline)
            pubone(o);
    }
}

/* Everybody connects, 64 at a time, and says what its protocol wants said first. */
static double connect_all(int total) {
    uint64_t t0 = now_ns();
    int i = 0;
    while (nopen < total) {
        while (i < total && nconnecting < 64) {
            startconn(i, isfan && i == N, ispair ? i % channels : 0);
            i++;
        }
        pump(1000);
        if (now_ns() - t0 > 120e9) {
            fprintf(stderr, "connect timeout open=%d\n", nopen);
            exit(2);
        }
        if (nclosed > 0 && nclosed > total / 10)
            exit(2);
    }
    return (now_ns() - t0) * 1e-9;
}

static void say_late(int total) {
    for (int k = 0; k < total; k++) {
        if (C[k].ispub)
            continue;
        char *t = subst(late, C[k].chan, C[k].idx, NULL);
        sendtext(&C[k], t, 1);
        free(t);
        if (k % 64 == 63)
            pump(1);
    }
    pump_until(after(settle));
}

static int idle(long rss0, double connect_s, double connect_cpu, double gen_cpu) {
    pump_until(after(hold));
    long rss1 = rss_all();
    printf("{\"mode\":\"idle\",\"label\":\"%s\",\"n\":%d,\"connect_s\":%.3f,\"conn_per_s\":%.0f,\"hs_cpu_us\":%.1f,"
           "\"rss0_kb\":%ld,\"rss1_kb\":%ld,\"kb_per_conn\":%.2f,\"gen_util\":%.2f,\"closed\":%d}\n",
           label, N, connect_s, N / connect_s, connect_cpu * 1e6 / N, rss0, rss1, (rss1 - rss0) / (double)N,
           gen_cpu / connect_s, nclosed);
    return 0;
}

static void top_up(conn *c) {
    static unsigned char ob[64 * 4400];
    int n = 0;
    uint64_t t = now_ns();
    while (c->inflight < W) {
        n += frameout(c, ob + n, c->inflight);
        c->ring[c->rh++ & 63] = t;
        c->inflight++;
    }
    if (n)
        rawsend(c, ob, n);
}

static void echo_for(double seconds) {
    static struct epoll_event ev[1024];
    for (deadline = after(seconds); now_ns() < deadline;) {
        int n = epoll_wait(ep, ev, 1024, 50);
        for (int q = 0; q < n; q++) {
            conn *c = ev[q].data.ptr;
            if (c->fd >= 0 && ev[q].events & EPOLLOUT)
                flushout(c);
            if (c->fd >= 0 && ev[q].events & EPOLLIN)
                onread(c);
            if (c->fd >= 0)
                top_up(c);
        }
    }
}

static int echo(void) {
    if (W > 64 || S > 4000) {
        fprintf(stderr, "echo: at most 64 in flight of at most 4000 bytes\n");
        return 1;
    }
    for (int k = 0; k < N; k++) {
        C[k].ring = calloc(64, 8);
        prep(&C[k]);
        top_up(&C[k]);
    }
    echo_for(warm);
    hreset();
    delivered = 0;
    double cpu = cpu_all(), self = self_cpu();
    uint64_t start = now_ns();
    echo_for(tmax);
    double sec = (now_ns() - start) * 1e-9;
    cpu = cpu_all() - cpu;
    printf(
        "{\"mode\":\"echo\",\"label\":\"%s\",\"n\":%d,\"w\":%d,\"size\":%d,\"deliveries\":%lu,\"lost\":0,\"sec\":%.3f,"
        "\"rate\":%.0f,\"p50_us\":%.0f,\"p99_us\":%.0f,\"cpu_us\":%.3f,\"cpu_util\":%.2f,\"gen_util\":%.2f,"
        "\"closed\":%d}\n",
        label, N, W, S, delivered, sec, delivered / sec, hpct(.5), hpct(.99), cpu * 1e6 / (delivered ? delivered : 1),
        cpu / sec, (self_cpu() - self) / sec, nclosed);
    return 0;
}

/* A protocol may confirm a subscription late: nothing is measured before one message of each room reached all of it. */
static int probe(void) {
    for (int tries = 0; tries < 20; tries++) {
        uint32_t first = seqn;
        if (isfan)
            pubone(&C[N]);
        else
            for (int k = 0; k < channels && k < N; k++)
                pubone(&C[k]);
        for (uint64_t end = after(2); now_ns() < end;) {
            pump(20);
            uint32_t q = first;
            while (q < seqn && missing[q] <= 0)
                q++;
            if (q == seqn)
                return 1;
        }
    }
    return 0;
}

/* Keeps W in flight for so long, then waits for what is on its way; what a server lost is waited for three seconds. */
static void publish_for(double seconds, int total) {
    for (int k = 0; k < total; k++)
        C[k].inflight = 0;
    pump_until(after(0.1));
    base = seqn;
    hreset();
    delivered = completed = 0;
    tstart = tlast = now_ns();
    deadline = after(seconds);
    seqlimit = M > 0 && base + M < SEQCAP ? base + M : SEQCAP;
    if (ispair)
        for (int k = 0; k < N; k++)
            for (int q = 0; q < W; q++)
                pubone(&C[k]);
    while (now_ns() < deadline + 3000000000ull) {
        conn *p = &C[N];
        while (isfan && p->fd >= 0 && seqn < seqlimit && p->inflight < W && now_ns() < deadline)
            pubone(p);
        if (seqn - base == completed && (seqn >= seqlimit || now_ns() >= deadline))
            break;
        pump(50);
    }
}

static int publish(int total, double connect_s) {
    sent_at = malloc(SEQCAP * 8ull);
    missing = malloc(SEQCAP * 4ull);
    owner = malloc(SEQCAP * 4ull);
    expect = isfan ? N : N / channels - !pubself;
    for (int k = 0; k < total; k++)
        if (ispair || C[k].ispub)
            prep(&C[k]);
    if (!probe()) {
        fprintf(stderr, "probe not fully delivered: %d of %d missing\n", missing[seqn - 1], expect);
        return 4;
    }
    publish_for(warm, total);
    double cpu = cpu_all(), self = self_cpu();
    publish_for(tmax, total);
    double sec = (tlast - tstart) * 1e-9;
    cpu = cpu_all() - cpu;
    printf(
        "{\"mode\":\"%s\",\"label\":\"%s\",\"n\":%d,\"w\":%d,\"size\":%d,\"msgs\":%u,\"deliveries\":%lu,\"lost\":%ld,"
        "\"sec\":%.3f,\"rate\":%.0f,\"p50_us\":%.0f,\"p99_us\":%.0f,\"cpu_us\":%.3f,\"cpu_util\":%.2f,"
        "\"gen_util\":%.2f,\"connect_s\":%.2f,\"closed\":%d}\n",
        mode, label, N, W, S, seqn - base, delivered, (long)((uint64_t)(seqn - base) * expect - delivered), sec,
        delivered / sec, hpct(.5), hpct(.99), cpu * 1e6 / (delivered ? delivered : 1), cpu / sec,
        (self_cpu() - self) / sec, connect_s, nclosed);
    return 0;
}

static void usage(void) {
    fprintf(stderr,
            "wsload --mode fanout|echo|pair|idle --port P --pid P[,P] [--path P] [--pub-path P] [--paths FILE]\n"
            "       [-n CLIENTS] [-w IN_FLIGHT] [-s BYTES] [-m MESSAGES] [--channels K] [--self 0|1]\n"
            "       [--init TEXT] [--pub-init TEXT] [--late-init TEXT] [--tmpl TEXT] [--hdr 'A: b\\r\\n'] [--eio]\n"
            "       [--deflated TEXT]\n"
            "       [--tmax SEC] [--warm SEC] [--hold SEC] [--settle SEC] [--label L]\n"
            "In paths and texts %%c is the channel's number, %%i the client's, %%P the payload.\n");
    exit(1);
}

static void read_paths(const char *name) {
    FILE *f = fopen(name, "r");
    static char line[4096];
    while (f && fgets(line, sizeof line, f) && nplist < 4096) {
        line[strcspn(line, "\n")] = 0;
        plist[nplist++] = strdup(line);
    }
    if (f)
        fclose(f);
}

static void read_pids(char *list) {
    for (char *q = strtok(list, ","); q && npid < MAXPID; q = strtok(NULL, ","))
        pids[npid++] = atoi(q);
}

static void options(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        char *a = argv[i];
#define A(x) (!strcmp(a, x) && i + 1 < argc)
        if (A("--mode"))
            mode = argv[++i];
        else if (A("--port"))
            port = atoi(argv[++i]);
        else if (A("--path"))
            path = argv[++i];
        else if (A("--pub-path"))
            pubpath = argv[++i];
        else if (A("-n"))
            N = atoi(argv[++i]);
        else if (A("-m"))
            M = atoi(argv[++i]);
        else if (A("-w"))
            W = atoi(argv[++i]);
        else if (A("-s"))
            S = atoi(argv[++i]);
        else if (A("--channels"))
            channels = atoi(argv[++i]);
        else if (A("--init") && ninit < MAXINIT)
            init_[ninit++] = argv[++i];
        else if (A("--late-init"))
            late = argv[++i];
        else if (A("--pub-init") && npubinit < MAXINIT)
            pubinit[npubinit++] = argv[++i];
        else if (A("--tmpl"))
            tmpl = argv[++i];
        else if (A("--paths"))
            read_paths(argv[++i]);
        else if (A("--hdr"))
            hdr = argv[++i];
        else if (A("--tmax"))
            tmax = atof(argv[++i]);
        else if (A("--warm"))
            warm = atof(argv[++i]);
        else if (A("--hold"))
            hold = atof(argv[++i]);
        else if (A("--settle"))
            settle = atof(argv[++i]);
        else if (A("--self"))
            pubself = atoi(argv[++i]);
        else if (A("--deflated"))
            deflated = argv[++i];
        else if (A("--label"))
            label = argv[++i];
        else if (!strcmp(a, "--eio"))
            eio = 1;
        else if (A("--pid"))
            read_pids(argv[++i]);
        else
            usage();
    }
}

int main(int argc, char **argv) {
    options(argc, argv);
    isfan = !strcmp(mode, "fanout");
    ispair = !strcmp(mode, "pair");
    isecho = !strcmp(mode, "echo");
    isidle = !strcmp(mode, "idle");
    if (isfan + ispair + isecho + isidle != 1)
        usage();
    for (int i = 0; i < (int)sizeof padding - 1; i++)
        padding[i] = 'a' + i % 26;
    struct rlimit rl;
    getrlimit(RLIMIT_NOFILE, &rl);
    rl.rlim_cur = rl.rlim_max;
    setrlimit(RLIMIT_NOFILE, &rl);

    ep = epoll_create1(0);
    int total = N + isfan;
    C = calloc(total, sizeof(conn));
    long rss0 = rss_all();
    double cpu = cpu_all(), self = self_cpu();
    double connect_s = connect_all(total);
    double connect_cpu = cpu_all() - cpu, gen_cpu = self_cpu() - self;
    pump_until(after(settle));
    if (late)
        say_late(total);
    if (isidle)
        return idle(rss0, connect_s, connect_cpu, gen_cpu);
    return isecho ? echo() : publish(total, connect_s);
}
