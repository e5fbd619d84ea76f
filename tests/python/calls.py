"""Methods of one object, called by lines of JSON: python calls.py MODULE CLASS KEYWORDS.

Each line is [method, [arguments], {keywords}].
"""

import importlib
import json
import sys

target = getattr(importlib.import_module(sys.argv[1]), sys.argv[2])(**json.loads(sys.argv[3]))
for line in sys.stdin:
    method, arguments, keywords = json.loads(line)
    try:
        result = {"is": "answer", "result": getattr(target, method)(*arguments, **keywords)}
    except Exception as error:
        result = {"is": "answer", "error": type(error).__name__, "says": str(error)}
    print(json.dumps(result), flush=True)
