/* A client's socket: plain or TLS, and what the kernel would not take yet. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

typedef struct {
    int fd;
    SSL *ssl; /* NULL: plain */
    unsigned char *ob;
    size_t obo, obn, obcap; /* what waits in ob: obn bytes from obo on */
} wire;

enum { AGAIN = -1, BROKEN = -2 };

static SSL_CTX *tls = NULL; /* with --tls; nothing is verified, no session is taken up again */

static void tls_begin(void) {
    tls = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_mode(tls,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(tls, 1);
    SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
}

static int tls_result(wire *w, int r) {
    int e = SSL_get_error(w->ssl, r);
    ERR_clear_error();
    if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE)
        return AGAIN;
    return e == SSL_ERROR_ZERO_RETURN || (e == SSL_ERROR_SYSCALL && !errno) ? 0 : BROKEN;
}

/* Bytes, 0 at the end, AGAIN or BROKEN. */
static int take(wire *w, void *b, size_t n) {
    if (w->ssl) {
        errno = 0;
        int r = SSL_read(w->ssl, b, n);
        return r > 0 ? r : tls_result(w, r);
    }
    ssize_t r = recv(w->fd, b, n, MSG_DONTWAIT);
    return r >= 0 ? (int)r : errno == EAGAIN ? AGAIN : BROKEN;
}

static int give(wire *w, const void *b, size_t n) {
    if (w->ssl) {
        int r = SSL_write(w->ssl, b, n);
        return r > 0 ? r : tls_result(w, r) == AGAIN ? AGAIN : BROKEN;
    }
    ssize_t r = send(w->fd, b, n, MSG_NOSIGNAL | MSG_DONTWAIT);
    return r >= 0 ? (int)r : errno == EAGAIN ? AGAIN : BROKEN;
}

/* As much as the kernel takes of what waits. False: the connection is broken. */
static int drain(wire *w) {
    while (w->obn) {
        int r = give(w, w->ob + w->obo, w->obn);
        if (r == AGAIN)
            return 1;
        if (r < 0)
            return 0;
        w->obo += r;
        w->obn -= r;
    }
    w->obo = 0;
    return 1;
}

static int put(wire *w, const unsigned char *b, size_t n) {
    while (n && !w->obn) {
        int r = give(w, b, n);
        if (r == AGAIN)
            break;
        if (r < 0)
            return 0;
        b += r;
        n -= r;
    }
    if (!n)
        return 1;
    if (w->obo + w->obn + n > w->obcap) {
        if (w->obo)
            memmove(w->ob, w->ob + w->obo, w->obn);
        w->obo = 0;
        if (w->obn + n > w->obcap)
            w->ob = realloc(w->ob, w->obcap = (w->obn + n) * 2);
    }
    memcpy(w->ob + w->obo + w->obn, b, n);
    w->obn += n;
    return 1;
}

static void shut(wire *w) {
    if (w->ssl) {
        SSL_shutdown(w->ssl);
        SSL_free(w->ssl);
        ERR_clear_error();
    }
    w->ssl = NULL;
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
    w->obo = w->obn = 0;
}
