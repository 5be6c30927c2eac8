"""Amazon Cognito and EventBridge Scheduler as moto emulates them, for the stories that want them.

    python serve.py PORT

Ends with its standard input: whoever started it may be killed, and it does not stay behind.
"""

import os
import sys
import threading

from moto.server import main


def end_with_standard_input():
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=end_with_standard_input, daemon=True).start()
# Flask says where it listens on the error stream.
sys.stderr = sys.stdout
main(["-H", "127.0.0.1", "-p", sys.argv[1]])
