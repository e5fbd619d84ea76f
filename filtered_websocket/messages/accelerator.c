/* What is done for every frame and every send, in C. The reference is Python's: frames.py and transport/sends.py.

   Rules:
   1. The same results, byte by byte (tests/messages/test_accelerator.py). What the reference leaves to Autobahn, this
      leaves too; text that is not ASCII is judged by Python's own decoder.
   2. Nothing is read of a buffer that is not held, nor beyond its end.
   3. The GIL stays held: no other thread changes the bytes, or closes a socket that has just said its descriptor. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <string.h>
#include <sys/socket.h>

enum { TEXT = 0x81, BINARY = 0x82 };

/* Returns whether all of what it has unmasked is ASCII. */
static int unmask(unsigned char *to, const unsigned char *from, Py_ssize_t size, const unsigned char *mask)
{
    uint64_t wide_mask, wide, seen = 0;
    Py_ssize_t at = 0;
    memcpy(&wide_mask, mask, 4);
    memcpy((char *)&wide_mask + 4, mask, 4);
    for (; size - at >= 8; at += 8) {
        memcpy(&wide, from + at, 8);
        wide ^= wide_mask;
        seen |= wide;
        memcpy(to + at, &wide, 8);
    }
    for (; at < size; at++)
        seen |= to[at] = from[at] ^ mask[at & 3];
    return !(seen & UINT64_C(0x8080808080808080));
}

/* read(data, at, limit) -> (payload, is binary, end), or None */
static PyObject *read_in(const unsigned char *data, Py_ssize_t size, Py_ssize_t at, Py_ssize_t limit)
{
    if (at < 0 || at > size || size - at < 6 || (data[at] != TEXT && data[at] != BINARY) || data[at + 1] < 0x80)
        Py_RETURN_NONE;
    const unsigned char *head = data + at;
    Py_ssize_t left = size - at;
    int code = head[1] & 0x7f, wide = code == 126 ? 2 : code == 127 ? 8 : 0;
    if (left < 6 + wide)
        Py_RETURN_NONE;
    uint64_t length = wide ? 0 : (uint64_t)code;
    for (int each = 0; each < wide; each++)
        length = length << 8 | head[2 + each];
    left -= 6 + wide;
    if ((wide == 2 && length < 126) || (wide == 8 && length < 65536) || length > (uint64_t)left ||
        (Py_ssize_t)length > limit)
        Py_RETURN_NONE;
    const unsigned char *body = head + 6 + wide;
    PyObject *payload = PyByteArray_FromStringAndSize(NULL, (Py_ssize_t)length);
    if (payload == NULL)
        return NULL;
    unsigned char *bytes = (unsigned char *)PyByteArray_AS_STRING(payload);
    if (!unmask(bytes, body, (Py_ssize_t)length, body - 4) && head[0] == TEXT) {
        PyObject *text = PyUnicode_DecodeUTF8((char *)bytes, (Py_ssize_t)length, NULL);
        if (text == NULL) {
            Py_DECREF(payload);
            if (!PyErr_ExceptionMatches(PyExc_UnicodeDecodeError))
                return NULL;
            PyErr_Clear();
            Py_RETURN_NONE;
        }
        Py_DECREF(text);
    }
    PyObject *end = PyLong_FromSsize_t(body - data + (Py_ssize_t)length);
    PyObject *frame = end == NULL ? NULL : PyTuple_Pack(3, payload, head[0] == BINARY ? Py_True : Py_False, end);
    Py_XDECREF(end);
    Py_DECREF(payload);
    return frame;
}

static PyObject *read_frame(PyObject *Py_UNUSED(module), PyObject *const *given, Py_ssize_t count)
{
    Py_buffer data;
    if (count != 3)
        return PyErr_Format(PyExc_TypeError, "read takes data, at, limit");
    Py_ssize_t at = PyLong_AsSsize_t(given[1]), limit = PyLong_AsSsize_t(given[2]);
    if (((at == -1 || limit == -1) && PyErr_Occurred()) || PyObject_GetBuffer(given[0], &data, PyBUF_SIMPLE) < 0)
        return NULL;
    PyObject *frame = read_in(data.buf, data.len, at, limit);
    PyBuffer_Release(&data);
    return frame;
}

/* make(payload, binary) -> frame */
static PyObject *make_frame(PyObject *Py_UNUSED(module), PyObject *const *given, Py_ssize_t count)
{
    Py_buffer payload;
    int binary = count == 2 ? PyObject_IsTrue(given[1]) : -1;
    if (binary < 0 || PyObject_GetBuffer(given[0], &payload, PyBUF_SIMPLE) < 0)
        return count == 2 ? NULL : PyErr_Format(PyExc_TypeError, "make takes payload, binary");
    int wide = payload.len < 126 ? 0 : payload.len < 65536 ? 2 : 8;
    PyObject *frame = PyBytes_FromStringAndSize(NULL, 2 + wide + payload.len);
    if (frame != NULL) {
        unsigned char *to = (unsigned char *)PyBytes_AS_STRING(frame);
        to[0] = binary ? BINARY : TEXT;
        to[1] = wide == 0 ? payload.len : wide == 2 ? 126 : 127;
        for (int at = 0; at < wide; at++)
            to[2 + at] = (uint64_t)payload.len >> 8 * (wide - 1 - at);
        if (payload.len)
            memcpy(to + 2 + wide, payload.buf, payload.len);
    }
    PyBuffer_Release(&payload);
    return frame;
}

static PyTypeObject *socket_type;
static PyCFunction socket_fileno;

/* A bound send(blob) -> how many bytes the socket takes, 0 where it fails */
static PyObject *send_now(PyObject *socket, PyObject *blob)
{
    PyObject *number = PyBytes_Check(blob) ? socket_fileno(socket, NULL) : NULL;
    if (number == NULL)
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_TypeError, "send takes bytes");
    ssize_t taken = send((int)PyLong_AsLong(number), PyBytes_AS_STRING(blob), PyBytes_GET_SIZE(blob), MSG_DONTWAIT);
    Py_DECREF(number);
    return PyLong_FromSsize_t(Py_MAX(taken, 0));
}

/* sender(socket) -> its bound send */
static PyObject *sender(PyObject *Py_UNUSED(module), PyObject *socket)
{
    static PyMethodDef bound = {"send", send_now, METH_O, NULL};
    return PyObject_TypeCheck(socket, socket_type) ? PyCFunction_New(&bound, socket)
                                                   : PyErr_Format(PyExc_TypeError, "sender takes a socket");
}

static PyMethodDef functions[] = {
    {"read", (PyCFunction)(void (*)(void))read_frame, METH_FASTCALL, NULL},
    {"make", (PyCFunction)(void (*)(void))make_frame, METH_FASTCALL, NULL},
    {"sender", sender, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "_accelerator", .m_methods = functions};

PyMODINIT_FUNC PyInit__accelerator(void)
{
    PyObject *module = PyImport_ImportModule("_socket");
    PyObject *type = module == NULL ? NULL : PyObject_GetAttrString(module, "socket");
    PyObject *asking = type == NULL ? NULL : PyObject_GetAttrString(type, "fileno");
    if (asking == NULL)
        return NULL;
    socket_type = (PyTypeObject *)type;
    socket_fileno = ((PyMethodDescrObject *)asking)->d_method->ml_meth;
    return PyModuleDef_Init(&definition);
}
