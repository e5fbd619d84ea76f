/* The clients: what they are told by options, their frames, their sockets and the epoll loop that drives them. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

#define MAXINIT 8
static const unsigned char MASK[4] = {0x37, 0xfa, 0x21, 0x3d};

typedef struct {
    int fd, idx, state; /* 0 connecting, 1 handshake, 2 open */
    int ispub, chan;
    unsigned char *pb; /* the beginning of a frame that is not complete yet */
    int pbn, pbcap;
    unsigned char *ob; /* what the kernel would not take yet */
    int obn, obcap;
    uint64_t *ring; /* echo: when the messages in flight were sent, first in first out */
    unsigned rh, rt;
    unsigned char *tmpl; /* a masked frame, complete but for the sequence number at seqoff of its payload */
    int tmpln, seqoff;
    int inflight;
} conn;

static char *path = "/", *pubpath = NULL, *hdr = "", *tmpl = "%P", *late = NULL, *deflated = NULL;
static char *init_[MAXINIT], *pubinit[MAXINIT], *plist[4096];
static int ninit = 0, npubinit = 0, nplist = 0;
static int port = 9000, S = 128, eio = 0;

static int ep;
static conn *C;
static int nopen = 0, nconnecting = 0, nclosed = 0;
static unsigned char rbuf[1 << 18];

/* The mode's own accounting of a data message. */
static void onmsg(conn *c, const unsigned char *p, int n);

static char *subst(const char *t, int chan, int idx, const char *payload) { /* %c chan, %i idx, %P payload, %% */
    size_t cap = strlen(t) + 64 + (payload ? strlen(payload) : 0) * 2;
    char *o = malloc(cap);
    size_t n = 0;
    for (; *t; t++) {
        if (*t == '%' && t[1]) {
            t++;
            if (*t == 'c')
                n += sprintf(o + n, "%d", chan);
            else if (*t == 'i')
                n += sprintf(o + n, "%d", idx);
            else if (*t == 'P') {
                strcpy(o + n, payload ? payload : "");
                n += strlen(o + n);
            } else
                o[n++] = *t;
        } else
            o[n++] = *t;
    }
    o[n] = 0;
    return o;
}

static int mkframe(unsigned char *b, const char *p, int n, int op) {
    int h = 2;
    b[0] = 0x80 | op;
    if (n < 126)
        b[1] = 0x80 | n;
    else if (n < 65536) {
        b[1] = 0x80 | 126;
        b[2] = n >> 8;
        b[3] = n & 255;
        h = 4;
    } else {
        b[1] = 0x80 | 127;
        for (int i = 0; i < 8; i++)
            b[2 + i] = ((uint64_t)n) >> (56 - 8 * i);
        h = 10;
    }
    memcpy(b + h, MASK, 4);
    h += 4;
    for (int i = 0; i < n; i++)
        b[h + i] = p[i] ^ MASK[i & 3];
    return h + n;
}

static void want(conn *c, int out) {
    struct epoll_event e = {.events = EPOLLIN | (out ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
}

static void dead(conn *c, const char *w) {
    if (c->fd >= 0) {
        close(c->fd);
        c->fd = -1;
        nclosed++;
        if (nclosed < 4)
            fprintf(stderr, "conn %d closed (%s)\n", c->idx, w);
    }
}

static void rawsend(conn *c, const void *b, int n) {
    if (c->fd < 0)
        return;
    int r = 0;
    if (c->obn == 0) {
        r = send(c->fd, b, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (r < 0) {
            if (errno != EAGAIN) {
                dead(c, "send");
                return;
            }
            r = 0;
        }
        if (r == n)
            return;
    }
    int need = c->obn + n - r;
    if (need > c->obcap) {
        c->obcap = need * 2;
        c->ob = realloc(c->ob, c->obcap);
    }
    memcpy(c->ob + c->obn, (char *)b + r, n - r);
    c->obn = need;
    want(c, 1);
}

static void flushout(conn *c) {
    if (!c->obn)
        return;
    int r = send(c->fd, c->ob, c->obn, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (r < 0) {
        if (errno != EAGAIN)
            dead(c, "flush");
        return;
    }
    memmove(c->ob, c->ob + r, c->obn - r);
    c->obn -= r;
    if (!c->obn)
        want(c, 0);
}

static void sendtext(conn *c, const char *t, int op) {
    int n = strlen(t);
    unsigned char *b = malloc(n + 16);
    int k = mkframe(b, t, n, op);
    rawsend(c, b, k);
    free(b);
}

static void senddeflated(conn *c, const char *t) { /* RFC 7692, 7.2.3.3: one stored block, and an empty one's begin */
    int n = strlen(t);
    char *d = malloc(n + 6);
    unsigned char *b = malloc(n + 22);
    d[0] = 0;
    d[1] = n & 255;
    d[2] = n >> 8;
    d[3] = ~n & 255;
    d[4] = (~n >> 8) & 255;
    memcpy(d + 5, t, n);
    d[n + 5] = 0;
    rawsend(c, b, mkframe(b, d, n + 6, 0x41));
    free(b);
    free(d);
}

static char padding[70000];
static void prep(conn *c) { /* template with marker @@0000000000 + padding to S */
    if (c->tmpl)
        return;
    char *pl = malloc(S + 32);
    int k = sprintf(pl, "@@0000000000");
    if (S > k) {
        memcpy(pl + k, padding, S - k);
        k = S;
    }
    pl[k] = 0;
    char *m = subst(tmpl, c->chan, c->idx, pl);
    int n = strlen(m);
    c->tmpl = malloc(n + 16);
    c->tmpln = mkframe(c->tmpl, m, n, 1);
    c->seqoff = (int)(strstr(m, "@@") - m) + 2;
    free(m);
    free(pl);
}

static int frameout(conn *c, unsigned char *dst, uint32_t seq) {
    memcpy(dst, c->tmpl, c->tmpln);
    int h = c->tmpln; /* header len */
    int pl = dst[1] & 127;
    h = pl < 126 ? 6 : pl == 126 ? 8 : 14;
    unsigned char *p = dst + h;
    char d[11];
    uint32_t s = seq;
    for (int i = 9; i >= 0; i--) {
        d[i] = '0' + s % 10;
        s /= 10;
    }
    for (int i = 0; i < 10; i++)
        p[c->seqoff + i] = d[i] ^ MASK[(c->seqoff + i) & 3];
    return c->tmpln;
}

static void onframe(conn *c, int op, const unsigned char *p, int n) {
    if (op == 9) {
        unsigned char b[256];
        if (n > 125)
            n = 125;
        int k = mkframe(b, (char *)p, n, 10);
        rawsend(c, b, k);
        return;
    }
    if (op == 8) {
        if (nclosed < 3)
            fprintf(stderr, "close frame conn %d code %d %.*s\n", c->idx, n >= 2 ? p[0] * 256 + p[1] : 0,
                    n > 2 ? n - 2 : 0, p + 2);
        return;
    }
    if (op != 1 && op != 2 && op != 0)
        return;
    if (eio && n == 1 && p[0] == '2') {
        sendtext(c, "3", 1);
        return;
    }
    onmsg(c, p, n);
}

/* parse; returns consumed */
static int parse(conn *c, unsigned char *b, int n) {
    int o = 0;
    while (n - o >= 2) {
        uint64_t l = b[o + 1] & 127;
        int h = 2;
        if (l == 126) {
            if (n - o < 4)
                break;
            l = b[o + 2] << 8 | b[o + 3];
            h = 4;
        } else if (l == 127) {
            if (n - o < 10)
                break;
            l = 0;
            for (int i = 0; i < 8; i++)
                l = l << 8 | b[o + 2 + i];
            h = 10;
        }
        if (b[o + 1] & 0x80)
            h += 4;
        if ((uint64_t)(n - o) < h + l)
            break;
        onframe(c, b[o] & 15, b + o + h, l);
        if (c->fd < 0)
            return n;
        o += h + l;
    }
    return o;
}

static void do_open(conn *c) {
    c->state = 2;
    nopen++;
    nconnecting--;
    int k = c->ispub ? npubinit : ninit;
    for (int i = 0; i < k; i++) {
        char *t = subst(c->ispub ? pubinit[i] : init_[i], c->chan, c->idx, NULL);
        sendtext(c, t, 1);
        free(t);
    }
    if (deflated)
        senddeflated(c, deflated);
}

static void onread(conn *c) {
    for (;;) {
        int r = recv(c->fd, rbuf + c->pbn, sizeof rbuf - c->pbn, MSG_DONTWAIT);
        if (r < 0) {
            if (errno == EAGAIN)
                return;
            dead(c, "recv");
            return;
        }
        if (r == 0) {
            dead(c, "eof");
            return;
        }
        int n = r;
        if (c->pbn) {
            memcpy(rbuf, c->pb, c->pbn);
            n += c->pbn;
        }
        int off = 0;
        if (c->state == 1) {
            rbuf[n < (int)sizeof rbuf ? n : n - 1] = 0;
            unsigned char *e = memmem(rbuf, n, "\r\n\r\n", 4);
            if (!e) {
                goto keep;
            }
            if (memcmp(rbuf, "HTTP/1.1 101", 12)) {
                fprintf(stderr, "handshake failed: %.200s\n", rbuf);
                exit(3);
            }
            off = e + 4 - rbuf;
            do_open(c);
        }
        off += parse(c, rbuf + off, n - off);
    keep:
        {
            int left = n - off;
            if (c->fd < 0)
                return;
            if (left > 0) {
                if (left > c->pbcap) {
                    c->pbcap = left * 2 + 64;
                    c->pb = realloc(c->pb, c->pbcap);
                }
                memmove(c->pb, rbuf + off, left);
            }
            c->pbn = left;
        }
        return; /* level triggered */
    }
}

static void hs(conn *c) {
    char *p = subst(c->ispub && pubpath ? pubpath : (nplist ? plist[c->chan % nplist] : path), c->chan, c->idx, NULL);
    char b[4096];
    int n = snprintf(b, sizeof b,
                     "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: "
                     "Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n",
                     p, port, hdr);
    free(p);
    c->state = 1;
    want(c, 0);
    rawsend(c, b, n);
}

static void startconn(int i, int ispub, int chan) {
    conn *c = &C[i];
    memset(c, 0, sizeof *c);
    c->idx = i;
    c->ispub = ispub;
    c->chan = chan;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (c->fd < 0) {
        perror("socket");
        exit(2);
    }
    int one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct linger lg = {1, 0};
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &lg, sizeof lg);
    setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    struct sockaddr_in a = {.sin_family = AF_INET};
    char s[32];
    snprintf(s, 32, "127.0.0.%d", 2 + i % 8);
    inet_pton(AF_INET, s, &a.sin_addr);
    bind(c->fd, (void *)&a, sizeof a);
    struct sockaddr_in d = {.sin_family = AF_INET, .sin_port = htons(port)};
    d.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int r = connect(c->fd, (void *)&d, sizeof d);
    if (r < 0 && errno != EINPROGRESS) {
        perror("connect");
        exit(2);
    }
    nconnecting++;
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
    epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
}

static int pump(int ms) {
    static struct epoll_event ev[1024];
    int n = epoll_wait(ep, ev, 1024, ms);
    for (int i = 0; i < n; i++) {
        conn *c = ev[i].data.ptr;
        if (c->fd < 0)
            continue;
        if (c->state == 0 && (ev[i].events & (EPOLLOUT | EPOLLERR))) {
            int er = 0;
            socklen_t l = sizeof er;
            getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &er, &l);
            if (er) {
                fprintf(stderr, "connect: %s\n", strerror(er));
                exit(2);
            }
            hs(c);
            continue;
        }
        if (ev[i].events & EPOLLOUT)
            flushout(c);
        if (c->fd >= 0 && (ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
            onread(c);
    }
    return n;
}
