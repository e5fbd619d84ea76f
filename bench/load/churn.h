/* churn: connect, handshake, one message and its echo, closing handshake, end; again and again. */
static int *again, nagain = 0; /* slots whose client is gone */
static uint64_t cycles = 0;

static int churn_onend(conn *c) {
    again[nagain++] = c->idx;
    if (c->state != OPEN || !c->got)
        return 0;
    cycles++;
    hadd(now_ns() - c->began);
    return 1;
}

static void churn_onopen(conn *c) {
    prepare(&c->f, c->chan, c->idx);
    sendseq(c, &c->f, 0);
}

static void churn_onmsg(conn *c) {
    static const char normal[2] = {1000 >> 8, 1000 & 255};
    unsigned char b[16];
    if (!c->got++)
        rawsend(c, b, mkframe(b, normal, 2, 8));
}

static void churn_for(double seconds) {
    uint64_t end = after(seconds), seen = 0, last = now_ns();
    while (now_ns() < end) {
        while (nagain) {
            int i = again[--nagain];
            startconn(i, 0, i, 0);
        }
        pump(20);
        if (cycles != seen) {
            seen = cycles;
            last = now_ns();
        } else if (now_ns() - last > 5000000000ull) {
            fprintf(stderr, "no connection ended for 5 s\n");
            exit(4);
        }
    }
}

static int churn(void) {
    again = malloc(N * sizeof(int));
    for (int i = 0; i < N; i++)
        again[nagain++] = i;
    churn_for(warm);
    hreset();
    cycles = 0;
    measure_t m = begin();
    churn_for(tmax);
    finish(m, cycles, 0);
    return 0;
}
