"""Makes no benchmark at all."""

import pyperf

if __name__ == "__main__":
    pyperf.Runner().parse_args()
