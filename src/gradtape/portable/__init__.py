"""Functions as values that leave the process: printed as NumPy code, written to a file and read again.

calculation     a function's operations, with what goes in and what comes out
source          a calculation as NumPy code, of statements and, above them, helpers
specialise      what is left of a Python function where some arguments are known; expressions in it, and their values
reading         the syntax tree of a function of the table
file            export and load: a calculation as a file
"""
