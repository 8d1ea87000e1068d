/* A loop that dispatches through a switch, which becomes one jump through a table. */
__attribute__((noinline)) int
_PyEval_EvalFrameDefault(const unsigned char *code)
{
    int value = 0;
    for (;;) {
        switch (*code++) {
        case 0: return value;
        case 1: value += 3; break;
        case 2: value -= 7; break;
        case 3: value *= 5; break;
        case 4: value ^= 9; break;
        case 5: value <<= 2; break;
        case 6: value |= 64; break;
        default: return -1;
        }
    }
}

int
main(int count, char **arguments)
{
    return _PyEval_EvalFrameDefault((const unsigned char *)arguments[count - 1]);
}
