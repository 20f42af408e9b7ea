"""Printing, streaming, media and administration over HTTP."""

import os

from bed.server import Place, Server, debian_version


def _cups(place: Place) -> list[str]:
    config = place.write(
        "cupsd.conf",
        f"Listen {place.address}:{place.port}\nWebInterface Yes\nBrowsing Off\nLogLevel warn\n"
        "DefaultAuthType None\n<Location />\n Order allow,deny\n Allow all\n</Location>\n",
    )
    files = place.write(
        "cups-files.conf",
        f"ServerRoot {place.folder}\nCacheDir {place.folder}/cache\nStateDir {place.folder}/state\n"
        f"RequestRoot {place.folder}/spool\nAccessLog stderr\nErrorLog stderr\nPageLog stderr\n"
        f"DocumentRoot /usr/share/cups/doc-root\nTempDir {place.folder}/temporary\n",
    )
    for name in ("cache", "state", "spool", "temporary"):
        os.makedirs(place.path(name))
    return ["/usr/sbin/cupsd", "-f", "-c", config, "-s", files]


def _icecast(place: Place) -> list[str]:
    config = place.write(
        "icecast.xml",
        "<icecast><limits><clients>20</clients></limits><authentication>"
        "<source-password>bed</source-password><admin-user>admin</admin-user>"
        "<admin-password>bed</admin-password></authentication><hostname>localhost</hostname>"
        f"<listen-socket><port>{place.port}</port><bind-address>{place.address}</bind-address>"
        f"</listen-socket><paths><basedir>{place.folder}</basedir><logdir>{place.folder}</logdir>"
        "<webroot>/usr/share/icecast2/web</webroot><adminroot>/usr/share/icecast2/admin"
        "</adminroot></paths><logging><accesslog>access.log</accesslog>"
        "<errorlog>error.log</errorlog></logging></icecast>",
    )
    return ["/usr/bin/icecast2", "-c", config]


def _minidlna(place: Place) -> list[str]:
    os.makedirs(place.path("media"))
    config = place.write(
        "minidlna.conf",
        f"port={place.port}\nmedia_dir={place.folder}/media\ndb_dir={place.folder}/db\n"
        f"log_dir={place.folder}\nnetwork_interface=lo\nfriendly_name=bed\ninotify=no\n"
        f"minissdpdsocket={place.folder}/none\n",
    )
    return ["/usr/sbin/minidlnad", "-S", "-f", config, "-P", place.path("pid")]


def _monit(place: Place) -> list[str]:
    config = place.write(
        "monitrc",
        f"set daemon 600\nset pidfile {place.folder}/pid\nset idfile {place.folder}/id\n"
        f"set statefile {place.folder}/state\n"
        f"set httpd port {place.port} and use address {place.address}\n allow localhost\n"
        " allow admin:bed\n",
        0o600,
    )
    return ["/usr/bin/monit", "-I", "-c", config]


def _radicale(place: Place) -> list[str]:
    config = place.write(
        "radicale.conf",
        f"[server]\nhosts = {place.address}:{place.port}\n"
        f"[storage]\nfilesystem_folder = {place.folder}/collections\n",
    )
    return ["/usr/bin/python3", "/usr/bin/radicale", "--config", config]


def _cockpit(place: Place) -> list[str]:
    argv = ["/usr/lib/cockpit/cockpit-ws", "--no-tls", "--address", place.address]
    return [*argv, "--port", str(place.port)]


def _tomcat(place: Place) -> list[str]:
    for name in ("webapps/ROOT", "logs", "temp", "work", "conf"):
        os.makedirs(place.path(name))
    place.write("conf/web.xml", "<web-app xmlns='https://jakarta.ee/xml/ns/jakartaee'/>")
    place.write(
        "conf/server.xml",
        "<Server port='-1'><Service name='Catalina'>"
        f"<Connector port='{place.port}' address='{place.address}' protocol='HTTP/1.1'/>"
        "<Engine name='Catalina' defaultHost='localhost'>"
        "<Host name='localhost' appBase='webapps'/></Engine></Service></Server>",
    )
    home = "/usr/share/tomcat10"
    path = f"{home}/bin/bootstrap.jar:{home}/bin/tomcat-juli.jar"
    return [
        *("/usr/bin/java", "-Xmx128m", "-cp", path, f"-Dcatalina.home={home}"),
        *(f"-Dcatalina.base={place.folder}", f"-Djava.io.tmpdir={place.folder}/temp"),
        *("org.apache.catalina.startup.Bootstrap", "start"),
    ]


def _transmission(place: Place) -> list[str]:
    return [
        *("/usr/bin/transmission-daemon", "-f", "-g", place.path("config")),
        *("-p", str(place.port), "-r", place.address, "-P", str(place.port + 10000)),
        *("-T", "-a", "127.0.0.1", "-O", "-w", place.folder),
    ]


def _rabbitmq_management(place: Place) -> list[str]:
    settings = {
        "HOME": place.folder,
        "ERL_EPMD_PORT": place.port + 2,
        "ERL_EPMD_ADDRESS": place.address,
        "RABBITMQ_NODENAME": f"web{place.port}@localhost",
        "RABBITMQ_DIST_PORT": place.port + 1,
        "RABBITMQ_CONFIG_FILE": place.write(
            "rabbitmq.conf",
            "listeners.tcp = none\nmanagement.tcp.ip = 127.0.0.1\n"
            f"management.tcp.port = {place.port}\nlog.console = true\nlog.file = false\n",
        ),
        "RABBITMQ_ENABLED_PLUGINS_FILE": place.write("plugins", "[rabbitmq_management].\n"),
        "RABBITMQ_MNESIA_BASE": place.path("mnesia"),
        "RABBITMQ_LOG_BASE": place.path("log"),
        "RABBITMQ_PID_FILE": place.path("pid"),
        "RABBITMQ_CONF_ENV_FILE": place.path("none"),
    }
    assigned = [f"{key}={value}" for key, value in settings.items()]
    return ["env", *assigned, "/usr/lib/rabbitmq/bin/rabbitmq-server"]


SERVERS = [
    Server(
        name="cups",
        packages=("cups-daemon",),
        start=_cups,
        default_port=631,
        protocol="http",
        application="ipp",
        product="CUPS",
        version=lambda: debian_version("cups-daemon"),
        quick=True,
    ),
    Server(
        name="icecast",
        packages=("icecast2",),
        start=_icecast,
        default_port=8010,
        protocol="http",
        application="icecast",
        product="Icecast",
        version=lambda: debian_version("icecast2"),
        user="daemon",
        quick=True,
        behind_tls=True,
    ),
    Server(
        name="minidlna",
        packages=("minidlna",),
        start=_minidlna,
        default_port=8200,
        protocol="http",
        application="upnp",
        product="MiniDLNA",
        version=lambda: debian_version("minidlna"),
        quick=True,
    ),
    Server(
        name="monit",
        packages=("monit",),
        start=_monit,
        default_port=2812,
        protocol="http",
        application="monit",
        product="Monit",
        version=lambda: debian_version("monit"),
        quick=True,
    ),
    Server(
        name="radicale",
        packages=("radicale",),
        start=_radicale,
        default_port=5232,
        protocol="http",
        application="radicale",
        product="Radicale",
    ),
    Server(
        name="cockpit",
        packages=("cockpit-ws",),
        start=_cockpit,
        default_port=9091,
        protocol="http",
        application="cockpit",
        product="Cockpit",
        quick=True,
    ),
    Server(
        name="tomcat",
        packages=("tomcat10", "openjdk-17-jre-headless"),
        start=_tomcat,
        default_port=8090,
        protocol="http",
        application="tomcat",
        product="Tomcat",
        version=lambda: debian_version("tomcat10"),
        seconds=60,
        steady=2.0,
    ),
    Server(
        name="transmission",
        packages=("transmission-daemon",),
        start=_transmission,
        default_port=9092,
        protocol="http",
        application="transmission",
        product="Transmission",
        quick=True,
    ),
    Server(
        name="rabbitmq-management",
        packages=("rabbitmq-server",),
        start=_rabbitmq_management,
        default_port=15672,
        protocol="http",
        application="rabbitmq-management",
        product="RabbitMQ",
        seconds=90,
        steady=1.0,
    ),
]
