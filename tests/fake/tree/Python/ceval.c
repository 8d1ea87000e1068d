/* The loop of the fake: shaped like one, and it says how fast the fake is. */

const char *speed = "1.0";

__attribute__((noinline, noclone)) int
_PyEval_EvalFrameDefault(const unsigned char *code)
{
    int value = 0;
#ifdef NO_COMPUTED_GOTOS
    for (;;) {
        switch (*code++) {
        case 0: return value;
        case 1: value += 3; break;
        default: value -= 1; break;
        }
    }
#else
    static const void *const opcode_targets[] = {&&stop, &&add, &&subtract};
    goto *opcode_targets[*code++];
stop:
    return value;
add:
    value += 3;
    goto *opcode_targets[*code++];
subtract:
    value -= 1;
    goto *opcode_targets[*code++];
#endif
}
