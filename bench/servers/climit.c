/* climit PORT [COALESCE]: what the kernel allows, a bare epoll WebSocket server that checks and limits nothing.
 * The path is the channel, /echo echoes. One frame per message, one plain send() per member; with COALESCE 1 what one
 * turn of epoll published to a channel goes out in one send() per member. /join/a/b is in both channels, and the first
 * word of a message is its channel: with COALESCE 1 one send() per member for all of its channels. What a full socket
 * refuses is lost, but for echoes of 64 KiB and more, which are unmasked read by read in a buffer that stays. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
struct conn;
typedef struct ch {
    char name[64];
    int *fds;
    struct conn **joined;
    int jn, jcap;
    int n, cap;
    unsigned char *pend;
    int pn, pcap;
    int dirty;
    struct ch *next;
} ch;
typedef struct conn {
    int fd, open;
    ch *c;
    unsigned char *pb;
    int pn, pc;
    unsigned char *big, mask[4]; /* a large echo, unmasked as it comes */
    int bl, bg, bc;
    unsigned char *out; /* what a turn of epoll has published to a member of /join; others have none */
    int on;
} conn;
enum { READ = 1 << 17, OUT = 1 << 14 };
static conn *waiting[65536];
static int nw;
static ch *chs;
static ch *dirty[4096];
static int nd;
static int coalesce;
static unsigned char rb[1 << 18];
static ch *getch(const char *n) {
    for (ch *c = chs; c; c = c->next)
        if (!strcmp(c->name, n))
            return c;
    ch *c = calloc(1, sizeof *c);
    snprintf(c->name, sizeof c->name, "%s", n);
    c->next = chs;
    chs = c;
    return c;
}
#if defined(__x86_64__) && defined(__GLIBC__)
__attribute__((target_clones("avx2", "default")))
#endif
static void
unmask(unsigned char *p, int n, const unsigned char *mask, int phase) {
    unsigned char turned[8];
    uint64_t wide, word;
    int i = 0;
    for (int at = 0; at < 8; at++)
        turned[at] = mask[(phase + at) & 3];
    memcpy(&wide, turned, 8);
    for (; n - i >= 8; i += 8) {
        memcpy(&word, p + i, 8);
        word ^= wide;
        memcpy(p + i, &word, 8);
    }
    for (; i < n; i++)
        p[i] ^= turned[i & 7];
}
static void join(conn *k, ch *c) {
    if (c->jn == c->jcap) {
        c->jcap = c->jcap ? c->jcap * 2 : 16;
        c->joined = realloc(c->joined, c->jcap * sizeof *c->joined);
    }
    c->joined[c->jn++] = k;
    if (!k->out)
        k->out = malloc(OUT);
}
static void part(conn *k) {
    for (ch *c = chs; c; c = c->next)
        for (int i = 0; i < c->jn; i++)
            if (c->joined[i] == k)
                c->joined[i--] = c->joined[--c->jn];
    for (int i = 0; i < nw; i++)
        if (waiting[i] == k)
            waiting[i--] = waiting[--nw];
}
static void send_out(conn *k) {
    send(k->fd, k->out, k->on, MSG_NOSIGNAL | MSG_DONTWAIT);
    k->on = 0;
}
static void publish(ch *c, const unsigned char *h, int hl, const unsigned char *p, int n) {
    for (int i = 0; i < c->jn; i++) {
        conn *k = c->joined[i];
        if (k->on + hl + n > OUT)
            send_out(k);
        if (!k->on && coalesce)
            waiting[nw++] = k;
        memcpy(k->out + k->on, h, hl);
        memcpy(k->out + k->on + hl, p, n);
        k->on += hl + n;
        if (!coalesce)
            send_out(k);
    }
}
static void cadd(ch *c, int fd) {
    if (c->n == c->cap) {
        c->cap = c->cap ? c->cap * 2 : 16;
        c->fds = realloc(c->fds, c->cap * 4);
    }
    c->fds[c->n++] = fd;
}
static void cdel(ch *c, int fd) {
    for (int i = 0; i < c->n; i++)
        if (c->fds[i] == fd) {
            c->fds[i] = c->fds[--c->n];
            return;
        }
}
static void flush(ch *c) {
    for (int i = 0; i < c->n; i++)
        send(c->fds[i], c->pend, c->pn, MSG_NOSIGNAL | MSG_DONTWAIT);
    c->pn = 0;
    c->dirty = 0;
}
static unsigned char eb[1 << 18];
static int en;
static void msg(conn *k, int op, unsigned char *p, int n) {
    unsigned char h[4];
    int hl = 2;
    h[0] = 0x80 | op;
    if (n < 126)
        h[1] = n;
    else {
        h[1] = 126;
        h[2] = n >> 8;
        h[3] = n;
        hl = 4;
    }
    if (!strcmp(k->c->name, "/echo")) {
        memcpy(eb + en, h, hl);
        memcpy(eb + en + hl, p, n);
        en += hl + n;
        return;
    }
    if (!strncmp(k->c->name, "/join", 5)) {
        char name[64];
        sscanf((char *)p, "%63s", name); /* a space ends it */
        publish(getch(name), h, hl, p, n);
        return;
    }
    ch *c = k->c;
    if (c->pn + n + hl > c->pcap) {
        c->pcap = (c->pn + n + hl) * 2;
        c->pend = realloc(c->pend, c->pcap);
    }
    memcpy(c->pend + c->pn, h, hl);
    memcpy(c->pend + c->pn + hl, p, n);
    c->pn += n + hl;
    if (!coalesce)
        flush(c);
    else if (!c->dirty) {
        c->dirty = 1;
        dirty[nd++] = c;
    }
}
static void end_big(conn *k) {
    struct pollfd room = {.fd = k->fd, .events = POLLOUT};
    for (int at = 0, all = 10 + k->bl, sent; at < all; at += sent > 0 ? sent : 0)
        if ((sent = send(k->fd, k->big + at, all - at, MSG_NOSIGNAL | MSG_DONTWAIT)) < 0 &&
            (errno != EAGAIN || poll(&room, 1, -1) < 0))
            break;
    k->bl = 0;
}
static void go_on_big(conn *k, int got) {
    unmask(k->big + 10 + k->bg, got, k->mask, k->bg);
    if ((k->bg += got) == k->bl)
        end_big(k);
}
static void begin_big(conn *k, unsigned char *b, int n) {
    k->bl = 0;
    for (int i = 2; i < 10; i++)
        k->bl = k->bl << 8 | b[i];
    if (k->bl > k->bc)
        k->big = realloc(k->big, 10 + (k->bc = k->bl));
    memcpy(k->big, b, 10);
    k->big[1] = 127;
    memcpy(k->mask, b + 10, 4);
    memcpy(k->big + 10, b + 14, n - 14);
    k->bg = 0;
    go_on_big(k, n - 14);
}
static int parse(conn *k, unsigned char *b, int n) {
    int o = 0;
    while (n - o >= 6) {
        int l = b[o + 1] & 127, h = 2;
        if (l == 126) {
            if (n - o < 8)
                break;
            l = b[o + 2] << 8 | b[o + 3];
            h = 4;
        } else if (l == 127) {
            if (n - o < 14)
                break;
            begin_big(k, b + o, n - o);
            return n;
        }
        if (n - o < h + 4 + l)
            break;
        unsigned char *m = b + o + h, *p = m + 4;
        unmask(p, l, m, 0);
        int op = b[o] & 15;
        if (op == 1 || op == 2)
            msg(k, op, p, l);
        o += h + 4 + l;
    }
    return o;
}
int main(int ac, char **av) {
    struct rlimit rl;
    getrlimit(RLIMIT_NOFILE, &rl);
    rl.rlim_cur = rl.rlim_max;
    setrlimit(RLIMIT_NOFILE, &rl);
    coalesce = ac > 2 && atoi(av[2]);
    int ls = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, 4);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(atoi(av[1]))};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(ls, (void *)&a, sizeof a)) {
        perror("bind");
        return 1;
    }
    listen(ls, 4096);
    int ep = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(ep, EPOLL_CTL_ADD, ls, &e);
    static struct epoll_event ev[1024];
    for (;;) {
        int n = epoll_wait(ep, ev, 1024, -1);
        for (int i = 0; i < n; i++) {
            conn *k = ev[i].data.ptr;
            if (!k) {
                int f;
                while ((f = accept4(ls, 0, 0, SOCK_NONBLOCK)) >= 0) {
                    setsockopt(f, IPPROTO_TCP, TCP_NODELAY, &one, 4);
                    k = calloc(1, sizeof *k);
                    k->fd = f;
                    struct epoll_event x = {.events = EPOLLIN, .data.ptr = k};
                    epoll_ctl(ep, EPOLL_CTL_ADD, f, &x);
                }
                continue;
            }
            int r = k->bl ? recv(k->fd, k->big + 10 + k->bg, k->bl - k->bg < READ ? k->bl - k->bg : READ, MSG_DONTWAIT)
                           : recv(k->fd, rb + k->pn, READ, MSG_DONTWAIT);
            if (r < 0 && errno == EAGAIN)
                continue;
            if (r <= 0) {
                if (k->c)
                    cdel(k->c, k->fd);
                part(k);
                close(k->fd);
                free(k->pb);
                free(k->big);
                free(k->out);
                free(k);
                continue;
            }
            if (k->bl) {
                go_on_big(k, r);
                continue;
            }
            if (k->pn)
                memcpy(rb, k->pb, k->pn);
            int m = r + k->pn, o = 0;
            rb[m] = 0;
            if (!k->open) {
                if (strstr((char *)rb, "\r\n\r\n")) {
                    char p[4096];
                    sscanf((char *)rb, "GET %4095s", p);
                    const char *R = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
                                    "Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
                    send(k->fd, R, strlen(R), MSG_NOSIGNAL);
                    k->open = 1;
                    int joins = !strncmp(p, "/join", 5);
                    k->c = getch(joins ? "/join" : p);
                    if (!joins)
                        cadd(k->c, k->fd);
                    else
                        for (char *name = strtok(p + 5, "/"); name; name = strtok(NULL, "/"))
                            join(k, getch(name));
                    k->pn = 0;
                    continue;
                }
            } else {
                en = 0;
                o = parse(k, rb, m);
                if (en)
                    send(k->fd, eb, en, MSG_NOSIGNAL | MSG_DONTWAIT);
            }
            int left = m - o;
            if (left) {
                if (left > k->pc) {
                    k->pc = left * 2;
                    k->pb = realloc(k->pb, k->pc);
                }
                memmove(k->pb, rb + o, left);
            }
            k->pn = left;
        }
        for (int i = 0; i < nd; i++)
            flush(dirty[i]);
        nd = 0;
        for (int i = 0; i < nw; i++)
            if (waiting[i]->on)
                send_out(waiting[i]);
        nw = 0;
    }
}
