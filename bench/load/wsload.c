/* wsload: a single-threaded epoll WebSocket load generator, loopback only. Prints one JSON line.
 *
 *   fanout  N subscribers and one publisher, W messages in flight
 *   pair    N clients in --channels rooms, everybody publishes, W in flight each
 *   shared  N subscribers, each in --each of --channels channels, and --pubs publishers, W in flight each
 *   echo    N clients, W messages in flight each
 *   churn   N clients connect, echo once and close, over and over
 *   idle    N connections and nothing else: handshakes, resident memory
 *
 * A data message carries "@@" and a ten-digit sequence number: a delivery is counted where one is found, so a protocol
 * that wraps, escapes or batches payloads is measured as it is. With --deflate the frames that arrive are counted, not
 * inflated: the n-th is the n-th message. Of frames above 32 KiB the beginning is looked at, the rest only counted.
 */
#define _GNU_SOURCE
#include "meter.h"

#include "client.h"

#include <sys/resource.h>

static char *mode = "fanout", *label = "";
static int M = 0, W = 1, pubself = 1, pubs = 1, before = 0;
static double tmax = 2, warm = 0.5, hold = 1.0;
static int isfan, ispair, isshared, isecho, ischurn, isidle;

static long rss0;
static uint64_t delivered = 0, deadline, tlast; /* tlast: of what publishers say, the last arrival; 0: the end */

static uint64_t after(double seconds) {
    return now_ns() + (uint64_t)(seconds * 1e9);
}

static void pump_until(uint64_t end) {
    while (now_ns() < end)
        pump(20);
}

/* Until the server has nothing to do: a tenth of a second with less than a tenth of its core used. */
static void pump_until_quiet(void) {
    double cpu = cpu_all();
    for (uint64_t end = after(20); now_ns() < end;) {
        pump_until(after(0.1));
        double now = cpu_all();
        if (now - cpu < 0.01)
            return;
        cpu = now;
    }
}

typedef struct {
    double cpu, self;
    uint64_t start;
} measure_t;

static measure_t begin(void) {
    return (measure_t){cpu_all(), self_cpu(), now_ns()};
}

/* What all modes but idle print; `count` is what the CPU is divided by. */
static void finish(measure_t m, uint64_t count, long lost) {
    if (!count) {
        fprintf(stderr, "nothing arrived\n");
        exit(4);
    }
    uint64_t end = tlast > m.start ? tlast : now_ns();
    double sec = (end - m.start) * 1e-9, cpu = cpu_all() - m.cpu;
    printf(
        "{\"mode\":\"%s\",\"label\":\"%s\",\"n\":%d,\"w\":%d,\"size\":%d,\"deliveries\":%lu,\"lost\":%ld,\"sec\":%.3f,"
        "\"rate\":%.0f,\"p50_us\":%.0f,\"p99_us\":%.0f,\"cpu_us\":%.3f,\"cpu_util\":%.2f,\"gen_util\":%.2f,"
        "\"rss0_kb\":%ld,\"rss_kb\":%ld,\"kb_per_channel\":%.2f,\"closed\":%d}\n",
        mode, label, N, W, S, count, lost, sec, count / sec, hpct(.5), hpct(.99), cpu * 1e6 / count, cpu / sec,
        (self_cpu() - m.self) / sec, rss0, rss_all(), (rss_all() - rss0) / (double)channels, nclosed);
}

/* Everybody connects, 64 at a time, and says what its protocol wants said first. */
static double connect_all(int total) {
    uint64_t t0 = now_ns();
    int i = 0;
    while (nopen < total) {
        while (i < total && nconnecting < 64) {
            startconn(i, i >= N, ispair ? i % channels : 0, 1);
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

#include "churn.h"
#include "echo.h"
#include "idle.h"
#include "publish.h"

static void onopen(conn *c) {
    if (ischurn)
        churn_onopen(c);
}

static int onend(conn *c) {
    return ischurn && churn_onend(c);
}

static void onmsg(conn *c, const unsigned char *p, int n) {
    if (ischurn)
        churn_onmsg(c);
    else if (isecho)
        echo_onmsg(c, p, n);
    else if (!isidle)
        publish_onmsg(c, p, n);
}

static void usage(void) {
    fprintf(
        stderr,
        "wsload --mode fanout|pair|shared|echo|churn|idle --port P --pid P[,P] [--tls] [--path P] [--pub-path P]\n"
        "       [--paths FILE] [-n CLIENTS] [-w IN_FLIGHT] [-s BYTES] [-m MESSAGES] [--channels K] [--each K]\n"
        "       [--pubs P] [--self 0|1] [--init TEXT] [--pub-init TEXT] [--late-init TEXT] [--tmpl TEXT]\n"
        "       [--hdr 'A: b\\r\\n'] [--eio] [--json] [--deflate] [--deflated TEXT] [--before]\n"
        "       [--answers K] [--every-second PATH HEX]\n"
        "       [--tmax SEC] [--warm SEC] [--hold SEC] [--label L]\n"
        "In paths and texts %%c is the channel's number, %%i the client's, %%P the payload, %%j /c1/c2, the client's\n"
        "channels. --json: the payload is a document; --deflate: clients offer and use permessage-deflate; "
        "--deflated:\n"
        "they send one compressed message; --before: as many connections come and go before those measured; --answers:\n"
        "a client is in when so many messages have come, lines or behind their lengths; --every-second: by another path,\n"
        "and saying these bytes first in place of --init.\n");
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

static void read_second(const char *hex) {
    for (unsigned byte; nsecond < (int)sizeof second && sscanf(hex, "%2x", &byte) == 1; hex += 2)
        second[nsecond++] = byte;
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
        else if (A("--each"))
            each = atoi(argv[++i]);
        else if (A("--pubs"))
            pubs = atoi(argv[++i]);
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
        else if (A("--self"))
            pubself = atoi(argv[++i]);
        else if (A("--deflated"))
            deflated = argv[++i];
        else if (A("--label"))
            label = argv[++i];
        else if (A("--answers"))
            answers = atoi(argv[++i]);
        else if (A("--every-second") && i + 2 < argc) {
            secondpath = argv[++i];
            read_second(argv[++i]);
        } else if (A("--pid"))
            read_pids(argv[++i]);
        else if (!strcmp(a, "--eio"))
            eio = 1;
        else if (!strcmp(a, "--tls"))
            tls_begin();
        else if (!strcmp(a, "--json"))
            json = 1;
        else if (!strcmp(a, "--deflate"))
            deflating = 1;
        else if (!strcmp(a, "--before"))
            before = 1;
        else
            usage();
    }
}

int main(int argc, char **argv) {
    options(argc, argv);
    isfan = !strcmp(mode, "fanout");
    ispair = !strcmp(mode, "pair");
    isshared = !strcmp(mode, "shared");
    isecho = !strcmp(mode, "echo");
    ischurn = !strcmp(mode, "churn");
    isidle = !strcmp(mode, "idle");
    if (isfan + ispair + isshared + isecho + ischurn + isidle != 1)
        usage();
    if ((ispair && N % channels) || (isshared && (long)N * each % channels) || each > channels) {
        fprintf(stderr, "all channels must have equally many clients\n");
        return 1;
    }
    struct rlimit rl;
    getrlimit(RLIMIT_NOFILE, &rl);
    rl.rlim_cur = rl.rlim_max;
    setrlimit(RLIMIT_NOFILE, &rl);

    ep = epoll_create1(0);
    int total = N + (isfan ? 1 : isshared ? pubs : 0);
    C = calloc(total, sizeof(conn));
    for (int i = 0; i < total; i++)
        C[i].w.fd = -1;
    if (before)
        warm_up(total);
    rss0 = rss_all();
    if (ischurn)
        return churn();
    double cpu = cpu_all(), self = self_cpu();
    double connect_s = connect_all(total);
    double connect_cpu = cpu_all() - cpu, gen_cpu = self_cpu() - self;
    if (isidle)
        return idle(connect_s, connect_cpu, gen_cpu);
    pump_until_quiet();
    if (late)
        say_late(total);
    return isecho ? echo() : publish(total);
}
