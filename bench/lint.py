"""`portbook lint` of a repository of 20,000 files, 500 of them relevant: cold and warm.

    python bench/lint.py [--runs 7] [--short]

The repository is made anew: folders as deep and files as long as usual, compose files, manifests,
Dockerfiles, .env files, package.json and the rest in the mixture of a large monorepo, each
different. Cold has no cache of readings (the files are in the page cache); warm has. The goals are
absolute; beside them stands PyYAML alone, which loads the YAML files among the 500.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import Row, Timed, in_turns, median, portbook, report

COLD_MS, WARM_MS = 1500.0, 300.0
LOAD = """
import sys, yaml
for name in open(sys.argv[1]).read().split("\\n"):
    for document in yaml.load_all(open(name), Loader=yaml.CSafeLoader):
        pass
"""


def compose(number: int) -> str:
    """A compose file of eight services."""
    services = "".join(
        f"""
  service{each}:
    build: ./service{each}
    environment:
      PORT: "{3000 + each}"
      DATABASE_URL: postgres://db:5432/app{each}
      LOG_LEVEL: info
    ports:
      - "127.0.0.1:${{SERVICE{each}_PORT:-{20000 + number * 10 + each}}}:{3000 + each}"
    depends_on:
      - db
    restart: unless-stopped
"""
        for each in range(7)
    )
    return f"""services:{services}
  db:
    image: postgres:16
    ports:
      - "127.0.0.1:{20009 + number * 10}:5432"
    volumes:
      - data:/var/lib/postgresql/data
volumes:
  data: {{}}
"""


def manifest(number: int) -> str:
    """A Deployment, its Service and an Ingress."""
    return f"""apiVersion: apps/v1
kind: Deployment
metadata:
  name: app{number}
  labels: {{app: app{number}}}
spec:
  replicas: 3
  selector:
    matchLabels: {{app: app{number}}}
  template:
    metadata:
      labels: {{app: app{number}}}
    spec:
      containers:
        - name: app
          image: registry.example/app{number}:1.0
          ports:
            - name: http
              containerPort: 8080
          readinessProbe:
            httpGet: {{path: /ready, port: http}}
          resources:
            limits: {{cpu: 500m, memory: 256Mi}}
---
apiVersion: v1
kind: Service
metadata:
  name: app{number}
spec:
  selector: {{app: app{number}}}
  ports:
    - name: http
      port: 80
      targetPort: http
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: app{number}
spec:
  rules:
    - host: app{number}.example
      http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service:
                name: app{number}
                port: {{number: 80}}
"""


def package(number: int) -> str:
    """A package.json with scripts and dependencies."""
    needed = ",\n".join(f'    "library-{each}": "^{each}.0.{number}"' for each in range(30))
    return f"""{{
  "name": "@big/app{number}",
  "scripts": {{
    "dev": "vite --port {10000 + number}",
    "build": "vite build",
    "test": "vitest run"
  }},
  "dependencies": {{
{needed}
  }}
}}
"""


def image(number: int) -> str:
    """A Dockerfile of two stages."""
    return f"""FROM node:22 AS build
WORKDIR /app
COPY package.json ./
RUN npm ci && npm run build
FROM node:22-slim
ENV PORT={10000 + number}
COPY --from=build /app/dist ./dist
EXPOSE {10000 + number}
HEALTHCHECK CMD curl -f http://localhost:{10000 + number}/ || exit 1
CMD ["node", "dist/server.js"]
"""


def variables(number: int) -> str:
    """A .env file."""
    lines = [f"SETTING_{each}=value{number}-{each}" for each in range(25)]
    return "\n".join([*lines, f"APP_PORT={10000 + number}", "DATABASE_URL=postgres://db:5432/x"])


def vite(number: int) -> str:
    """A vite configuration."""
    return f"""import {{ defineConfig }} from 'vite'
export default defineConfig(({{ mode }}) => ({{
  plugins: [],
  server: {{ port: {10000 + number}, proxy: {{ '/api': 'http://localhost:{20000 + number}' }} }},
}}))
"""


KINDS = (
    ("compose.yaml", compose, 1),
    ("deploy/app.yaml", manifest, 4),
    ("package.json", package, 5),
    ("Dockerfile", image, 4),
    (".env", variables, 3),
    ("vite.config.ts", vite, 3),
)
"""File, its maker, how many of 20 relevant files it is."""


def make(folder: Path, files: int, relevant: int) -> list[str]:
    """A repository; returns its YAML files."""
    made = []
    for number in range(relevant // 20):
        for name, maker, times in KINDS:
            for each in range(times):
                path = folder / f"group{number}" / f"app{each}" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(maker(number * 5 + each), encoding="utf-8")
                made.append(str(path))
    source = "export const value = 1\n" * 40
    for number in range(files - len(made)):
        path = folder / f"group{number % 25}" / "src" / f"part{number // 25 % 40}"
        path.mkdir(parents=True, exist_ok=True)
        (path / f"module{number}.ts").write_text(source, encoding="utf-8")
    (folder / ".gitignore").write_text("node_modules/\ndist/\nbuild/\n*.log\n", encoding="utf-8")
    return [name for name in made if name.endswith(".yaml")]


def with_packages() -> str:
    """The first Python that has what lint needs."""
    for python in (portbook()[0], sys.executable):
        asked = [python, "-I", "-c", "import pathspec, tree_sitter, yaml"]
        if subprocess.run(asked, stderr=subprocess.DEVNULL).returncode == 0:
            return python
    sys.exit("the packages of lint are missing: pip install -r requirements/lint.txt")


def main() -> list[Row]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--short", action="store_true", help="2,000 files, 60 relevant, for CI")
    options = parser.parse_args()
    files, relevant = (2_000, 60) if options.short else (20_000, 500)
    runs = 1 if options.short else options.runs
    python = with_packages()
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        yaml_files = make(top / "repository", files, relevant)
        listed = top / "yaml-files"
        listed.write_text("\n".join(yaml_files), encoding="utf-8")
        os.environ["PORTBOOK_DATA_HOME"] = str(top / "data")
        ours = [python, *portbook("lint", str(top / "repository"), "--json")[1:]]

        def check(what: str, timed: Timed, said: str) -> None:
            if timed.code not in (0, 1) or (what != "yaml" and '"findings"' not in said):
                sys.exit(f"{what} ended with {timed.code}: {said[:300]}")

        programs = {
            "cold": [*ours, "--no-cache"],
            "warm": ours,
            "yaml": [python, "-I", "-c", LOAD, str(listed)],
        }
        found = in_turns(programs, runs, check)
        shutil.rmtree(top / "repository")
    peer = f"PyYAML alone, {len(yaml_files)} files"
    rows = [
        Row("lint, cold, against its goal", median(found["cold"]), "goal", COLD_MS, 1.0),
        Row("lint, warm, against its goal", median(found["warm"]), "goal", WARM_MS, 1.0),
        Row("lint, cold", median(found["cold"]), peer, median(found["yaml"]), None),
    ]
    report(rows, judge=not options.short)
    print(f"peak memory, cold: {max(one.peak_mb for one in found['cold']):.0f} MB")
    return rows


if __name__ == "__main__":
    main()
