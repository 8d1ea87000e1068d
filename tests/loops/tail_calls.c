/* A loop of functions, one for each instruction: each ends in a tail call of the next one. */
typedef int handler(const unsigned char *code, int value);

#define TARGET(name) static __attribute__((noinline)) int \
    _TAIL_CALL_##name(const unsigned char *code, int value)
#define NEXT __attribute__((musttail)) return instruction_funcptr_table[*code](code + 1, value)

static handler *const instruction_funcptr_table[];

TARGET(STOP) { (void)code; return value; }
TARGET(ADD) { value += 3; NEXT; }
TARGET(SUBTRACT) { value -= 7; NEXT; }
TARGET(INVERT) { if (value) { value ^= 9; NEXT; } value = 1; NEXT; }
TARGET(UNKNOWN) { (void)code; (void)value; return -1; }

static handler *const instruction_funcptr_table[] = {
    _TAIL_CALL_STOP, _TAIL_CALL_ADD, _TAIL_CALL_SUBTRACT, _TAIL_CALL_INVERT,
    _TAIL_CALL_UNKNOWN, _TAIL_CALL_UNKNOWN, _TAIL_CALL_UNKNOWN, _TAIL_CALL_UNKNOWN};

__attribute__((noinline)) int
_PyEval_EvalFrameDefault(const unsigned char *code)
{
    return 2 * instruction_funcptr_table[*code](code + 1, 0);
}

int
main(int count, char **arguments)
{
    return _PyEval_EvalFrameDefault((const unsigned char *)arguments[count - 1]);
}
