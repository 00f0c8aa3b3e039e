"""Scripts that execute one workflow in a process of its own, by an interpreter that has the workflow engine.

They are run by their path, import nothing of this package but the modules in this folder, and talk to the
endpoint in lines of JSON on standard output.
"""
