"""Web interfaces that people run at home and at work (HTTP), told by headers and their APIs."""

from portbook.identify.probe import Probe
from portbook.identify.wire.web_signs import Sign, judge_by

_SIGNS = (
    # Told by a header.
    Sign("Jenkins", headers=(("x-jenkins", ""),), version_header="x-jenkins"),
    Sign("Syncthing", headers=(("x-syncthing-version", ""),), version_header="x-syncthing-version"),
    Sign(
        "Netdata",
        headers=(("server", "netdata embedded http server"),),
        version_header="server",
        after=b"HTTP Server ",
    ),
    Sign("Kibana", headers=(("kbn-name", ""),)),
    Sign("Pi-hole", headers=(("x-pi-hole", ""),)),
    Sign("Webmin", headers=(("server", "miniserv/"),), version_header="server", after=b"/"),
    Sign("Proxmox VE", headers=(("server", "pve-api-daemon"),), after=b"pvemanagerlib.js?ver="),
    Sign(
        "Proxmox Backup Server",
        title="*Proxmox Backup Server",
        body=(b"/js/proxmox-backup-gui.js",),
    ),
    Sign(
        "Plex Media Server",
        headers=(("x-plex-protocol", ""),),
        ask="/identity",
        needs=b"<MediaContainer",
        then=b'version="',
    ),
    Sign("GitLab", headers=(("x-gitlab-meta", ""),)),
    Sign("GitLab", headers=(("set-cookie", "_gitlab_session="),)),
    Sign("Nexus Repository", headers=(("server", "nexus/"),), version_header="server", after=b"/"),
    Sign("MinIO", headers=(("server", "minio"),)),
    Sign(
        "Verdaccio",
        headers=(("x-powered-by", "verdaccio/"),),
        version_header="x-powered-by",
        after=b"/",
    ),
    Sign("Confluence", headers=(("x-confluence-request-time", ""),)),
    # Told by a cookie.
    Sign(
        "Forgejo",
        headers=(("set-cookie", "i_like_gitea="),),
        body=(b"Forgejo",),
        ask="/api/forgejo/v1/version",
        needs=b'"version"',
        key=("version",),
    ),
    Sign(
        "Forgejo",
        headers=(("set-cookie", "i_like_forgejo="),),
        ask="/api/forgejo/v1/version",
        needs=b'"version"',
        key=("version",),
    ),
    Sign(
        "Gitea",
        headers=(("set-cookie", "i_like_gitea="),),
        ask="/api/v1/version",
        needs=b'{"version":',
        key=("version",),
    ),
    Sign(
        "Nextcloud",
        headers=(("set-cookie", "nc_samesitecookielax="),),
        ask="/status.php",
        needs=b'"productname"',
        key=("versionstring",),
    ),
    Sign(
        "ownCloud",
        headers=(("set-cookie", "oc_sessionpassphrase="),),
        ask="/status.php?v",
        needs=b'"productname"',
        key=("versionstring",),
    ),
    Sign("pgAdmin", headers=(("set-cookie", "pga4_session="),)),
    Sign("pgAdmin", headers=(("set-cookie", "pgadmin_language="),)),
    Sign("phpMyAdmin", headers=(("set-cookie", "phpmyadmin="),), after=b'PMA_VERSION:"'),
    Sign("phpMyAdmin", headers=(("set-cookie", "phpmyadmin_https="),), after=b'PMA_VERSION:"'),
    Sign("Adminer", headers=(("set-cookie", "adminer_sid="),), after=b'<span class="version">'),
    Sign("Roundcube", headers=(("set-cookie", "roundcube_sessid="),)),
    Sign("Metabase", headers=(("set-cookie", "metabase.device="),)),
    Sign("mongo-express", headers=(("set-cookie", "mongo-express="),)),
    # Told by the answer to its own question.
    Sign(
        "Portainer",
        title="Portainer",
        ask="/api/status",
        needs=b'"InstanceID"',
        key=("Version",),
        until="",
    ),
    Sign(
        "Forgejo",
        body=(b'content="git,forge,forgejo"',),
        ask="/api/forgejo/v1/version",
        needs=b'"version"',
        key=("version",),
        until="",
    ),
    Sign(
        "Gitea",
        body=(b'content="go,git,self-hosted,gitea"',),
        ask="/api/v1/version",
        needs=b'{"version":',
        key=("version",),
        until="",
    ),
    Sign(
        "Home Assistant",
        title="Home Assistant",
        ask="/manifest.json",
        needs=b'"Home Assistant"',
        key=("short_name",),
        until="",
    ),
    Sign(
        "Pi-hole",
        title="Pi-hole*",
        ask="/api/info/login",
        needs=b'"https_port":',
        key=("dns",),
        until="",
    ),
    Sign(
        "Keycloak",
        title="Welcome to Keycloak",
        ask="/realms/master",
        needs=b'"token-service"',
        key=("realm",),
        until="",
    ),
    Sign(
        "SonarQube",
        title="SonarQube",
        ask="/api/server/version",
        needs=b".",
        then=b"",
        until="",
    ),
    Sign(
        "Apache Airflow",
        title="*Airflow",
        ask="/api/v2/version",
        needs=b'"git_version"',
        key=("version",),
        until="",
    ),
    *(
        Sign(
            "Apache Superset",
            title=title,
            location=location,
            ask="/login/",
            needs=b"SUPERSET_WEBSERVER_TIMEOUT",
            until="",
        )
        for title, location in (("Superset", ""), ("", "/superset/welcome"))
    ),
    Sign(
        "Node-RED",
        title="Node-RED",
        ask="/settings",
        needs=b'"httpNodeRoot"',
        key=("version",),
        until="",
    ),
    *(
        Sign(
            "Jellyfin",
            title=title,
            location=location,
            headers=headers,
            ask="/System/Info/Public",
            needs=b'"ProductName":"Jellyfin',
            key=("Version",),
            until="",
        )
        for title, location, headers in (
            ("", "/web/", (("x-response-time-ms", ""),)),
            ("", "web/", (("x-response-time-ms", ""),)),
            ("Jellyfin", "", ()),
        )
    ),
    Sign(
        "Traefik",
        location="/dashboard/",
        ask="/api/version",
        needs=b'"Codename"',
        key=("Version",),
        until="",
    ),
    *(
        Sign(
            "Uptime Kuma",
            title=title,
            body=body,
            location=location,
            ask="/api/entry-page",
            needs=b'"entryPage"',
            key=("type",),
            until="",
        )
        for title, location, body in (
            ("Uptime Kuma", "", ()),
            ("", "/dashboard", (b"Found. Redirecting to /dashboard",)),
        )
    ),
    Sign(
        "Vaultwarden",
        title="Vaultwarden*",
        ask="/api/config",
        needs=b'"Vaultwarden"',
        key=("server", "name"),
        until="",
    ),
    *(
        Sign(
            "code-server",
            title=title,
            location=location,
            ask="/healthz",
            needs=b'"lastHeartbeat"',
            key=("status",),
            until="",
        )
        for title, location in (("code-server*", ""), ("", "./login"))
    ),
    Sign(
        "Mailpit",
        title="Mailpit",
        ask="/api/v1/info",
        needs=b'"RuntimeStats"',
        key=("Version",),
        until="",
    ),
    Sign(
        "Immich",
        title="Immich",
        ask="/api/server/ping",
        needs=b'"pong"',
        key=("res",),
        until="",
    ),
    Sign("n8n", title="n8n*", ask="/rest/settings", key=("data", "versionCli"), until=""),
    # Told by its own markup.
    Sign(
        "Proxmox VE",
        title="*Proxmox Virtual Environment",
        body=(b"pvemanagerlib.js?ver=",),
        after=b"pvemanagerlib.js?ver=",
    ),
    *(
        Sign(
            "qBittorrent",
            title=title,
            body=(b'"images/qbittorrent-tray.svg"', b'"scripts/login.js?'),
        )
        for title in ("qBittorrent Web UI", "qBittorrent WebUI")
    ),
    Sign("MailHog", title="MailHog", body=(b'ng-app="mailhogApp"',)),
    Sign("Sonarr", title="Sonarr", body=(b"/initialize.js",)),
    Sign("Radarr", title="Radarr", body=(b"/initialize.js",)),
    Sign("Paperless-ngx", title="Paperless-ngx", body=(b"<pngx-root",)),
    Sign("Metabase", title="Metabase", body=(b'id="_metabaseBootstrap"',)),
    Sign("OpenWrt LuCI", body=(b'http-equiv="refresh" content="0; URL=cgi-bin/luci/"',)),
)

PROBE = Probe(
    name="web-panel",
    title="Web interfaces",
    source="the headers and API documentation of each product",
    # Those that listen for little else: a program of many protocols would only mislead.
    programs=("syncthing", "netdata", "jenkins", "portainer", "webmin", "jellyfin", "node-red"),
    commands=("node-red", "verdaccio", "jenkins.war", "sonarqube", "pgadmin4"),
    transports=("tcp",),
    reacts_to=("http",),
    judge=judge_by("web-panel", _SIGNS),
)
