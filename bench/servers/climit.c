/* climit PORT [COALESCE]: what the kernel allows, a bare epoll WebSocket server that checks and limits nothing.
 * The path is the channel, /echo echoes. One frame per message, one plain send() per member; with COALESCE 1 what one
 * turn of epoll published to a channel goes out in one send() per member. What a full socket refuses is lost. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
typedef struct ch {
    char name[64];
    int *fds;
    int n, cap;
    unsigned char *pend;
    int pn, pcap;
    int dirty;
    struct ch *next;
} ch;
typedef struct {
    int fd, open;
    ch *c;
    unsigned char *pb;
    int pn, pc;
} conn;
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
static int parse(conn *k, unsigned char *b, int n) {
    int o = 0;
    while (n - o >= 6) {
        int l = b[o + 1] & 127, h = 2;
        if (l == 126) {
            if (n - o < 8)
                break;
            l = b[o + 2] << 8 | b[o + 3];
            h = 4;
        }
        if (n - o < h + 4 + l)
            break;
        unsigned char *m = b + o + h, *p = m + 4;
        for (int i = 0; i < l; i++)
            p[i] ^= m[i & 3];
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
            int r = recv(k->fd, rb + k->pn, sizeof rb - k->pn - 1, MSG_DONTWAIT);
            if (r < 0 && errno == EAGAIN)
                continue;
            if (r <= 0) {
                if (k->c)
                    cdel(k->c, k->fd);
                close(k->fd);
                free(k->pb);
                free(k);
                continue;
            }
            if (k->pn)
                memcpy(rb, k->pb, k->pn);
            int m = r + k->pn, o = 0;
            rb[m] = 0;
            if (!k->open) {
                if (strstr((char *)rb, "\r\n\r\n")) {
                    char p[64];
                    sscanf((char *)rb, "GET %63s", p);
                    const char *R = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
                                    "Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
                    send(k->fd, R, strlen(R), MSG_NOSIGNAL);
                    k->open = 1;
                    k->c = getch(p);
                    cadd(k->c, k->fd);
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
    }
}
