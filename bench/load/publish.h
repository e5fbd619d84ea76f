/* fanout, pair, shared: publishers keep so many messages in flight, and every delivery is found by its number. */

/* One entry per sequence number: when it was sent, by which client, and how many deliveries are still missing. */
#define SEQCAP 8000000u
static uint64_t *sent_at;
static int *missing, *owner;
static uint32_t seqn = 0, base = 0, seqlimit = SEQCAP;
static int expect = 0;
static frame *shared; /* one message per channel, whoever publishes it */
static uint64_t completed = 0;

static void pubone(conn *c) {
    if (seqn >= seqlimit)
        return;
    uint32_t s = seqn++;
    sent_at[s] = now_ns();
    missing[s] = expect;
    owner[s] = c->idx;
    c->inflight++;
    frame *f = &c->f;
    if (isshared) { /* in a fixed order that has no neighbours in it */
        int chan = (s * 37ull) % channels;
        f = &shared[chan];
        prepare(f, chan, 0);
    }
    sendseq(c, f, s);
}

/* One delivery of message s. */
static void arrived(uint32_t s, uint64_t t) {
    if (s < base || s >= seqn)
        return;
    hadd(t - sent_at[s]);
    delivered++;
    if (missing[s] <= 0) {
        fprintf(stderr, "message %u arrived more often than there are subscribers\n", s);
        exit(4);
    }
    if (--missing[s] > 0)
        return;
    completed++;
    tlast = t;
    conn *o = &C[owner[s]];
    o->inflight--;
    if (!isfan && t < deadline)
        pubone(o);
}

/* A frame from the server: how many messages are in it, and which. */
static void publish_onmsg(conn *c, const unsigned char *p, int n) {
    if (c->ispub)
        return;
    uint64_t t = now_ns();
    if (deflating) {
        arrived(c->got++, t);
        return;
    }
    const unsigned char *e = p + n;
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
        arrived(s, t);
    }
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
    pump_until_quiet();
}

/* A protocol may confirm a subscription late: nothing is measured before one message of each room reached all of it. */
static int probe(int total) {
    for (int tries = 0; tries < 20; tries++) {
        uint32_t first = seqn;
        if (ispair)
            for (int k = 0; k < channels && k < N; k++)
                pubone(&C[k]);
        else
            for (int k = N; k < total; k++)
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
static measure_t publish_for(double seconds, int total) {
    for (int k = 0; k < total; k++)
        C[k].inflight = 0;
    pump_until(after(0.1));
    base = seqn;
    hreset();
    delivered = completed = 0;
    measure_t m = begin();
    tlast = m.start;
    deadline = after(seconds);
    seqlimit = M > 0 && base + M < SEQCAP ? base + M : SEQCAP;
    for (int k = ispair ? 0 : N; k < total && !isfan; k++)
        for (int q = 0; q < W; q++)
            pubone(&C[k]);
    while (now_ns() < deadline + 3000000000ull) {
        conn *p = &C[N];
        while (isfan && p->w.fd >= 0 && seqn < seqlimit && p->inflight < W && now_ns() < deadline)
            pubone(p);
        if (seqn - base == completed && (seqn >= seqlimit || now_ns() >= deadline))
            break;
        pump(50);
    }
    return m;
}

static int publish(int total) {
    sent_at = malloc(SEQCAP * 8ull);
    missing = malloc(SEQCAP * 4ull);
    owner = malloc(SEQCAP * 4ull);
    shared = calloc(channels, sizeof *shared);
    expect = isfan ? N : (int)((long)N * each / channels) - !pubself;
    for (int k = 0; k < total; k++)
        if (ispair || (isfan && C[k].ispub))
            prepare(&C[k].f, C[k].chan, C[k].idx);
    if (!probe(total)) {
        fprintf(stderr, "probe not fully delivered: %d of %d missing\n", missing[seqn - 1], expect);
        return 4;
    }
    publish_for(warm, total);
    measure_t m = publish_for(tmax, total);
    finish(m, delivered, (long)((uint64_t)(seqn - base) * expect - delivered));
    return 0;
}
