"""One module for each group of commands: their options, and the jobs that they call.

A module is imported only when one of its commands is used (`bench.cli.parser`). Its `add_commands`
adds the options; the functions that run a command import the job that they call.
"""
