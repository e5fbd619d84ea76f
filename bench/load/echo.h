/* echo: every client keeps so many messages in flight. */
static void echo_onmsg(conn *c, const unsigned char *p, int n) {
    if (eio && !memmem(p, n, "@@", 2))
        return; /* a greeting of the protocol */
    if (c->rh == c->rt || (!deflating && !memmem(p, n, "@@", 2))) {
        fprintf(stderr, "what came back is not what was sent\n");
        exit(4);
    }
    hadd(now_ns() - c->ring[c->rt++ & 63]);
    delivered++;
    c->inflight--;
}

static void top_up(conn *c) {
    static unsigned char ob[1 << 18];
    int n = 0;
    uint64_t t = now_ns();
    while (c->inflight < W) {
        if (n + c->f.n > (int)sizeof ob) {
            rawsend(c, ob, n);
            n = 0;
        }
        number(&c->f, c->inflight);
        if (c->f.n > (int)sizeof ob)
            rawsend(c, c->f.b, c->f.n);
        else {
            memcpy(ob + n, c->f.b, c->f.n);
            n += c->f.n;
        }
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
            onevents(c, ev[q].events);
            if (c->w.fd >= 0)
                top_up(c);
        }
    }
}

static int echo(void) {
    if (W > 64) {
        fprintf(stderr, "echo: at most 64 in flight\n");
        return 1;
    }
    for (int k = 0; k < N; k++) {
        C[k].ring = calloc(64, 8);
        prepare(&C[k].f, C[k].chan, C[k].idx);
        top_up(&C[k]);
    }
    echo_for(warm);
    hreset();
    delivered = 0;
    measure_t m = begin();
    echo_for(tmax);
    finish(m, delivered, 0);
    return 0;
}
