"""Random projects, and what may happen to them between two runs.

An edit is a function of the dice and the project that changes the project and returns what
it did, or None where it cannot be done. Those in CALM change no result, so that nothing may
run after them. Those that disturb files instead of the project are in random_plans.
"""

import copy

from model import FILTERS, MIX_OPTIONS, Project, Ref, Stage

VALUES = ["a", "b", "c", "d", "e"]


def text(dice):
    return "".join("%s%d\n" % (dice.choice("xyz #"), dice.randrange(3))
                   for _ in range(dice.randrange(1, 5)))


def option_value(dice, name):
    return {"times": lambda: dice.randrange(1, 4), "scale": lambda: dice.choice([0.5, 1.5, 30]),
            "loud": lambda: dice.random() < .5, "note": lambda: dice.choice(["", "n", "a b"]),
            "mode": lambda: dice.choice(["thin", "thick"])}[name]()


def random_project(dice):
    p = Project()
    p.params = {"seed": 1, "word": "word", "n": 2, "loud": False, "scale": 0.5, "mode": "thin",
                "note": "some", "shards": 2}
    for axis in "kl"[:dice.randrange(3)]:
        p.axes[axis] = dice.sample(VALUES, dice.randrange(1, 4))
    for i in range(dice.randrange(1, 4)):
        p.sources["src/%d.txt" % i] = text(dice)
    p.profiles = {"other": {"word": "other"}}
    p.user = {"U": "mine"}
    p.env = {"U": None} if dice.random() < .5 else {}
    p.imported = dice.random() < .4
    p.import_from = ["away.txt", "src/0.txt"]
    for i in range(dice.randrange(3, 8)):
        add_stage(dice, p)
    p.included = {s.key for s in p.stages if dice.random() < .3}
    if len(p.included) == len(p.stages):
        p.included.clear()
    return p


def random_ref(dice, p, stage):
    """A source, the import, or an output of a stage before."""
    choice = dice.random()
    if not p.stages or choice < .3:
        return Ref("source", dice.choice(sorted(p.sources)))
    if p.imported and choice < .4:
        return Ref("import", None)
    s = dice.choice(p.stages)
    return Ref("stage", s, dice.choice(sorted(s.out)), dice.choice(["*", "first", "@"]))


def add_stage(dice, p):
    s = Stage("s%d" % (1 + max([int(s.key[1:]) for s in p.stages], default=0)),
              dice.choice(["mix", "mix", "sh", "sh", "sh", "awk", "cp", "copy", "words", "module",
                           "module", "cut", "each"]))
    s.axes = [a for a in p.axes if dice.random() < .5]
    if s.kind in ("cut", "each"):
        return add_set(dice, p, s)
    if s.kind == "mix":
        s.out = {"mixed": "mixed", "size": "size"}
        s.inputs = [("text", single(dice, p, s))]
        lists = [r for r in (random_ref(dice, p, s) for _ in range(4)) if p.is_list(s, r)]
        if lists:
            s.inputs.append(("parts", lists[0]))
        for name in MIX_OPTIONS:
            if dice.random() < .4 and name != "note":
                s.options[name] = dice.choice(
                    [option_value(dice, name),
                     "${params.%s}" % ("n" if name == "times" else name)])
    elif s.kind == "words":
        s.word = dice.choice(["w", "${params.word}", "${params.n} and ${params.scale}"])
    else:
        s.word = dice.choice(["w", "${params.word}"])
        n = 1 if s.kind == "cp" else dice.randrange(1, 4)
        s.inputs = [("i%d" % i, random_ref(dice, p, s) if s.kind == "sh" else
                     single(dice, p, s)) for i in range(n)]
        s.filter = dice.choice(FILTERS)
        s.folder = s.kind == "sh" and dice.random() < .2
        s.seed = dice.choice([None, '"${params.seed}"', "7"]) if s.kind == "sh" else None
    if s.kind in ("sh", "words") and dice.random() < .5:
        s.env = dice.choice(["user", "fixed", "${params.word}"])
    if s.axes and s.inputs and s.inputs[0][1].how == "source" and dice.random() < .5:
        s.case = dice.choice(sorted(p.sources))
    p.stages.append(s)


def add_set(dice, p, s):
    """A stage that cuts a file into shards, or one that maps over what such a stage makes."""
    cut = [t for t in p.stages if t.kind in ("cut", "each")]
    if s.kind == "each" and cut:
        of = dice.choice(cut)
        s.axes = [a for a in p.axes if a in of.axes or a in s.axes]
        s.inputs = [("i0", Ref("stage", of, "set", "@"))]
        s.filter = dice.choice(FILTERS)
    else:
        s.kind = "cut"
        s.inputs = [("i0", single(dice, p, s))]
        s.shards = dice.choice(["${params.shards}", "3", "1"])
    s.out, s.folder, s.temp = {"set": "set"}, True, dice.random() < .5
    p.stages.append(s)


def single(dice, p, stage):
    """An input that is one file."""
    for _ in range(9):
        r = random_ref(dice, p, stage)
        if not p.is_list(stage, r) and not (r.how == "stage" and r.what.folder):
            return r
    return Ref("source", sorted(p.sources)[0])


# ---- edits that change no result -----------------------------------------------------


def touch(dice, p):
    return "touch"  # by the caller


def comment(dice, p):
    p.comment += 1
    return "a comment in the recipe"


def rename_stage(dice, p):
    s = dice.choice(p.stages)
    s.name = "%s-%d" % (s.key, dice.randrange(1000))
    return "%s is called %s" % (s.key, s.name)


def move_stage(dice, p):
    s = dice.choice(p.stages)
    p.included ^= {s.key}
    if len(p.included) == len(p.stages):
        p.included.clear()
    return "%s moves to another file" % s.key


# ---- edits that may change results ---------------------------------------------------


def edit_source(dice, p):
    path = dice.choice(sorted(p.sources))
    old = p.sources[path]
    if dice.random() < .5:  # of the same size
        p.sources[path] = "".join(dice.choice("xyz") if c in "xyz" else c for c in old)
    else:
        p.sources[path] = text(dice)
    return "%s is edited" % path


def edit_mode(dice, p):
    path = dice.choice(sorted(p.sources))
    p.executable ^= {path}
    return "%s may %sbe executed" % (path, "" if path in p.executable else "not ")


def edit_script(dice, p):
    s = pick(dice, p, lambda s: s.kind in ("sh", "awk"))
    if not s:
        return None
    what = dice.choice(["tag", "filter", "comment", "field"])
    if what == "filter":
        s.filter = dice.choice(FILTERS)
    else:
        setattr(s, what, 1 + getattr(s, what) % 4)
    return "the %s of %s" % (what, s.script())


def edit_library(dice, p):
    p.lib = 3 - p.lib
    return "code/lib.sh is edited"


def edit_more(dice, p):
    p.more = not p.more
    return "the second library is %s" % ("there" if p.more else "gone")


def edit_mix(dice, p):
    p.mix = 3 - p.mix
    return "mix is built anew"


def edit_option(dice, p):
    s = pick(dice, p, lambda s: s.kind == "mix")
    if not s:
        return None
    name = dice.choice(["times", "scale", "loud", "mode"])
    if name in s.options and dice.random() < .3:
        del s.options[name]
        return "%s of %s is left out" % (name, s.key)
    s.options[name] = option_value(dice, name)
    return "%s of %s is %s" % (name, s.key, s.options[name])


def new_param(dice, name):
    return {"seed": lambda: dice.randrange(3), "word": lambda: dice.choice(["word", "two words"]),
            "n": lambda: dice.randrange(1, 4), "scale": lambda: dice.choice([0.5, 2.5]),
            "loud": lambda: dice.random() < .5, "mode": lambda: dice.choice(["thin", "thick"]),
            "note": lambda: dice.choice(["some", "none"]),
            "shards": lambda: dice.randrange(1, 4)}[name]()


def edit_param(dice, p):
    name = dice.choice(sorted(p.params))
    p.params[name] = new_param(dice, name)
    return "params.%s is %s" % (name, p.params[name])


def set_param(dice, p):
    name = dice.choice(["word", "n", "mode", "shards"])
    p.settings = [(name, new_param(dice, name))]
    return "-S %s=%s" % p.settings[0]


def unset_params(dice, p):
    if not p.settings and not p.profile:
        return None
    p.settings, p.profile = [], None
    return "without -S and -P"


def choose_profile(dice, p):
    p.profile = "other"
    if dice.random() < .5:
        p.profiles["other"]["word"] = dice.choice(["other", "else"])
    return "-P other"


def edit_set(dice, p):
    s = pick(dice, p, lambda s: s.kind in ("cut", "each"))
    if not s:
        return None
    if dice.random() < .4:
        s.temp = not s.temp
        return "%s is %s" % (s.key, "temporary" if s.temp else "kept")
    if s.kind == "cut":
        s.shards = dice.choice(["${params.shards}", "2", "3"])
        return "%s has %s shards" % (s.key, s.shards)
    s.tag, s.filter = 1 + s.tag % 4, dice.choice(FILTERS)
    return "the text of %s" % s.key


def edit_axis(dice, p):
    if not p.axes:
        return None
    axis = dice.choice(sorted(p.axes))
    values = p.axes[axis]
    rest = [v for v in VALUES if v not in values]
    what = dice.choice(["add", "remove", "reorder"])
    if what == "add" and rest and len(values) < 4:
        values.insert(dice.randrange(len(values) + 1), dice.choice(rest))
    elif what == "remove" and len(values) > 1:
        values.remove(dice.choice(values))
    else:
        dice.shuffle(values)
    return "axis %s is %s" % (axis, " ".join(values))


def edit_matrix(dice, p):
    """Another axis of a stage that nobody reads."""
    read = {id(r.what) for s in p.stages for _, r in s.inputs if r.how == "stage"}
    s = pick(dice, p, lambda s: id(s) not in read and s.kind in ("sh", "words"))
    if not s or not p.axes:
        return None
    s.axes = [a for a in p.axes if dice.random() < .5]
    s.case = None
    return "the matrix of %s is %s" % (s.key, s.axes)


def edit_selector(dice, p):
    s = pick(dice, p, lambda s: s.kind == "sh" and any(r.how == "stage" for _, r in s.inputs))
    if not s:
        return None
    ref = dice.choice([r for _, r in s.inputs if r.how == "stage"])
    ref.pick = dice.choice(["*", "first", "@"])
    return "a selector of %s is %s" % (s.key, ref.pick)


def edit_input(dice, p):
    s = pick(dice, p, lambda s: s.kind == "sh" and s.inputs[0][1].how == "source")
    if not s:
        return None
    s.inputs[0] = (s.inputs[0][0], Ref("source", dice.choice(sorted(p.sources))))
    return "%s reads %s" % (s.key, s.inputs[0][1].what)


def edit_output_name(dice, p):
    s = pick(dice, p, lambda s: s.kind in ("sh", "awk", "cp"))
    if not s:
        return None
    s.out = {"o": dice.choice(["o.txt", "p.txt", "deep/q.txt"])}
    return "%s writes %s" % (s.key, s.out["o"])


def edit_environment(dice, p):
    p.user["X"] = dice.choice(["1", "2", "two words"])
    if dice.random() < .3:
        del p.user["X"]
    return "X is %s" % p.user.get("X")


def edit_stage_environment(dice, p):
    s = pick(dice, p, lambda s: s.kind in ("sh", "words"))
    if not s:
        return None
    s.env = dice.choice([None, "user", "fixed", "other"])
    return "env of %s is %s" % (s.key, s.env)


def edit_seed(dice, p):
    s = pick(dice, p, lambda s: s.kind == "sh")
    if not s:
        return None
    s.seed = dice.choice([None, "7", "8", '"${params.seed}"'])
    return "seed of %s is %s" % (s.key, s.seed)


def edit_import(dice, p):
    if not p.imported:
        return None
    p.import_from = dice.choice([["away.txt", "src/0.txt"], [sorted(p.sources)[-1]]])
    return "the import is from %s" % p.import_from[-1]


def edit_module(dice, p):
    p.module = 1 + p.module % 3
    return "the module is version %d" % p.module


def edit_extra(dice, p):
    p.extra = not p.extra
    return "the second module is %s" % ("there" if p.extra else "gone")


def edit_part(dice, p):
    part = dice.choice(sorted(p.parts))
    p.parts[part] += 1
    return "part %s is version %d" % (part, p.parts[part])


def edit_mark(dice, p):
    p.mark = 3 - p.mark
    return "the mark has %d bytes" % p.mark


def edit_link(dice, p):
    p.link = 3 - p.link
    return "the link leads to %d" % p.link


def append_stage(dice, p):
    if len(p.stages) > 9:
        return None
    add_stage(dice, p)
    return "stage %s is new" % p.stages[-1].key


def break_script(dice, p):
    s = pick(dice, p, lambda s: s.kind == "sh")
    if not s:
        return None
    s.fails = True
    return "%s fails" % s.key


def pick(dice, p, fits):
    stages = [s for s in p.stages if fits(s)]
    return dice.choice(stages) if stages else None


CALM = [touch, comment, rename_stage, move_stage]
EDITS = [edit_source, edit_source, edit_mode, edit_script, edit_script, edit_library, edit_more,
         edit_mix,
         edit_option, edit_option, edit_param, set_param, unset_params, choose_profile, edit_axis, edit_axis,
         edit_matrix, edit_selector, edit_input, edit_output_name, edit_output_name,
         edit_environment, edit_environment, edit_stage_environment, edit_seed, edit_import,
         edit_set, edit_set, edit_module, edit_module, edit_extra,
         edit_part, edit_part, edit_mark, edit_link, append_stage]


def snapshot(p):
    return copy.deepcopy(p)
