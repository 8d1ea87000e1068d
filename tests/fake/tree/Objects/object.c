/* Beside the loop: what layout moves it against. */

__attribute__((used, noinline)) int
PyObject_Size(const char *object)
{
    int size = 0;
    while (*object++) size++;
    return size;
}
