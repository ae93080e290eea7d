"""Helper of milvus.sh: unpacks the server out of the installed package, and writes its configuration.

milvus_config.py unpack FOLDER
milvus_config.py write TEMPLATE TARGET KEY=VALUE...
"""

import lzma
import pathlib
import re
import shutil
import sys
import sysconfig


def unpack(folder):
    """Put the files of the installed package "milvus" into folder, decompressed and executable."""
    data = pathlib.Path(sysconfig.get_paths()["purelib"], "milvus", "data")
    out = pathlib.Path(folder)
    for packed in (data / "bin").glob("*.lzma"):
        with lzma.open(packed) as source, open(out / packed.stem, "wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
        (out / packed.stem).chmod(0o755)
    for name in ("config.yaml.template", "glog.conf"):
        shutil.copy(data / name, out)


def write(template, target, pairs):
    """Write the template with its "{{name: default}}" marks resolved and the given settings in place.

    A setting is addressed by its path of keys, "a.b.c". One that the template does not have is an error.
    """
    want = dict(pair.split("=", 1) for pair in pairs)
    text = pathlib.Path(template).read_text()
    text = text.replace("\netcd:\n", "\netcd:\n  config:\n    path:\n", 1)
    text = re.sub(r"\{\{[^:}]*:?\s*([^}]*?)\s*\}\}", r"\1", text)
    path, lines = [], []
    for line in text.splitlines():
        match = re.match(r"( *)([A-Za-z0-9_]+):", line)
        if match:
            path = path[: len(match[1]) // 2] + [match[2]]
            key = ".".join(path)
            if key in want:
                line = f"{match[1]}{match[2]}: {want.pop(key)}"
        lines.append(line)
    if want:
        sys.exit("no such setting in the template: " + " ".join(want))
    pathlib.Path(target).write_text("\n".join(lines) + "\n")


if sys.argv[1] == "unpack":
    unpack(sys.argv[2])
else:
    write(sys.argv[2], sys.argv[3], sys.argv[4:])
