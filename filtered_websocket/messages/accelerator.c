/* What every read, frame and send takes. The reference is Python's: messages/frames.py, transport/reads.py, sends.py.
   1. The same results, byte by byte (tests/messages/test_accelerator.py). What the reference leaves to others, this
      leaves too; text that is not ASCII is judged by Python's own decoder.
   2. Nothing is read of a buffer that is not held, nor beyond its end.
   3. The GIL stays held: no other thread changes the bytes, or closes a socket that has just said its descriptor. */
#include <Python.h>
#include <poll.h>
#include <sys/socket.h>
enum { TEXT = 0x81, BINARY = 0x82, LARGE = 16384 };
static PyMethodDescrObject *fileno_of;

/* Returns whether all of what it has unmasked is ASCII. The mask stands before it. */
static int unmask(char *to, const unsigned char *from, Py_ssize_t size)
{
    uint64_t masks = 0, wide, seen = 0;
    Py_ssize_t at = 0;
    memcpy(&masks, from - 4, 4);
    for (masks |= masks << 32 | masks >> 32; size - at >= 8; at += 8) {
        memcpy(&wide, from + at, 8);
        wide ^= masks;
        seen |= wide;
        memcpy(to + at, &wide, 8);
    }
    for (; at < size; at++)
        seen |= (unsigned char)(to[at] = (char)(from[at] ^ from[(at & 3) - 4]));
    return !(seen & UINT64_C(0x8080808080808080));
}

/* read(data, at, limit) -> (payload, is binary, end), or None */
static PyObject *read_frame(PyObject *Py_UNUSED(module), PyObject *const *given, Py_ssize_t count)
{
    if (count != 3 || !PyBytes_Check(given[0]))
        return PyErr_Format(PyExc_TypeError, "read takes bytes, at, limit");
    const unsigned char *data = (unsigned char *)PyBytes_AS_STRING(given[0]);
    Py_ssize_t size = PyBytes_GET_SIZE(given[0]), at = PyLong_AsSsize_t(given[1]), limit = PyLong_AsSsize_t(given[2]);
    if (at < 0 || limit < 0 || size - at < 6 || (data[at] != TEXT && data[at] != BINARY) || data[at + 1] < 0x80)
        return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
    int code = data[at + 1] & 0x7f, wide = code == 126 ? 2 : code == 127 ? 8 : 0;
    Py_ssize_t left = size - at - 6 - wide;
    uint64_t length = wide ? 0 : (uint64_t)code;
    for (int each = 0; each < wide && left >= 0; each++)
        length = length << 8 | data[at + 2 + each];
    if (left < 0 || length > (uint64_t)left || length > (uint64_t)limit || (wide && length < (wide == 2 ? 126 : 65536)))
        Py_RETURN_NONE;
    PyObject *payload = PyByteArray_FromStringAndSize(NULL, (Py_ssize_t)length), *text = NULL, *frame = NULL;
    PyObject *end = PyLong_FromSsize_t(size - left + (Py_ssize_t)length);
    if (payload != NULL && end != NULL) {
        char *bytes = PyByteArray_AS_STRING(payload);
        if (unmask(bytes, data + size - left, (Py_ssize_t)length) || data[at] == BINARY ||
            (text = PyUnicode_DecodeUTF8(bytes, (Py_ssize_t)length, NULL)) != NULL)
            frame = PyTuple_Pack(3, payload, data[at] == BINARY ? Py_True : Py_False, end);
        else if (PyErr_ExceptionMatches(PyExc_UnicodeDecodeError))
            frame = (PyErr_Clear(), Py_NewRef(Py_None));
    }
    Py_XDECREF(text);
    Py_XDECREF(end);
    Py_XDECREF(payload);
    return frame;
}

/* make(payload, binary) -> frame */
static PyObject *make_frame(PyObject *Py_UNUSED(module), PyObject *const *given, Py_ssize_t count)
{
    Py_buffer payload;
    if (count != 2 || PyObject_GetBuffer(given[0], &payload, PyBUF_SIMPLE) < 0)
        return PyErr_Format(PyExc_TypeError, "make takes bytes, binary");
    int wide = payload.len < 126 ? 0 : payload.len < 65536 ? 2 : 8, binary = PyObject_IsTrue(given[1]);
    PyObject *frame = PyBytes_FromStringAndSize(NULL, 2 + wide + payload.len);
    if (frame != NULL) {
        char *to = PyBytes_AS_STRING(frame);
        to[0] = (char)(binary ? BINARY : TEXT);
        to[1] = (char)(wide == 0 ? payload.len : wide == 2 ? 126 : 127);
        for (int at = 0; at < wide; at++)
            to[2 + at] = (char)((uint64_t)payload.len >> 8 * (wide - 1 - at));
        memcpy(to + 2 + wide, payload.len ? payload.buf : to, (size_t)payload.len);
    }
    PyBuffer_Release(&payload);
    return frame;
}

/* receive(events, streams, kind, size, reads) -> the event at which it stops, or None */
static PyObject *receive(PyObject *Py_UNUSED(module), PyObject *const *given, Py_ssize_t count)
{
    if (count != 5 || !PyIter_Check(given[0]) || !PyDict_Check(given[1]) || !PyType_Check(given[2]) ||
        !PyLong_Check(given[3]) || !PyList_Check(given[4]))
        return PyErr_Format(PyExc_TypeError, "receive takes an iterator, a dict, a type, an int, a list");
    Py_ssize_t size = PyLong_AsSsize_t(given[3]), got = 0;
    PyObject *buffer = NULL, *held = NULL, *stream, *data, *pair;
    unsigned number, what;
    while (got < size && (buffer != NULL || (buffer = PyBytes_FromStringAndSize(NULL, size)) != NULL) &&
           (held = PyIter_Next(given[0])) != NULL) {
        if (!PyArg_ParseTuple(held, "II", &number, &what) || what != POLLIN ||
            (stream = PyDict_GetItemWithError(given[1], PyTuple_GET_ITEM(held, 0))) == NULL ||
            !PyObject_TypeCheck(stream, (PyTypeObject *)given[2]))
            break;
        Py_SETREF(held, Py_NewRef(stream));
        got = recv((int)number, PyBytes_AS_STRING(buffer), (size_t)size, MSG_DONTWAIT);
        if (got >= 0 || errno != EAGAIN) {
            data = got < 0       ? Py_NewRef(Py_None)
                   : got < LARGE ? PyBytes_FromStringAndSize(PyBytes_AS_STRING(buffer), got)
                                 : (_PyBytes_Resize(&buffer, got), Py_XNewRef(buffer));
            if (got >= LARGE)
                Py_CLEAR(buffer);
            pair = data == NULL ? NULL : PyTuple_Pack(2, held, data);
            if (pair == NULL || PyList_Append(given[4], pair) < 0)
                got = size;
            Py_XDECREF(pair);
            Py_XDECREF(data);
        }
        Py_CLEAR(held);
    }
    Py_XDECREF(buffer);
    return PyErr_Occurred() ? (Py_XDECREF(held), NULL) : held != NULL ? held : Py_NewRef(Py_None);
}

/* A bound send(blob) -> how many bytes the socket takes, 0 where it fails */
static PyObject *send_now(PyObject *socket, PyObject *blob)
{
    PyObject *number = PyBytes_Check(blob) ? fileno_of->d_method->ml_meth(socket, NULL) : NULL;
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
    return PyObject_TypeCheck(socket, PyDescr_TYPE(fileno_of)) ? PyCFunction_New(&bound, socket)
                                                               : PyErr_Format(PyExc_TypeError, "sender takes a socket");
}

static PyMethodDef functions[] = {
    {"read", (PyCFunction)(void (*)(void))read_frame, METH_FASTCALL, NULL},
    {"make", (PyCFunction)(void (*)(void))make_frame, METH_FASTCALL, NULL},
    {"receive", (PyCFunction)(void (*)(void))receive, METH_FASTCALL, NULL},
    {"sender", sender, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "_accelerator", .m_methods = functions};
PyMODINIT_FUNC PyInit__accelerator(void)
{
    PyObject *module = PyImport_ImportModule("_socket");
    PyObject *type = module == NULL ? NULL : PyObject_GetAttrString(module, "socket");
    fileno_of = type == NULL ? NULL : (PyMethodDescrObject *)PyObject_GetAttrString(type, "fileno");
    return fileno_of == NULL ? NULL : PyModuleDef_Init(&definition);
}
