/* A loop that dispatches through a table of label addresses, once in each handler. */
#define NEXT goto *opcode_targets[*code++]

__attribute__((noinline)) int
_PyEval_EvalFrameDefault(const unsigned char *code)
{
    static const void *const opcode_targets[] = {
        &&stop, &&add, &&subtract, &&multiply, &&invert, &&unknown, &&unknown, &&unknown};
    int value = 0;
    NEXT;
add:
    value += 3;
    NEXT;
subtract:
    value -= 7;
    NEXT;
multiply:
    value *= 5;
    NEXT;
invert:
    value ^= 9;
    NEXT;
unknown:
    return -1;
stop:
    return value;
}

int
main(int count, char **arguments)
{
    return _PyEval_EvalFrameDefault((const unsigned char *)arguments[count - 1]);
}
