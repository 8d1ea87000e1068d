"""A regrtest over the fake's tests: each file's last line says what the test does."""

import os
import signal
import sys
import time

names = [name for name in sys.argv[1:] if not name.startswith("-")]
ended = {"pass": [], "fail": [], "skip": []}
for name in names:
    with open(os.path.join(os.environ["FAKE_LIB"], "test", name + ".py")) as file:
        what = file.read().split()[-1]
    if what == "die":
        os.kill(os.getpid(), signal.SIGSEGV)
    if what == "hang":
        time.sleep(3600)
    if what == "crash":
        print("%s failed (exit code -11 (SIGSEGV))" % name)
        what = "fail"
    if what == "flaky":
        what = "fail" if len(names) > 1 else "pass"
    ended[what].append(name)
if ended["fail"]:
    print("%d test failed:\n    %s\n" % (len(ended["fail"]), " ".join(ended["fail"])))
if ended["skip"]:
    print("%d test skipped:\n    %s\n" % (len(ended["skip"]), " ".join(ended["skip"])))
print("%d tests OK." % len(ended["pass"]))
print("Result: %s" % ("FAILURE" if ended["fail"] else "SUCCESS"))
sys.exit(2 if ended["fail"] else 0)
