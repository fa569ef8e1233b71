raise RuntimeError("no function")
