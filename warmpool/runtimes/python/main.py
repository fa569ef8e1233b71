"""Where a Python worker begins: boots to a blank and serves. docs/protocol.md is the contract with the parent; read
wrangler_free/worker.py next. Started again by another interpreter (a virtual environment's), it is handed the load that
the first one had read."""
import sys


def main():
    # This folder is on the path as the script's own, which is nothing for the functions' modules.
    from wrangler_free.worker import Worker
    del sys.path[0]
    sys.pycache_prefix = None
    # A function's folder is an immutable bundle: nothing is written into it.
    sys.dont_write_bytecode = True
    worker = Worker()
    if len(sys.argv) == 3 and sys.argv[1] == '--become':
        worker.resume(int(sys.argv[2]))
    else:
        worker.boot()
    worker.serve()


if __name__ == '__main__':
    main()
