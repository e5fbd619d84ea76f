/* What clients send: masked frames, prepared once each, plain or compressed. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static const unsigned char MASK[4] = {0x37, 0xfa, 0x21, 0x3d};

typedef struct { /* complete but for the sequence number, which stands at seqoff of the payload; -1: it has none */
    unsigned char *b;
    int n, payload, seqoff;
} frame;

static int S = 128, json = 0, deflating = 0, each = 1, channels = 100, N = 1000;
static char *tmpl = "%P";

/* Which is client i's k-th channel, of the `each` that it is in: all channels have equally many clients, and clients
 * that share one channel do not share the others. */
static int channel_of(int i, int k) {
    if ((long)N * each <= channels)
        return i * each + k;
    return (i % channels + k * (1 + i / channels % (channels / each))) % channels;
}

static char *subst(const char *t, int chan, int idx, const char *payload) {
    size_t cap = strlen(t) + 64 + (payload ? strlen(payload) : 0) * 2 + (size_t)each * 12;
    char *o = malloc(cap);
    size_t n = 0;
    for (; *t; t++) {
        if (*t != '%' || !t[1]) {
            o[n++] = *t;
            continue;
        }
        t++;
        if (*t == 'c')
            n += sprintf(o + n, "%d", chan);
        else if (*t == 'i')
            n += sprintf(o + n, "%d", idx);
        else if (*t == 'j')
            for (int k = 0; k < each; k++)
                n += sprintf(o + n, "/c%d", channel_of(idx, k));
        else if (*t == 'P') {
            strcpy(o + n, payload ? payload : "");
            n += strlen(o + n);
        } else
            o[n++] = *t;
    }
    o[n] = 0;
    return o;
}

static int mkframe(unsigned char *b, const char *p, int n, int first) {
    int h = 2;
    b[0] = 0x80 | first;
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

static char *payload_of(int size) { /* "@@" and a sequence number, with letters or as a JSON document up to size */
    char *p = malloc(size + 256);
    int k = sprintf(p, json ? "{\"m\":\"@@0000000000\",\"items\":[" : "@@0000000000");
    for (int i = 0; json && k < size - 100; i++)
        k += sprintf(p + k, "%s{\"id\":%d,\"name\":\"user %d\",\"online\":%s,\"score\":%d.%d}", i ? "," : "",
                     7919 * i % 9973, 104729 * i % 7907, i % 3 ? "true" : "false", 31 * i % 101, i % 10);
    if (json)
        k += sprintf(p + k, "]}");
    for (int i = 0; !json && k < size; i++)
        p[k++] = 'a' + i % 26;
    p[k] = 0;
    return p;
}

/* A message that needs no earlier one's window and none larger than 1 KB: right whatever the server has chosen. */
static int compress_raw(const char *text, int n, char *out, int cap) {
    z_stream z = {.next_in = (void *)text, .avail_in = n, .next_out = (void *)out, .avail_out = cap};
    deflateInit2(&z, 6, Z_DEFLATED, -10, 8, Z_DEFAULT_STRATEGY);
    deflate(&z, Z_SYNC_FLUSH);
    n = cap - z.avail_out - 4; /* RFC 7692, 7.2.1: without 00 00 ff ff */
    deflateEnd(&z);
    return n;
}

static void prepare(frame *f, int chan, int idx) {
    if (f->b)
        return;
    char *payload = payload_of(S), *m = subst(tmpl, chan, idx, payload);
    int n = strlen(m);
    f->seqoff = deflating ? -1 : (int)(strstr(m, "@@") - m) + 2;
    if (deflating) {
        char *small = malloc(n + 64);
        n = compress_raw(m, n, small, n + 64);
        free(m);
        m = small;
    }
    f->b = malloc(n + 16);
    f->n = mkframe(f->b, m, n, deflating ? 0x41 : 1);
    f->payload = f->n - n;
    free(m);
    free(payload);
}

static void number(frame *f, uint32_t s) {
    if (f->seqoff < 0)
        return;
    for (int i = f->seqoff + 9; i >= f->seqoff; i--) {
        f->b[f->payload + i] = ('0' + s % 10) ^ MASK[i & 3];
        s /= 10;
    }
}
