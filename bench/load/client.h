/* The clients: what they are told by options, what they read, and the epoll loop that drives them. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "frames.h"
#include "transport.h"

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

#define MAXINIT 8
#define LARGE 32768 /* payload bytes: of a larger frame only the beginning is kept, the rest is counted */
#define HEAD 256

typedef struct {
    wire w;
    int idx, ispub, chan;
    enum { CONNECTING, ENCRYPTING, ASKING, OPEN } state;
    unsigned char *pb; /* the beginning of a frame that is not complete yet */
    int pbn, pbcap;
    uint64_t skip; /* what is still to come of a large frame, which began with the byte `first`; its begin is in head */
    int first;
    unsigned char *head; /* the beginning of such a frame, or of a message of several frames */
    int headn;
    uint64_t *ring; /* echo: when the messages in flight were sent, first in first out */
    unsigned rh, rt;
    frame f;
    uint32_t got;
    int inflight;
    uint64_t began;
    int awaited; /* replies to what it said first, until which it is not in */
} conn;

static char *path = "/", *pubpath = NULL, *hdr = "", *late = NULL, *deflated = NULL;
static char *init_[MAXINIT], *pubinit[MAXINIT], *plist[4096];
static int ninit = 0, npubinit = 0, nplist = 0;
static char *secondpath = NULL; /* by which every second client comes in, and what it says then */
static unsigned char second[256];
static int nsecond = 0;
static int port = 9000, eio = 0, answers = 0;

static int ep;
static conn *C;
static int nopen = 0, nconnecting = 0, nclosed = 0;
static unsigned char rbuf[1 << 18];

/* The mode's own accounting. */
static void onopen(conn *c);
static void onmsg(conn *c, const unsigned char *p, int n);
static int onend(conn *c); /* whether this end was asked for */

static int by_second(conn *c) {
    return secondpath && !c->ispub && c->idx % 2;
}

static void want(conn *c, int out) {
    struct epoll_event e = {.events = EPOLLIN | (out ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(ep, EPOLL_CTL_MOD, c->w.fd, &e);
}

static void dead(conn *c, const char *why) {
    if (c->w.fd < 0)
        return;
    shut(&c->w);
    if (onend(c))
        return;
    if (++nclosed < 4)
        fprintf(stderr, "conn %d closed (%s)\n", c->idx, why);
}

static void rawsend(conn *c, const void *b, int n) {
    if (c->w.fd < 0)
        return;
    size_t waiting = c->w.obn;
    if (!put(&c->w, b, n))
        dead(c, "send");
    else if (c->w.obn && !waiting)
        want(c, 1);
}

static void flushout(conn *c) {
    if (!c->w.obn)
        return;
    if (!drain(&c->w))
        dead(c, "flush");
    else if (!c->w.obn)
        want(c, 0);
}

static void sendbytes(conn *c, const void *t, int n, int op) {
    unsigned char *b = malloc(n + 16);
    rawsend(c, b, mkframe(b, t, n, op));
    free(b);
}

static void sendtext(conn *c, const char *t, int op) {
    sendbytes(c, t, strlen(t), op);
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

static void sendseq(conn *c, frame *f, uint32_t seq) {
    number(f, seq);
    rawsend(c, f->b, f->n);
}

static void keep_head(conn *c, const unsigned char *p, int n) {
    if (!c->head)
        c->head = malloc(HEAD);
    if (c->head != p)
        memcpy(c->head, p, c->headn = n < HEAD ? n : HEAD);
}

static void came_in(conn *c) {
    nopen++;
    nconnecting--;
    onopen(c);
}

/* How many messages are in a frame that may hold several: lines of a text, or of bytes what stands behind its length. */
static int messages_in(int binary, const unsigned char *p, int n) {
    int found = 0;
    for (const unsigned char *e = p + n; p < e; found++) {
        if (!binary) {
            p = memchr(p, '\n', e - p);
            if (!p)
                return found + 1;
            p++;
            continue;
        }
        int length = 0, shift = 0;
        do
            length |= (*p & 127) << shift, shift += 7;
        while (*p++ & 128 && p < e && shift < 28);
        p += length;
    }
    return found;
}

/* Replies to what a client said first. */
static void onreplies(conn *c, int binary, const unsigned char *p, int n) {
    if (memmem(p, n, "\"error\"", 7)) {
        fprintf(stderr, "refused: %.*s\n", n, p);
        exit(3);
    }
    c->awaited -= messages_in(binary, p, n);
    if (c->awaited <= 0)
        came_in(c);
}

static void onframe(conn *c, int first, const unsigned char *p, int n) {
    int op = first & 15, last = first & 0x80;
    if (op == 9) {
        unsigned char b[256];
        rawsend(c, b, mkframe(b, (char *)p, n > 125 ? 125 : n, 10));
        return;
    }
    if (op == 8) {
        int code = n >= 2 ? p[0] * 256 + p[1] : 0;
        if (nclosed < 3 && code != 1000)
            fprintf(stderr, "close frame conn %d code %d %.*s\n", c->idx, code, n > 2 ? n - 2 : 0, p + 2);
        return;
    }
    if (op > 2)
        return;
    if (op && !last)
        keep_head(c, p, n);
    if (!last)
        return;
    if (!op) { /* the end of a message of several frames */
        p = c->head;
        n = c->headn;
    }
    if (c->awaited > 0)
        onreplies(c, op == 2, p, n);
    else if (eio && n == 1 && p[0] == '2')
        sendtext(c, "3", 1);
    else
        onmsg(c, p, n);
}

/* The end of a large frame, as far as it is here; returns how much of it that was. */
static int pass(conn *c, int n) {
    if (c->skip > (uint64_t)n) {
        c->skip -= n;
        return n;
    }
    n = c->skip;
    c->skip = 0;
    onframe(c, c->first, c->head, c->headn);
    return n;
}

/* Returns how much was complete. */
static int parse(conn *c, unsigned char *b, int n) {
    int o = c->skip ? pass(c, n) : 0;
    while (c->w.fd >= 0 && n - o >= 2) {
        uint64_t l = b[o + 1] & 127;
        int h = l < 126 ? 2 : l == 126 ? 4 : 10;
        if (n - o < h)
            break;
        if (h > 2) {
            l = 0;
            for (int i = 2; i < h; i++)
                l = l << 8 | b[o + i];
        }
        int large = l > LARGE;
        if ((uint64_t)(n - o) >= h + l) {
            onframe(c, b[o], b + o + h, large ? HEAD : (int)l);
            o += h + l;
        } else if (large && n - o >= h + HEAD) {
            if (b[o] & 15)
                keep_head(c, b + o + h, HEAD);
            c->first = b[o];
            c->skip = l - (n - o - h);
            return n;
        } else
            break;
    }
    return c->w.fd < 0 ? n : o;
}

static void do_open(conn *c) {
    c->state = OPEN;
    int k = c->ispub ? npubinit : by_second(c) ? 0 : ninit;
    c->awaited = !answers ? 0 : c->ispub ? npubinit : answers;
    for (int i = 0; i < k; i++) {
        char *t = subst(c->ispub ? pubinit[i] : init_[i], c->chan, c->idx, NULL);
        sendtext(c, t, 1);
        free(t);
    }
    if (by_second(c))
        sendbytes(c, second, nsecond, 2);
    if (deflated)
        senddeflated(c, deflated);
    if (!c->awaited)
        came_in(c);
}

/* Where the frames begin, 0: the answer is not complete yet. */
static int answered(conn *c, int n) {
    rbuf[n < (int)sizeof rbuf ? n : n - 1] = 0;
    unsigned char *e = memmem(rbuf, n, "\r\n\r\n", 4);
    if (!e)
        return 0;
    if (memcmp(rbuf, "HTTP/1.1 101", 12)) {
        fprintf(stderr, "handshake failed: %.200s\n", rbuf);
        exit(3);
    }
    if (deflating && !memmem(rbuf, e - rbuf, "permessage-deflate", 18)) {
        fprintf(stderr, "the server does not compress\n");
        exit(3);
    }
    do_open(c);
    return e + 4 - rbuf;
}

static void onread(conn *c) {
    do {
        int r = take(&c->w, rbuf + c->pbn, sizeof rbuf - c->pbn);
        if (r == AGAIN)
            return;
        if (r <= 0) {
            dead(c, r ? "recv" : "eof");
            return;
        }
        memcpy(rbuf, c->pb, c->pbn);
        int n = r + c->pbn, off = 0;
        c->pbn = 0;
        if (c->state == ASKING)
            off = answered(c, n);
        if (c->state == OPEN)
            off += parse(c, rbuf + off, n - off);
        if (c->w.fd < 0 || c->state < ASKING)
            return;
        int left = n - off;
        if (left > c->pbcap)
            c->pb = realloc(c->pb, c->pbcap = left * 2 + 64);
        if (left)
            memcpy(c->pb, rbuf + off, left);
        c->pbn = left;
    } while (c->w.ssl && SSL_has_pending(c->w.ssl)); /* the socket is level triggered, OpenSSL's buffer is not */
}

static void ask(conn *c) {
    const char *by = c->ispub && pubpath ? pubpath : by_second(c) ? secondpath : nplist ? plist[c->chan % nplist] : path;
    char *p = subst(by, c->chan, c->idx, NULL);
    char b[8192];
    int n = snprintf(b, sizeof b,
                     "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: "
                     "Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s%s\r\n",
                     p, port, hdr,
                     deflating ? "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n" : "");
    free(p);
    c->state = ASKING;
    want(c, 0);
    rawsend(c, b, n);
}

static void encrypt(conn *c) {
    int r = SSL_connect(c->w.ssl);
    if (r == 1) {
        ask(c);
        return;
    }
    int e = SSL_get_error(c->w.ssl, r);
    if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) {
        want(c, e == SSL_ERROR_WANT_WRITE);
        return;
    }
    fprintf(stderr, "TLS handshake failed: ");
    ERR_print_errors_fp(stderr);
    exit(3);
}

static void connected(conn *c) {
    int er = 0;
    socklen_t l = sizeof er;
    getsockopt(c->w.fd, SOL_SOCKET, SO_ERROR, &er, &l);
    if (er) {
        fprintf(stderr, "connect: %s\n", strerror(er));
        exit(2);
    }
    if (!tls) {
        ask(c);
        return;
    }
    c->state = ENCRYPTING;
    c->w.ssl = SSL_new(tls);
    SSL_set_fd(c->w.ssl, c->w.fd);
    encrypt(c);
}

/* What a client of this slot has allocated before is used again. An `abrupt` one ends with a reset: it leaves no port
 * in TIME_WAIT. */
static void startconn(int i, int ispub, int chan, int abrupt) {
    conn *c = &C[i];
    c->idx = i;
    c->ispub = ispub;
    c->chan = chan;
    c->state = CONNECTING;
    c->pbn = c->inflight = c->awaited = 0;
    c->skip = 0;
    c->rh = c->rt = c->got = 0;
    c->began = now_ns();
    c->w.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (c->w.fd < 0) {
        perror("socket");
        exit(2);
    }
    int one = 1;
    setsockopt(c->w.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct linger lg = {1, 0};
    if (abrupt)
        setsockopt(c->w.fd, SOL_SOCKET, SO_LINGER, &lg, sizeof lg);
    setsockopt(c->w.fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    struct sockaddr_in a = {.sin_family = AF_INET};
    char s[32];
    snprintf(s, 32, "127.0.0.%d", 2 + i % 8);
    inet_pton(AF_INET, s, &a.sin_addr);
    bind(c->w.fd, (void *)&a, sizeof a);
    struct sockaddr_in d = {.sin_family = AF_INET, .sin_port = htons(port)};
    d.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int r = connect(c->w.fd, (void *)&d, sizeof d);
    if (r < 0 && errno != EINPROGRESS) {
        perror("connect");
        exit(2);
    }
    nconnecting++;
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
    epoll_ctl(ep, EPOLL_CTL_ADD, c->w.fd, &e);
}

static void onevents(conn *c, unsigned events) {
    if (c->w.fd < 0)
        return;
    if (c->state == CONNECTING) {
        if (events & (EPOLLOUT | EPOLLERR))
            connected(c);
        return;
    }
    if (c->state == ENCRYPTING) {
        encrypt(c);
        return;
    }
    if (events & EPOLLOUT)
        flushout(c);
    if (c->w.fd >= 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        onread(c);
}

static int pump(int ms) {
    static struct epoll_event ev[1024];
    int n = epoll_wait(ep, ev, 1024, ms);
    for (int i = 0; i < n; i++)
        onevents(ev[i].data.ptr, ev[i].events);
    return n;
}
