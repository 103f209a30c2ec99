"""A small project as a value: its recipe, sources, scripts and environment.

Stages point to each other as objects, so that a rename is one assignment; `write` says it
all in files. Every result is a function of what the recipe declares, and of nothing else.
"""

import itertools
import os

MIX_OPTIONS = ("times", "scale", "loud", "note", "mode")
FILTERS = ["cat", "sort -u", "head -n 3", "wc -c", "tr a-m A-M", "grep -v '^#'", "sed 's/1/one/'",
           "cksum"]

# A script gets its output, a word, then files and folders. `lib.sh` beside it has `tail_of`,
# and so may `libmore.sh`.
SCRIPT = """# %(comment)s
for f in code/lib*.sh; do . "$f"; done
out=$1
word=$2
shift 2
%(fail)s{
    echo "%(tag)s $word ${X-unset} ${LARDER_SEED-no seed} $(basename "$out")"
    for f; do if [ -d "$f" ]; then find -L "$f" -type f | sort | xargs cat; else cat "$f"; [ ! -x "$f" ] || echo x; fi
    done | %(filter)s
    tail_of
} > %(to)s
"""

# Texts of `sh:`: one cuts a file into shards, the other maps over them.
CUT = """mkdir ${out.set}
      for i in $(seq 0 $((%(shards)s - 1))); do
          mkdir ${out.set}/$(printf %%02d $i)
          awk "NR %% %(shards)s == $i" ${in.i0} > ${out.set}/$(printf %%02d $i)/lines
      done"""
EACH = """mkdir ${out.set}
      { echo "tag%(tag)d" ${params.word}; cat ${in.i0}/lines; } | %(filter)s > ${out.set}/lines"""

AWK = """# %(comment)s
BEGIN { print "%(tag)s", word > out }
{ print FNR, length($0), $%(field)d > out }
"""


# Loads what no recipe names, from a folder of the user's: always, if it is there, as the
# inputs say. Of `mark` only the size is asked, of `link` only where it leads.
USES_MODULE = ('out=$1; shift; . "$MODULES/module.sh"; '
               '[ ! -e "$MODULES/extra.sh" ] || . "$MODULES/extra.sh"; '
               '. "$MODULES/part$(cat "$@" | cksum | tr 02468 11111 | cut -c1).sh"; '
               '{ module "$@"; part; stat -c %s "$MODULES/mark"; readlink "$MODULES/link"; } '
               '> "$out"')
PARTS = "13579"


class Stage:
    """kind: mix, sh, awk, cp, copy (a file of the modules), words, module, cut (into shards) or
    each (of them); inputs: (name, reference) in order."""

    def __init__(self, key, kind):
        self.key = self.name = key  # key stays, name is what the recipe calls it
        self.kind, self.axes, self.inputs = kind, [], []
        self.out = {"o": "o.txt"}
        self.options, self.word, self.env = {}, "w", None
        self.seed = self.case = None
        self.tag, self.filter, self.field, self.comment = 1, "cat", 1, 1
        self.folder = self.fails = self.temp = False
        self.shards = "${params.shards}"  # of cut

    def script(self):
        return "code/%s.%s" % (self.key, "awk" if self.kind == "awk" else "sh")


class Ref:
    """An input: how ("source", "import", "stage") of what; pick is the selector."""

    def __init__(self, how, what, output=None, pick=None):
        self.how, self.what, self.output, self.pick = how, what, output, pick


class Project:
    def __init__(self):
        self.params = {}     # name -> value
        self.axes = {}       # name -> values
        self.sources = {}    # path -> text
        self.executable = set()  # those of them that may be executed
        self.stages = []     # in an order in which they can run
        self.user = {}       # what the user's environment has
        self.env = {}        # `env:` of the recipe: name -> value, or None for the user's
        self.profiles = {}   # name -> params
        self.profile = None
        self.settings = []   # of the command line: (name, value)
        self.included = set()  # keys of stages that stand in part.yaml
        self.import_from = []  # candidates of the import `data`
        self.lib, self.mix, self.comment, self.imported = 1, 1, 1, False
        self.more = False    # a second library
        # what is installed outside of the project
        self.module, self.extra, self.mark, self.link = 1, False, 1, 1
        self.parts = {part: 1 for part in PARTS}

    # ---- what members there are -------------------------------------------------------

    def members(self, stage):
        """Each combination of values, as the text that selects it."""
        for values in itertools.product(*(self.axes[a] for a in stage.axes)):
            yield ",".join("%s=%s" % pair for pair in zip(stage.axes, values))

    def is_list(self, stage, ref):
        if ref.how != "stage":
            return False
        if ref.pick == "@":
            return not set(ref.what.axes) <= set(stage.axes)
        return bool(ref.what.axes) and not (ref.pick == "first" and len(ref.what.axes) == 1)

    # ---- the recipe -------------------------------------------------------------------

    def reference(self, ref):
        if ref.how == "source":
            return "./" + ref.what
        if ref.how == "import":
            return "import.data"
        s = ref.what
        if not s.axes:
            return "%s.%s" % (s.name, ref.output)
        pick = ref.pick
        if pick == "first":
            pick = "%s=%s" % (s.axes[0], self.axes[s.axes[0]][0])
        return "%s[%s].%s" % (s.name, pick, ref.output)

    def input(self, stage, ref):
        text = '"%s"' % self.reference(ref)
        if stage.case and ref is stage.inputs[0][1] and ref.how == "source":
            axis = stage.axes[0]
            first, rest = self.axes[axis][0], self.axes[axis][1:]
            other = '"./%s"' % stage.case
            return '{case: "${m.%s}", %s}' % (axis, ", ".join(
                ["%s: %s" % (first, text)] + ["%s: %s" % (v, other) for v in rest]))
        return text

    def words(self, stage):
        word = stage.word + "".join(" ${m.%s}" % a for a in stage.axes)
        ins = ['"${in.%s%s}"' % (n, "[*]" if self.is_list(stage, r) else "")
               for n, r in stage.inputs]
        if stage.kind == "cp":
            return ["cp", ins[0], '"${out.o}"']
        if stage.kind == "copy":
            return ["cp", '"${env.MODULES}/part%s.sh"' % PARTS[stage.tag % len(PARTS)],
                    '"${out.o}"']
        if stage.kind == "awk":
            return ["awk", "-v", '"out=${out.o}"', "-v", '"word=%s"' % word, "-f",
                    stage.script()] + ins
        if stage.kind == "module":
            return ["sh", "-c", "'%s'" % USES_MODULE, "sh", '"${out.o}"'] + ins
        if stage.kind == "words":
            return ["sh", "-c", '\'out=$1; shift; { echo "$@"; printenv X || echo unset; } > "$out"\'', "sh",
                    '"${out.o}"', '"%s"' % word]
        return ["sh", stage.script(), '"${out.o}"', '"%s"' % word] + ins

    def script_text(self, stage):
        """The text of `sh:`, and what is said of its output."""
        values = {"shards": stage.shards, "tag": stage.tag, "filter": stage.filter}
        out = "path: set/, shards: %s" % (
            "same" if stage.kind == "each" else '"%s"' % stage.shards if
            stage.shards[0] == "$" else stage.shards)
        if stage.temp:
            out += ", keep: temp"
        text = (CUT if stage.kind == "cut" else EACH) % values
        return ["    sh: |", "      " + text] + ["    map: {over: i0}"] * (
            stage.kind == "each") + ["    out: {set: {%s}}" % out]

    def stage_text(self, stage):
        lines = ["  %s:" % stage.name]
        if stage.kind in ("cut", "each"):
            lines += self.script_text(stage)
        elif stage.kind == "mix":
            lines.append("    program: mix")
            options = dict(stage.options)
            if stage.axes:
                options["note"] = " ".join("${m.%s}" % a for a in stage.axes)
            if options:
                lines.append("    params: {%s}" % ", ".join(
                    '%s: %s' % (k, '"%s"' % v if isinstance(v, str) else yaml_value(v))
                    for k, v in options.items()))
        else:
            lines.append("    run: [%s]" % ", ".join(self.words(stage)))
            if stage.kind == "sh":
                lines.append("    code: [./%s, \"./code/lib*.sh\"]" % stage.script())
            if stage.kind == "awk":
                lines.append("    code: [./%s]" % stage.script())
        if stage.axes:
            lines.append("    matrix: [%s]" % ", ".join(stage.axes))
        if stage.inputs:
            lines.append("    in: {%s}" % ", ".join(
                "%s: %s" % (n, self.input(stage, r)) for n, r in stage.inputs))
        if stage.kind not in ("mix", "cut", "each"):
            lines.append("    out: {%s}" % ", ".join(
                '%s: "%s"' % (n, p + "/" if stage.folder else p)
                for n, p in stage.out.items()))
        if stage.kind in ("copy", "module"):
            lines.append("    sandbox: warn\n    env: {MODULES: }")
        if stage.env:
            lines.append("    env: {X: %s}" % ("" if stage.env == "user" else
                                               '"%s"' % stage.env))
        if stage.seed is not None:
            lines.append("    seed: %s" % stage.seed)
        return "\n".join(lines)

    def placed(self):
        """(what, where) of every output that is kept, of every step."""
        for s in self.stages:
            for output in s.out if not s.temp else ():
                for member in self.members(s):
                    yield ("%s%s.%s" % (s.name, "[%s]" % member if member else "", output),
                           "out/%s%s.%s" % (s.key, "/" + member if member else "", output))

    def recipe(self):
        lines = ["# comment %d" % self.comment, "larder: 1", "default: {target: all}"]
        lines.append("params: {%s}" % ", ".join(
            "%s: %s" % (k, yaml_value(v)) for k, v in self.params.items()))
        if self.axes:
            lines.append("axes: {%s}" % ", ".join(
                "%s: [%s]" % (k, ", ".join(v)) for k, v in self.axes.items()))
        if self.profiles:
            lines.append("profiles:")
            for name, params in self.profiles.items():
                lines.append("  %s: {params: {%s}}" % (name, ", ".join(
                    "%s: %s" % (k, yaml_value(v)) for k, v in params.items())))
        if self.env:
            lines.append("env: {%s}" % ", ".join(
                "%s: %s" % (k, "" if v is None else '"%s"' % v)
                for k, v in self.env.items()))
        if self.imported:
            lines.append("imports:\n  data: {from: [%s]}" % ", ".join(
                "./" + p for p in self.import_from))
        if any(s.key in self.included for s in self.stages):
            lines.append("include: [part.yaml]")
        lines.append("targets:\n  all:\n    get:")
        lines += ['      "%s": "%s"' % p for p in self.placed()]
        lines.append("stages:")
        lines += [self.stage_text(s) for s in self.stages if s.key not in self.included]
        return "\n".join(lines) + "\n"

    def part(self):
        return "stages:\n" + "\n".join(
            self.stage_text(s) for s in self.stages if s.key in self.included) + "\n"

    # ---- files ------------------------------------------------------------------------

    def files(self):
        files = {"larder.yaml": self.recipe(), "code/lib.sh":
                 "# the library\ntail_of() { echo lib %d; }\n" % self.lib}
        if self.more:
            files["code/libmore.sh"] = "tail_of() { echo more; }\n"
        if any(s.key in self.included for s in self.stages):
            files["part.yaml"] = self.part()
        files.update(self.sources)
        for s in self.stages:
            values = {"comment": "comment %d" % s.comment, "tag": "tag%d" % s.tag,
                      "filter": s.filter, "field": s.field,
                      "fail": "exit 3\n" if s.fails else ""}
            if s.kind == "sh":
                values["to"] = '"$out"'
                text = SCRIPT % values
                if s.folder:
                    text = text.replace('> "$out"', '> "$out/one"').replace(
                        "tail_of\n}", "tail_of\n}", 1).replace(
                            "shift 2\n", 'shift 2\nmkdir -p "$out"\necho "$word" > "$out/two"\n')
                files[s.script()] = text
            elif s.kind == "awk":
                files[s.script()] = AWK % values
        return files

    def install(self, folder):
        """What stages of the kinds copy and module load."""
        files = {"part%s.sh" % p: "part() { echo part %s %d; }\n" % (p, version)
                 for p, version in self.parts.items()}
        files["mark"] = "x" * self.mark
        link = os.path.join(folder, "link")
        if not os.path.islink(link) or os.readlink(link) != str(self.link):
            os.makedirs(folder, exist_ok=True)
            if os.path.islink(link):
                os.remove(link)
            os.symlink(str(self.link), link)
        files.update({"module.sh": "module() { echo module %d; cat \"$@\"; }\n" % self.module})
        if self.extra:
            files["extra.sh"] = "module() { echo extra; }\n"
        elif os.path.exists(os.path.join(folder, "extra.sh")):
            os.remove(os.path.join(folder, "extra.sh"))
        write_changed(files, folder)

    def write(self, root):
        more = os.path.join(root, "code/libmore.sh")
        if not self.more and os.path.exists(more):
            os.remove(more)
        write_changed(self.files(), root)
        for path in self.sources:
            full = os.path.join(root, path)
            mode = 0o755 if path in self.executable else 0o644
            if os.stat(full).st_mode & 0o777 != mode:
                os.chmod(full, mode)

    def arguments(self):
        words = ["-P", self.profile] if self.profile else []
        for name, value in self.settings:
            words += ["-S", "%s=%s" % (name, value)]
        return words


def yaml_value(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return '"%s"' % value if isinstance(value, str) else repr(value)


def write_changed(files, root):
    """Writes what differs from what is there."""
    for path, text in files.items():
        full = os.path.join(root, path)
        try:
            with open(full) as f:
                if f.read() == text:
                    continue
        except FileNotFoundError:
            os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w") as f:
            f.write(text)
