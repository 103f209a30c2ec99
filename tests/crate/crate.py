"""crate.py FOLDER - whether a folder is a Workflow Run RO-Crate as its profiles ask:
every reference resolves, every file of it is there and is what is said of it, nothing else
is there, and workflow, steps and actions have what they must have. Where the package
roc-validator is installed, and reaches the contexts, it is asked too.

RO-Crate 1.1: https://w3id.org/ro/crate/1.1; Provenance Run Crate 0.5 and what it builds on:
https://w3id.org/ro/wfrun/provenance/0.5"""
import base64
import hashlib
import json
import os
import re
import sys
import urllib.parse

PROFILES = [
    "https://w3id.org/ro/wfrun/process/0.5",
    "https://w3id.org/ro/wfrun/workflow/0.5",
    "https://w3id.org/ro/wfrun/provenance/0.5",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0",
]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$")
METADATA = "ro-crate-metadata.json"


def as_list(value):
    return value if isinstance(value, list) else [] if value is None else [value]


class Crate:
    """The entities of a crate by their id, and the faults found in it."""

    def __init__(self, folder):
        self.folder = folder
        with open(os.path.join(folder, METADATA), encoding="utf-8") as f:
            self.text = f.read()
        self.document = json.loads(self.text)
        self.graph = self.document["@graph"]
        self.entity = {e["@id"]: e for e in self.graph}
        self.faults = []

    def want(self, holds, what):
        if not holds:
            self.faults.append(what)

    def ids(self, entity, name):
        """What a property refers to."""
        return [v["@id"] for v in as_list(entity.get(name)) if isinstance(v, dict)]

    def of_type(self, name):
        return [e for e in self.graph if name in as_list(e["@type"])]

    def is_a(self, id, *names):
        return any(n in as_list(self.entity.get(id, {}).get("@type")) for n in names)

    def refers(self, entity, name, *types):
        """The property is there, and all that it refers to is of one of the types."""
        ids = self.ids(entity, name)
        self.want(ids, f"{entity['@id']} has no {name}")
        for id in ids:
            self.want(self.is_a(id, *types), f"{entity['@id']}: {name} {id} is no {types}")
        return ids


def check_references(c):
    c.want(len(c.entity) == len(c.graph), "an @id stands twice")
    for e in c.graph:
        c.want(e.get("@id") and e.get("@type"), f"no @id or @type: {e}")
        for name, value in e.items():
            for v in as_list(value):
                if not isinstance(v, dict):
                    continue
                c.want(list(v) == ["@id"], f"{e['@id']}: {name} is not flat")
                c.want(v["@id"] in c.entity or v["@id"] == "https://w3id.org/ro/crate/1.1",
                       f"{e['@id']}: {name} {v['@id']} does not resolve")


def check_root(c):
    about = c.entity[METADATA]
    c.want(about["@type"] == "CreativeWork", "the type of the metadata file")
    c.want(about["about"] == {"@id": "./"}, "what the metadata file is about")
    c.want(c.ids(about, "conformsTo") == ["https://w3id.org/ro/crate/1.1", PROFILES[3]],
           "what the metadata file conforms to")
    root = c.entity["./"]
    for name in ("name", "description", "license", "datePublished"):
        c.want(root.get(name), f"the crate has no {name}")
    c.want(TIME.match(root.get("datePublished", "")), "datePublished is no time")
    c.want(c.ids(root, "conformsTo") == PROFILES, "what the crate conforms to")
    for id in PROFILES:
        c.want(c.is_a(id, "CreativeWork") and c.entity[id].get("version"), f"{id}: no version")
    c.refers(root, "hasPart", "File", "Dataset")


def ni(digest):
    return "ni:///sha-256;" + base64.urlsafe_b64encode(digest).decode().rstrip("=")


def check_file(c, e, path):
    with open(path, "rb") as f:
        content = f.read()
    c.want(e.get("sha256") == hashlib.sha256(content).hexdigest(), f"{e['@id']}: sha256")
    c.want(e.get("contentSize") == str(len(content)), f"{e['@id']}: contentSize")


def check_data(c):
    """Files and folders: reached from the root, here or known by digest; none besides."""
    reached, todo = set(), ["./"]
    while todo:
        for id in c.ids(c.entity[todo.pop()], "hasPart"):
            if id not in reached:
                reached.add(id)
                todo.append(id)
    named = {METADATA}
    for e in c.of_type("File") + c.of_type("Dataset"):
        id = e["@id"]
        if id == "./":
            continue
        c.want(id in reached, f"{id} is no part of the crate")
        if id.startswith("ni:"):
            if c.is_a(id, "File"):
                c.want(ni(bytes.fromhex(e["sha256"])) == id, f"{id}: another sha256")
            continue
        relative = urllib.parse.unquote(id)
        path = os.path.join(c.folder, relative)
        c.want(not relative.startswith("/") and ".." not in relative.split("/"), f"{id} leads out")
        if c.is_a(id, "Dataset"):
            c.want(os.path.isdir(path), f"{id} is no folder")
        elif not os.path.isfile(path):
            c.want(False, f"{id} is not in the crate")
        else:
            named.add(relative)
            check_file(c, e, path)
    for folder, _, files in os.walk(c.folder):
        for name in files:
            relative = os.path.relpath(os.path.join(folder, name), c.folder)
            c.want(relative in named, f"{relative} is in the crate and not described")


def check_workflow(c):
    root = c.entity["./"]
    (main,) = c.refers(root, "mainEntity", "ComputationalWorkflow")
    workflow = c.entity[main]
    for t in ("File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"):
        c.want(c.is_a(main, t), f"the workflow is no {t}")
    c.want(workflow.get("name") and workflow.get("version"), "the workflow has no name or version")
    c.refers(workflow, "programmingLanguage", "ComputerLanguage")
    tools = c.refers(workflow, "hasPart", "SoftwareApplication")
    steps = c.refers(workflow, "step", "HowToStep")
    c.want(sorted(steps) == sorted(e["@id"] for e in c.of_type("HowToStep")), "steps are missing")
    used = {i for e in c.of_type("CreateAction") for i in c.ids(e, "instrument")}
    c.want(set(tools) <= used, f"tools that nothing used: {set(tools) - used}")
    for i, step in enumerate(c.of_type("HowToStep")):
        c.want(step.get("position") == str(i), f"{step['@id']}: position")
        for tool in c.refers(step, "workExample", "SoftwareApplication"):
            c.want(tool in tools, f"{step['@id']}: {tool} is no tool of the workflow")
    for e in c.of_type("SoftwareApplication"):
        c.want(e.get("name"), f"{e['@id']} has no name")
    for p in c.of_type("FormalParameter"):
        c.want(p.get("name") and p.get("additionalType"), f"{p['@id']}: name, additionalType")
        for id in c.refers(p, "workExample", "File", "Dataset", "PropertyValue"):
            c.want(p["@id"] in c.ids(c.entity[id], "exampleOfWork"), f"{id}: exampleOfWork")
        c.want(p["@id"] in c.ids(workflow, "input") + c.ids(workflow, "output"),
               f"{p['@id']} belongs to nothing")
    return main


def check_actions(c, workflow):
    mentioned = c.ids(c.entity["./"], "mentions")
    actions = {e["@id"]: e for e in c.of_type("CreateAction")}
    c.want(set(actions) <= set(mentioned), "actions that the crate does not mention")
    runs = [i for i, e in actions.items() if c.ids(e, "instrument") == [workflow]]
    c.want(len(runs) == 1, f"{len(runs)} runs of the workflow")
    for id, e in actions.items():
        c.refers(e, "instrument", "SoftwareApplication", "ComputationalWorkflow")
        c.want(e.get("name") and e.get("description"), f"{id}: name, description")
        for name in ("object", "result"):
            for v in c.ids(e, name):
                c.want(c.is_a(v, "File", "Dataset", "PropertyValue", "CreativeWork"),
                       f"{id}: {name} {v}")
        for v in c.ids(e, "environment"):
            c.want(c.is_a(v, "PropertyValue"), f"{id}: environment {v}")
        for name in ("startTime", "endTime"):
            c.want(name not in e or TIME.match(e[name]), f"{id}: {name}")
        c.want(e.get("startTime", "") <= e.get("endTime", "z"), f"{id} ends before it starts")
    controls = c.of_type("ControlAction")
    for e in controls:
        c.refers(e, "instrument", "HowToStep")
        c.refers(e, "object", "CreateAction")
    controlled = [i for e in controls for i in c.ids(e, "object")]
    c.want(sorted(controlled + runs) == sorted(actions), "an action without its control")
    (engine,) = c.of_type("OrganizeAction")
    c.want(c.refers(engine, "result", "CreateAction") == runs, "what the engine's run gave")
    c.refers(engine, "instrument", "SoftwareApplication")
    c.want(sorted(c.ids(engine, "object")) == sorted(e["@id"] for e in controls),
           "what the engine started")
    c.want(engine["@id"] in mentioned, "the engine's run is not mentioned")
    c.want(actions[runs[0]].get("result"), "the run has no result")


def check_values(c):
    for e in c.of_type("PropertyValue"):
        c.want("name" in e and "value" in e, f"{e['@id']}: name, value")


def ask_validator(c):
    """Where it is installed: all that it finds missing."""
    try:
        from rocrate_validator import models, services
    except ImportError:
        return
    settings = services.ValidationSettings(
        rocrate_uri=c.folder, profile_identifier="provenance-run-crate",
        requirement_severity=models.Severity.REQUIRED)
    for issue in services.validate(settings).get_issues():
        if "context" not in issue.message:  # needs the network
            c.want(False, f"roc-validator: {issue.message}")


def check(folder):
    """The crate, with its faults."""
    c = Crate(folder)
    c.want(c.document["@context"] == ["https://w3id.org/ro/crate/1.1/context",
                                      "https://w3id.org/ro/terms/workflow-run/context"], "@context")
    check_references(c)
    if c.faults:  # the rest follows references
        return c
    check_root(c)
    check_data(c)
    check_actions(c, check_workflow(c))
    check_values(c)
    if not c.faults:
        ask_validator(c)
    return c


if __name__ == "__main__":
    found = check(sys.argv[1]).faults
    for fault in found:
        print(fault)
    print(f"{sys.argv[1]}: {len(found)} faults")
    sys.exit(1 if found else 0)
