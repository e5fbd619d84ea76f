/* What every read, frame and send takes. The reference is Python's: messages/, transport/reads.py, transport/sends.py.
   1. The same results, byte by byte. What the reference leaves to others this leaves too; Python judges non-ASCII text.
   2. Nothing is read of a buffer that is not held, nor beyond its end.
   3. The GIL stays held: no other thread changes the bytes, or closes a socket that has just said its descriptor. */
#include <Python.h>
#include <poll.h>
#include <sys/socket.h>
enum { TEXT = 0x81, BINARY = 0x82, LARGE = 16384, AHEAD = 16 };

/* Returns whether all of what it has unmasked is ASCII. */
#if defined(__x86_64__) && defined(__GLIBC__)
__attribute__((target_clones("avx2", "default")))
#endif
static int unmask(char *to, const unsigned char *from, Py_ssize_t size, const unsigned char *mask)
{
    uint64_t masks = 0, wide, seen = 0;
    Py_ssize_t at = 0;
    memcpy(&masks, mask, 4);
    for (masks |= masks << 32 | masks >> 32; size - at >= 8; at += 8) {
        memcpy(&wide, from + at, 8);
        seen |= wide ^= masks;
        memcpy(to + at, &wide, 8);
    }
    for (; at < size; at++)
        seen |= (unsigned char)(to[at] = (char)(from[at] ^ mask[at & 3]));
    return !(seen & UINT64_C(0x8080808080808080));
}

/* read(data, at, limit) -> (payload, is binary, end), or None */
static PyObject *read_frame(PyObject *Py_UNUSED(module), PyObject *const *given, Py_ssize_t count)
{
    if (count != 3 || !PyBytes_Check(given[0]))
        return PyErr_Format(PyExc_TypeError, "read takes bytes, at, limit");
    const unsigned char *data = (unsigned char *)PyBytes_AS_STRING(given[0]);
    Py_ssize_t end = PyBytes_GET_SIZE(given[0]), at = PyLong_AsSsize_t(given[1]), limit = PyLong_AsSsize_t(given[2]);
    int code = at < 0 || at > end - 6 ? 0 : data[at + 1], wide = code == 0xfe ? 2 : code == 0xff ? 8 : 0;
    Py_ssize_t left = code == 0 ? 0 : end - at - 6 - wide, length = wide ? 0 : code - 0x80;
    for (int each = 0; each < wide && left >= 0; each++)
        length = (Py_ssize_t)((size_t)length << 8 | data[at + 2 + each]);
    if (length < (wide == 8 ? 65536 : wide ? 126 : 0) || length > Py_MIN(left, limit) || (unsigned)data[at] - TEXT > 1)
        return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
    PyObject *payload = PyByteArray_FromStringAndSize(NULL, length), *text = NULL, *stop = NULL, *frame = NULL;
    if (payload != NULL && !unmask(PyByteArray_AS_STRING(payload), data + end - left, length, data + end - left - 4) &&
        data[at] == TEXT && (text = PyUnicode_DecodeUTF8(PyByteArray_AS_STRING(payload), length, NULL)) == NULL)
        frame = PyErr_ExceptionMatches(PyExc_UnicodeDecodeError) ? (PyErr_Clear(), Py_NewRef(Py_None)) : NULL;
    else if (payload != NULL && (stop = PyLong_FromSsize_t(end - left + length)) != NULL)
        frame = PyTuple_Pack(3, payload, data[at] == BINARY ? Py_True : Py_False, stop);
    Py_XDECREF(payload);
    Py_XDECREF(text);
    Py_XDECREF(stop);
    return frame;
}

/* append_unmasked(payload, data, begin, masks, length) -> whether all that it has unmasked is ASCII */
static PyObject *append_unmasked(PyObject *Py_UNUSED(module), PyObject *given)
{
    PyByteArrayObject *to;
    PyObject *data, *mask;
    Py_ssize_t from, all;
    if (!PyArg_ParseTuple(given, "YSnSn", &to, &data, &from, &mask, &all) || (from | all) < 0 || Py_SIZE(mask) != 8)
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_ValueError, "append_unmasked takes a mask twice");
    Py_ssize_t at = Py_SIZE(to), end = Py_MAX(at, Py_MIN(all, at + Py_SIZE(data) - from));
    if (end >= to->ob_alloc && PyByteArray_Resize((PyObject *)to, Py_MIN(all, AHEAD * end) + 1) < 0)
        return NULL;
    Py_SET_SIZE(to, end);
    to->ob_start[end] = 0;
    return PyBool_FromLong(unmask(to->ob_start + at, (unsigned char *)PyBytes_AS_STRING(data) + from, end - at,
                                  (unsigned char *)PyBytes_AS_STRING(mask) + at % 4));
}

/* make(payload, binary) -> frame */
static PyObject *make_frame(PyObject *Py_UNUSED(module), PyObject *const *given, Py_ssize_t count)
{
    Py_buffer payload;
    if (count != 2 || PyObject_GetBuffer(given[0], &payload, PyBUF_SIMPLE) < 0)
        return PyErr_Format(PyExc_TypeError, "make takes bytes, binary");
    int wide = payload.len < 126 ? 0 : payload.len < 65536 ? 2 : 8;
    PyObject *frame = PyBytes_FromStringAndSize(NULL, 2 + wide + payload.len);
    if (frame != NULL) {
        char *to = PyBytes_AS_STRING(frame);
        *to++ = (char)(PyObject_IsTrue(given[1]) ? BINARY : TEXT);
        *to++ = (char)(wide == 0 ? payload.len : wide == 2 ? 126 : 127);
        while (wide--)
            *to++ = (char)((uint64_t)payload.len >> 8 * wide);
        memcpy(to, payload.len ? payload.buf : to, (size_t)payload.len);
    }
    PyBuffer_Release(&payload);
    return frame;
}

/* read_ready(events, at, streams, kind, size, reads) -> where it has stopped */
static PyObject *read_ready(PyObject *Py_UNUSED(module), PyObject *given)
{
    PyObject *events, *streams, *kind, *reads, *event, *stream, *data, *buffer = NULL;
    Py_ssize_t at, size, number, what, got = 0;
    if (!PyArg_ParseTuple(given, "OnOOnO", &events, &at, &streams, &kind, &size, &reads))
        return NULL;
    for (; got < size && at < PyList_Size(events); at++) {
        if ((event = PyList_GetItem(events, at)) == NULL || !PyArg_ParseTuple(event, "nn", &number, &what) ||
            what != POLLIN || (stream = PyDict_GetItemWithError(streams, PyTuple_GET_ITEM(event, 0))) == NULL ||
            !PyObject_TypeCheck(stream, (PyTypeObject *)kind) ||
            (buffer == NULL && (buffer = PyBytes_FromStringAndSize(NULL, size)) == NULL))
            break;
        got = recv((int)number, PyBytes_AS_STRING(buffer), (size_t)size, MSG_DONTWAIT);
        if (got < 0 && errno == EAGAIN)
            continue;
        if (got < LARGE)
            data = got < 0 ? Py_NewRef(Py_None) : PyBytes_FromStringAndSize(PyBytes_AS_STRING(buffer), got);
        else
            buffer = (_PyBytes_Resize(&buffer, got), data = buffer, NULL);
        if (data == NULL || PyList_Append(reads, stream) < 0 || PyList_Append(reads, data) < 0)
            got = size;
        Py_XDECREF(data);
    }
    Py_XDECREF(buffer);
    return PyErr_Occurred() ? NULL : PyLong_FromSsize_t(at);
}

/* A bound send(blob) -> how many bytes the socket takes, 0 where it fails */
static PyObject *send_now(PyObject *of, PyObject *blob)
{
    PyObject *number = PyBytes_Check(blob) ? PyCFunction_GET_FUNCTION(of)(PyCFunction_GET_SELF(of), NULL) : NULL;
    if (number == NULL)
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_TypeError, "send takes bytes");
    ssize_t taken = send((int)PyLong_AsLong(number), PyBytes_AS_STRING(blob), PyBytes_GET_SIZE(blob), MSG_DONTWAIT);
    Py_DECREF(number);
    return taken < 0 && PyErr_Occurred() ? NULL : PyLong_FromSsize_t(Py_MAX(taken, 0));
}

/* bound_send(fileno) -> the bound send to what this method of a socket says */
static PyObject *bound_send(PyObject *Py_UNUSED(module), PyObject *of)
{
    static PyMethodDef bound = {"send", send_now, METH_O, NULL};
    return PyCFunction_Check(of) && PyCFunction_GET_FLAGS(of) == METH_NOARGS ? PyCFunction_New(&bound, of)
           : PyErr_Format(PyExc_TypeError, "bound_send takes the fileno of a socket");
}

static PyMethodDef functions[] = {
    {"read", (PyCFunction)(void (*)(void))read_frame, METH_FASTCALL, NULL},
    {"append_unmasked", append_unmasked, METH_VARARGS, NULL},
    {"make", (PyCFunction)(void (*)(void))make_frame, METH_FASTCALL, NULL},
    {"read_ready", read_ready, METH_VARARGS, NULL},
    {"bound_send", bound_send, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "_accelerator", .m_methods = functions};
PyMODINIT_FUNC PyInit__accelerator(void)
{
    return PyModuleDef_Init(&definition);
}
