#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""The recipe of the image, and the examples for compose and Kubernetes: they are
well-formed, have no field that does not exist, refer only to what is there, and
agree with each other.  In each, the user is not root and has no capability, the
root file system is read-only, /dev/shm has room for the workers, and a stop takes
longer than shutdown_timeout.  reporter reads the configuration that they make."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ.get("abs_top_srcdir") or
                      pathlib.Path(__file__).resolve().parent.parent)
BUILD = pathlib.Path(os.environ.get("abs_top_builddir") or os.getcwd())
EXAMPLES = SOURCE / "etc/examples"
SKIPPED = 77
INSTRUCTIONS = set("FROM RUN COPY WORKDIR USER VOLUME EXPOSE STOPSIGNAL "
                   "HEALTHCHECK ENTRYPOINT".split())
SHUTDOWN = 30  # the default of shutdown_timeout
failures = []

# What each kind of object may have; {} is anything, [x] a list of x.
EXEC = {"exec": {"command": [str]}, "initialDelaySeconds": int,
        "periodSeconds": int, "timeoutSeconds": int}
CONTAINER = {
    "name": str, "image": str, "command": [str],
    "ports": [{"name": str, "containerPort": int}],
    "securityContext": {"allowPrivilegeEscalation": bool,
                        "readOnlyRootFilesystem": bool,
                        "capabilities": {"drop": [str]}},
    "livenessProbe": EXEC, "readinessProbe": EXEC,
    "resources": {"requests": {"cpu": str, "memory": str},
                  "limits": {"memory": str}},
    "volumeMounts": [{"name": str, "mountPath": str}]}
POD = {
    "terminationGracePeriodSeconds": int, "automountServiceAccountToken": bool,
    "shareProcessNamespace": bool, "containers": [CONTAINER],
    "securityContext": {"runAsNonRoot": bool, "runAsUser": int,
                        "runAsGroup": int, "fsGroup": int,
                        "seccompProfile": {"type": str}},
    "volumes": [{"name": str, "emptyDir": {"medium": str, "sizeLimit": str},
                 "configMap": {"name": str},
                 "secret": {"secretName": str, "defaultMode": int}}]}
OBJECTS = {
    "ConfigMap": {"data": {}}, "Secret": {"stringData": {}},
    "Service": {"spec": {"selector": {}, "ports": [
        {"name": str, "port": int, "targetPort": str}]}},
    "StatefulSet": {"spec": {
        "serviceName": str, "replicas": int, "selector": {"matchLabels": {}},
        "template": {"metadata": {"labels": {}}, "spec": POD},
        "volumeClaimTemplates": [{"metadata": {"name": str}, "spec": {
            "accessModes": [str], "resources": {"requests": {
                "storage": str}}}}]}}}
SERVICE = {
    "image": str, "build": {"context": str, "dockerfile": str}, "ports": [str],
    "read_only": bool, "cap_drop": [str], "security_opt": [str],
    "shm_size": str, "ipc": str, "pid": str, "ulimits": {"nofile": int,
                                                         "core": int},
    "stop_grace_period": str, "restart": str, "volumes": [str],
    "entrypoint": [str], "depends_on": [str],
    "healthcheck": {"disable": bool}}


def check(holds, what):
    if not holds:
        failures.append(what)
        print(f"does not hold: {what}")


def instructions():
    """[(name, text)] of the Containerfile."""
    text = (EXAMPLES / "Containerfile").read_text()
    text = re.sub(r"^#.*\n", "", text, flags=re.M).replace("\\\n", " ")
    return [(line.split()[0], " ".join(line.split()[1:]))
            for line in text.splitlines() if line.strip()]


def objects():
    import yaml
    return {each["kind"]: each for each in
            yaml.safe_load_all((EXAMPLES / "kubernetes.yml").read_text())}


def probes():
    """The commands that Kubernetes runs in the container of reporter."""
    pod = objects()["StatefulSet"]["spec"]["template"]["spec"]
    return [pod["containers"][0][name]["exec"]["command"]
            for name in ("livenessProbe", "readinessProbe")]


def fits(value, schema, where):
    if isinstance(schema, type):
        check(type(value) is schema, f"{where}: {value!r} is a {schema}")
    elif isinstance(schema, list):
        check(isinstance(value, list), f"{where} is a list")
        for each in value:
            fits(each, schema[0], where)
    elif schema:
        check(isinstance(value, dict), f"{where} has fields")
        for name, its in value.items():
            check(name in schema, f"{where} has a field {name}")
            if name in schema:
                fits(its, schema[name], f"{where}.{name}")


def check_recipe():
    stages = []
    for name, text in instructions():
        check(name in INSTRUCTIONS, f"{name} is an instruction")
        words = text.split()
        if name == "FROM":
            stages.append(words[2] if len(words) == 3 else "")
        elif name == "COPY" and words[0].startswith("--from="):
            check(words[0][7:] in stages[:-1], f"there is a stage {words[0]}")
        elif name == "RUN":
            done = subprocess.run(["sh", "-n", "-c", text],
                                  capture_output=True, text=True)
            check(done.returncode == 0, f"{text}: {done.stderr}")
            for path in re.findall(r"/source/(\S*\.\w+)", text):
                check((SOURCE / path).exists(), f"there is {path}")
    last = dict(instructions())
    check(instructions()[0][0] == "FROM", "it begins with FROM")
    check(stages == ["build", ""], "it has two stages")
    check(re.fullmatch(r"[1-9]\d*:[1-9]\d*", last["USER"]), "it is not root")
    check(last["ENTRYPOINT"] == '["/usr/sbin/reporter", "-f"]',
          "reporter is process 1, and not a shell")
    check("reporterctl check" in last["HEALTHCHECK"], "it has a health check")
    return last


def seconds(text):
    return int(re.fullmatch(r"(\d+)s", text)[1])


def mebibytes(text):
    return int(re.fullmatch(r"(\d+)(?:m|Mi)", text)[1])


def check_sizes(shm, configuration, where):
    """reporter.conf(5), SIZING: twice, for a reload."""
    workers = int(re.findall(r"^ *workers = (\d+)$", configuration, re.M)[-1])
    check(2 * 17.4 * workers < mebibytes(shm),
          f"{where}: /dev/shm of {shm} has room for {workers} workers")


def check_compose(image):
    import yaml
    compose = yaml.safe_load((EXAMPLES / "compose.yml").read_text())
    check(set(compose) == {"services", "volumes"}, "compose: its parts")
    for name, service in compose["services"].items():
        fits(service, SERVICE, name)
        check(service["read_only"] and service["cap_drop"] == ["ALL"]
              and service["security_opt"] == ["no-new-privileges:true"],
              f"compose: {name} is confined")
    reporter, web = (compose["services"][name] for name in ("reporter", "web"))
    check((EXAMPLES / reporter["build"]["context"] /
           reporter["build"]["dockerfile"]).exists(), "compose: the recipe")
    check(seconds(reporter["stop_grace_period"]) > SHUTDOWN,
          "compose: there is time for a stop")
    for path in reporter["volumes"]:
        check(path.startswith(".") or path.split(":")[0] in compose["volumes"],
              f"compose: there is a volume {path}")
    check(image["VOLUME"] in reporter["volumes"][0], "compose: its volume")
    check(web["ipc"] == web["pid"] == "service:reporter"
          and reporter["ipc"] == "shareable", "compose: web sees reporter")
    check_sizes(reporter["shm_size"],
                (EXAMPLES / "container.conf").read_text(), "compose")


def check_kubernetes(image):
    found = objects()
    for kind, each in found.items():
        check(kind in OBJECTS, f"there is a kind {kind}")
        fits(each, {"apiVersion": str, "kind": str, "metadata": {"name": str},
                    **OBJECTS.get(kind, {})}, kind)
        check(each["apiVersion"] == ("apps/v1" if kind == "StatefulSet"
                                     else "v1"), f"{kind}: its version")
    spec = found["StatefulSet"]["spec"]
    pod = spec["template"]["spec"]
    labels = spec["template"]["metadata"]["labels"]
    check(labels == spec["selector"]["matchLabels"]
          == found["Service"]["spec"]["selector"], "the labels are the same")
    user = pod["securityContext"]
    check(image["USER"] == f"{user['runAsUser']}:{user['runAsGroup']}"
          and user["runAsNonRoot"] and user["fsGroup"] == user["runAsGroup"],
          "the user is that of the image")
    check(pod["terminationGracePeriodSeconds"] > SHUTDOWN, "time for a stop")
    volumes = {each["name"]: each for each in pod["volumes"]}
    volumes.update((each["metadata"]["name"], each)
                   for each in spec["volumeClaimTemplates"])
    ports = set()
    for container in pod["containers"]:
        check(container["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]}}, "a container is confined")
        ports |= {port["name"] for port in container["ports"]}
        for mount in container["volumeMounts"]:
            check(mount["name"] in volumes, f"there is a volume {mount}")
    check(ports == {port["targetPort"] for port in
                    found["Service"]["spec"]["ports"]}, "ports of the service")
    for kind, name in (("configMap", "name"), ("secret", "secretName")):
        names = [each[kind][name] for each in volumes.values() if kind in each]
        check(names == [found[kind[0].upper() + kind[1:]]["metadata"]["name"]],
              f"the {kind} is there")
    shm = volumes["shm"]["emptyDir"]
    check(shm["medium"] == "Memory", "/dev/shm is memory")
    site = found["ConfigMap"]["data"]["site.conf"]
    check_sizes(shm["sizeLimit"], site, "Kubernetes")
    return {"conf.d/site.conf": site,
            "secret.d/password.conf":
            found["Secret"]["stringData"]["password.conf"]}


def check_configuration(files):
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        files["reporter.conf"] = (EXAMPLES / "container.conf").read_text()
        for path, text in files.items():
            (directory / path).parent.mkdir(exist_ok=True)
            (directory / path).write_text(text)
            (directory / path).chmod(0o600)
        done = subprocess.run([BUILD / "src/reporter", "-d", "-c",
                               directory / "reporter.conf"],
                              capture_output=True, text=True)
    check(done.returncode == 0, f"reporter reads it: {done.stderr}")
    for line in ("target = stderr", "workers = 1", "host = mysql"):
        check(re.search(rf"^{line} ", done.stdout, re.M), f"{line} is used")


def main():
    try:
        import yaml
    except ImportError:
        print("skipped: the module yaml was not found: install Debian's package "
              "python3-yaml")
        return SKIPPED
    image = check_recipe()
    check_compose(image)
    check_configuration(check_kubernetes(image))
    print(f"{len(failures)} failed")
    return len(failures) != 0


if __name__ == "__main__":
    sys.exit(main())
