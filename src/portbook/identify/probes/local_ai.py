"""Servers that run language and image models on the own machine (HTTP), told by their pages."""

from portbook.identify.probe import Probe
from portbook.identify.probes.web_signs import Sign, judge_by

_SIGNS = (
    Sign(
        "llama.cpp",
        headers=(("server", "llama.cpp"),),
        ask="/props",
        needs=b'"build_info"',
        key=("build_info",),
    ),
    Sign("llama.cpp", title="llama.cpp*", ask="/props", needs=b'"build_info"', key=("build_info",)),
    Sign(
        "Open WebUI",
        title="Open WebUI",
        ask="/api/config",
        needs=b'"version"',
        key=("version",),
    ),
    Sign(
        "ComfyUI",
        title="ComfyUI",
        ask="/system_stats",
        needs=b'"system"',
        key=("system", "comfyui_version"),
    ),
    Sign("AUTOMATIC1111 Stable Diffusion web UI", title="Stable Diffusion", body=(b"gradio",)),
    Sign("Text generation web UI", title="Text generation web UI", body=(b"gradio",)),
    Sign("LocalAI", title="LocalAI*", after=b"<title>LocalAI API - "),
    Sign("LM Studio", status=200, body=(b"Unexpected endpoint or method. (GET /)",)),
    Sign("LM Studio", status=404, body=(b"Unexpected endpoint or method. (GET /)",)),
    Sign(
        "InvokeAI",
        title="Invoke - Community Edition",
        ask="/api/v1/app/version",
        needs=b'"version"',
        key=("version",),
    ),
    Sign("LibreChat", title="LibreChat"),
    Sign("AnythingLLM", title="AnythingLLM*"),
    Sign(
        "KoboldCpp",
        title="KoboldAI Lite",
        ask="/api/extra/version",
        needs=b'"KoboldCpp"',
        key=("version",),
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
