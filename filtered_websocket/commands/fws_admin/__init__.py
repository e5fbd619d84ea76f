"""The command `fws_admin`: the connections and channels of running servers, for people and for scripts.

arguments.py    what the command line says
tables.py       answers as tables, events as lines
__main__.py     asks (`commands.steering`), and shows
"""
