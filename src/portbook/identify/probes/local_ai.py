"""Servers that run language and image models on the own machine (HTTP), told by their APIs."""

from portbook.identify.probe import Probe
from portbook.identify.wire.web_signs import Sign, judge_by

_SIGNS = (
    Sign(
        "llama.cpp",
        headers=(("server", "llama.cpp"),),
        ask="/props",
        needs=b'"default_generation_settings"',
        key=("build_info",),
    ),
    Sign(
        "llama.cpp",
        title="llama.cpp*",
        ask="/props",
        needs=b'"default_generation_settings"',
        key=("build_info",),
        until="",
    ),
    Sign(
        "Open WebUI",
        title="Open WebUI",
        ask="/api/config",
        needs=b'"version"',
        key=("version",),
        until="",
    ),
    Sign(
        "ComfyUI",
        title="ComfyUI",
        ask="/system_stats",
        needs=b'"system"',
        key=("system", "comfyui_version"),
        until="",
    ),
    Sign(
        "LocalAI",
        title="LocalAI*",
        ask="/version",
        needs=b'{"version":',
        key=("version",),
        until="",
    ),
    *(
        Sign(
            "LM Studio",
            status=status,
            headers=(("content-type", "application/json"),),
            whole=b'{"error":"Unexpected endpoint or method. (GET /)"}',
        )
        for status in (200, 404)
    ),
    Sign(
        "InvokeAI",
        title="Invoke - Community Edition",
        ask="/api/v1/app/version",
        needs=b'"version"',
        key=("version",),
        until="",
    ),
    Sign(
        "LibreChat",
        title="LibreChat",
        ask="/api/config",
        needs=b'"socialLogins"',
        key=("appTitle",),
        until="",
    ),
    Sign(
        "AnythingLLM",
        title="AnythingLLM*",
        ask="/api/ping",
        needs=b'"online"',
        key=("online",),
        until="",
    ),
    Sign(
        "KoboldCpp",
        title="KoboldAI Lite",
        ask="/api/extra/version",
        needs=b'"KoboldCpp"',
        key=("version",),
        until="",
    ),
)

PROBE = Probe(
    name="local-ai",
    title="Local AI servers",
    source="the APIs' documentation of each product",
    programs=("llama-server", "lm-studio", "local-ai", "koboldcpp", "localai"),
    commands=(
        "comfyui/main.py",
        "text-generation-webui",
        "llama_cpp.server",
        "stable-diffusion-webui",
        "open-webui serve",
    ),
    transports=("tcp",),
    reacts_to=("http",),
    judge=judge_by("local-ai", _SIGNS),
)
