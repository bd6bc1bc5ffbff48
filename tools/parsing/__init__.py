"""Files of strangers are read in a process of their own: one child a file, bounded, and gone when it is done.

A library's own limits hold neither the clock nor the interpreter's lock: a file that spins, grows or crashes would take
the server with it. Nothing is imported here, since the child begins with this package and shall begin fast.
"""
