import os

PORT = 9999
DATABASES = {
    "default": {
        "HOST": os.environ.get("DB_HOST", "db"),
        "PORT": os.environ.get("DB_PORT", "5432"),
    },
    "réplica": {"HOST": "db-2", "PORT": 5433},
    "local": {"HOST": "/run/postgresql", "PORT": "5434"},
    "there": {"HOST": "db-3", "PORT": os.environ["THERE_PORT"]},
}
CACHES = {"default": {"LOCATION": ["redis://one:6379/1", "redis://two:6380/1"]}}
OTHERS = {"default": {"PORT": "9998"}}
