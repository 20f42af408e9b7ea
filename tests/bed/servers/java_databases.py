"""Databases that run in Java: H2 and Derby."""

from bed.running import self_signed
from bed.server import Place, Server, debian_version

_JARS = "/usr/share/java"
# One thread for garbage and little code compiled: many of these start at once.
_JAVA = ["/usr/bin/java", "-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]


def _h2(place: Place) -> list[str]:
    tools = [*_JAVA, "-cp", f"{_JARS}/h2.jar", "org.h2.tools.Server"]
    return [*tools, "-tcp", "-tcpPort", str(place.port), "-baseDir", place.folder]


def _derby(place: Place) -> list[str]:
    jars = ":".join(f"{_JARS}/{name}.jar" for name in ("derbynet", "derby", "derbytools"))
    where = ["-h", place.address, "-p", str(place.port)]
    home = f"-Dderby.system.home={place.folder}"
    program = ["org.apache.derby.drda.NetworkServerControl", "start", *where, "-noSecurityManager"]
    return [*_JAVA, home, "-cp", jars, *program]


def _derby_tls(place: Place) -> list[str]:
    both, store = self_signed(place), place.path("store.p12")
    place.run(
        *("openssl", "pkcs12", "-export", "-in", both, "-out", store, "-passout", "pass:bedbed")
    )
    keys = [f"-Djavax.net.ssl.keyStore={store}", "-Djavax.net.ssl.keyStorePassword=bedbed"]
    argv = _derby(place)
    return [argv[0], *keys, *argv[1:], "-ssl", "basic"]


SERVERS = [
    Server(
        name="h2",
        packages=("libh2-java", "openjdk-17-jre-headless"),
        start=_h2,
        default_port=9092,
        protocol="h2",
        product="H2",
        version=lambda: debian_version("libh2-java"),
    ),
    Server(
        name="derby",
        packages=("libderby-java", "derby-tools", "openjdk-17-jre-headless"),
        start=_derby,
        default_port=1527,
        protocol="drda",
        product="Apache Derby",
        version=lambda: debian_version("libderby-java"),
        log=("derby.log",),
    ),
    Server(
        name="derby-tls",
        packages=("libderby-java", "derby-tools", "openjdk-17-jre-headless"),
        start=_derby_tls,
        default_port=1528,
        protocol="drda",
        product="Apache Derby",
        version=lambda: debian_version("libderby-java"),
        own_tls=True,
        log=("derby.log",),
    ),
]
