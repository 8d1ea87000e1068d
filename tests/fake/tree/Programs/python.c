/* Hands over to the Python of the tests, with the fake's own library first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const char *speed;
extern int _PyEval_EvalFrameDefault(const unsigned char *code);

int
main(int count, char **arguments)
{
    char path[8192];
    const unsigned char program[] = {1, 2, 0};
    const char *inherited = getenv("PYTHONPATH");
    if (_PyEval_EvalFrameDefault(program) != 2) return 70;
    snprintf(path, sizeof path, LIB "/fake%s%s", inherited ? ":" : "", inherited ? inherited : "");
    setenv("PYTHONPATH", path, 1);
    setenv("FAKE_SPEED", speed, 1);
    setenv("FAKE_LIB", LIB, 1);
    setenv("FAKE_EXECUTABLE", arguments[0], 1);
    if (count > 2 && strcmp(arguments[1], "-m") == 0 && strncmp(arguments[2], "test", 4) == 0)
        arguments[2] = "fake_regrtest";
    if (count > 2 && strcmp(arguments[1], "-m") == 0 && strcmp(arguments[2], "pip") == 0)
        arguments[2] = "fake_pip";
    arguments[0] = HOSTPYTHON;
    execv(HOSTPYTHON, arguments);
    perror(HOSTPYTHON);
    return 71;
}
