"""The program transcode_probe, asked many things at once."""
import os
import subprocess

from .config import build_folder
from .slow_encodings import write as in_encoding

ENCODINGS = ("binary", "compact", "json")
__all__ = ["ENCODINGS", "ask", "in_encoding"]


def ask(folder, questions, encoding="binary", pieces="0"):
    """questions: (in or out, service, method, options with commas between them, bytes). Returns a line for each."""
    program = os.path.join(build_folder(), "tests", "tools", "transcode_probe")
    lines = (f"{way} {service} {method} {options},{encoding} {pieces} {data.hex() or '-'}"
             for way, service, method, options, data in questions)
    done = subprocess.run([program, folder], input="\n".join(lines) + "\n", timeout=120, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    answers = done.stdout.split("\n")[:-1]
    assert len(answers) == len(questions)
    return answers
