"""What series for 2.7 may not change, where one of them could: run by the patched interpreter."""

import weakref


class Equal(object):
    """Hashes like a string; counts how often it is compared."""

    def __init__(self, answers=()):
        self.answers = list(answers)
        self.calls = 0

    def __hash__(self):
        return hash("x")

    def __eq__(self, other):
        self.calls += 1
        return self.answers.pop(0) if self.answers else False

    __ne__ = None


def refusal(look, expected):
    """The exception that tells that something is not there."""
    try:
        look()
    except expected as error:
        return error
    raise AssertionError("found what is not there")


def a_key_that_is_not_there_is_looked_up_once():
    key = Equal(answers=[False, True])
    found = {key: 1}
    assert refusal(lambda: found["x"], KeyError).args == ("x",)
    assert key.calls == 1, key.calls


def an_instance_without_an_attribute_is_asked_once():
    class Empty(object):
        pass

    one, key = Empty(), Equal(answers=[False, True])
    one.__dict__[key] = 1
    refusal(lambda: one.x, AttributeError)
    assert key.calls == 1, key.calls


def an_argument_lives_until_its_call_has_ended():
    class Thing(object):
        pass

    def gone(argument, other=None):
        reference = weakref.ref(argument)
        argument = other
        return reference() is None

    def shortly(argument):
        reference = weakref.ref(argument)
        del argument
        return reference() is None

    class Owner(object):
        def method(self, argument):
            reference = weakref.ref(argument)
            del argument
            return reference() is None

    assert not gone(Thing())
    assert not shortly(Thing())
    assert not Owner().method(Thing())


if __name__ == "__main__":
    a_key_that_is_not_there_is_looked_up_once()
    an_instance_without_an_attribute_is_asked_once()
    an_argument_lives_until_its_call_has_ended()
