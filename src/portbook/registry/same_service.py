"""Whether a trace found on a number names the service that is registered there. Judges text only.

The number fits already; what is left is the name. `match` tries, in this order: the same name, a
telling word of the service's name, the hand-made table of other names, web applications on HTTP's
own numbers, a telling word of the description, its initials, TLS on the protected form of a
service, and a long common beginning. How well that works is measured on labelled rows:
docs/life.md.
"""

from functools import lru_cache

from portbook.model import Assignment
from portbook.model.record import Record

SAME_NAME = "the same name"

# Kinds of sources that name web applications, whatever else they name.
_WEB_KINDS = frozenset(("self-hosted", "dev-server", "container-image"))
_HTTP = frozenset(("http", "https", "www", "www-http", "http-alt"))

# Words that many services share: to have one in common says nothing.
_COMMON = """
access admin administration agent alpine alt alternate and apache api app application applications
archive audio auth based board bot bridge broker business cache call center central channel chat
cisco client clients cloud cluster com command common communication communications community
config configuration connect connection console content control controller core daemon dashboard
data database delivery desktop device devices digital direct directory disc discovery distributed
download drop echo edge engine enterprise event events exchange exporter external fast file files
for free from game gateway generic global google grid group home host hosting http https hub image
index info information infrastructure instance integrated interface internal international
internet java job key lab library licence license link linux list live local lock log logger login
logs mail main manage management manager map master media message messages messaging meta metrics
micro microsoft mini mirror mobile mode monitor monitoring multi multicast music name net network
networks next node note notes notification object office one online open out over panel party peer
phone ping platform play player plus point port portal power presence print printer private pro
process product project protocol provider proxy public push query queue radio read reader real
recorder remote replication report request reserved resource root router rpc run samsung scan
scanner scheduler search secure security sender server servers service services session setup
share sharing shell simple site smart soft software solution solutions source space speed sql ssl
standard start state station status storage store stream streaming studio sun support switch sync
synchronization system systems tcp team test text the things time tls tool tools top track tracker
transfer transport tunnel udp universal update upload user users utility version video view viewer
virtual visual voice watch web wide win windows wireless work workflow workstation world xml
"""
_GENERIC = frozenset(_COMMON.split())

# Other names, one line each: words of a trace, and the services that they are a name, a successor
# or a server of. A closing asterisk stands for any ending. Only what public manuals bear out.
_LINES = """
# Web and files
caddy httpd nginx traefik : http https www www-http http-alt
www : http https http-alt
http3 quic : https
http : http https www www-http http-alt gss-http daap hkp ipp ipps ssdp wsman wsmans
cups : ipp ipps
ipp : canon-*
jetdirect : pdl-datastream hp-pdl-datastr
lpd : printer
hplip : hpssd hpiod
pegasus : wbem-http wbem-https
ftp : ftp-data ftps ftps-data
activedir freeipa : domain http https kerberos kpasswd ldap ldaps ntp
activedir freeipa samba : adws epmap microsoft-ds msft-gc msft-gc-ssl netbios-*
cifs : microsoft-ds netbios-*
smb smbd : microsoft-ds netbios-ssn
nbss : microsoft-ds netbios-ssn
nmbd : netbios-ns netbios-dgm
nbns : netbios-ns
nbdgm : netbios-dgm
dsi : afpovertcp
afs rx : afs3-*
9p : 9pfs
cvs : cvspserver
svnserve : svn
bareos : bacula-*
netbackup : vnetd vopied
wudo : ms-do
pgpkeyserver : hkp
# Names, addresses and time
bind dns pihole unbound : domain domain-s
dnsmasq : domain bootps tftp
bonjour : mdns presence
howl mdnsbi : mdns
upnp : ssdp
rdate : time
whois : nicname rwhois
dhcp : bootps bootpc altserviceboot
dhcpc : bootpc dhcpv6-client
dhcpd : bootps dhcpv6-server
dhcpfo : dhcp-failover*
pxe : altserviceboot
slp srvloc : svrloc
tsp : timed
ddtp : ddt
# Mail, news and talk
exim postfix : smtp submission submissions
msa : submission
smtps : submissions
smtp : submission submissions
stalwart : smtp submission submissions imap imaps pop3 pop3s sieve
dovecot : submission submissions imap imaps pop3 pop3s sieve
pop : pop2 pop3 pop3s imap imap3 imaps
mail : mupdate
comsat : biff
innd : nntp
irc ircd : ircu ircs-u
jabber jabberd : xmpp-*
aim icq : aol
ktalkd : talk ntalk
msn msnms : msnp
sametime : virtual-places
# Shells, desktops and sessions
openssh forgejo gitea gitlab : ssh
dokku : ssh http https www www-http
rlogin rlogind : login
rsh : shell
rwho : who
auth : ident
inetd : tcpmux echo discard daytime chargen time
rdp rdpudp xrdp : ms-wbt-server
tpkt : iso-tsap ms-wbt-server
vnc : rfb
citrixica : ica
xfs : font-service
xserver : x11
kadmin : kerberos-adm
kerberos : kpasswd krb524 klogin kshell
pca : pcanywhere*
krb4 : kerberos-iv
tacplus : tacacs
# Databases and queues
galera mariadb : mysql
pgsql : postgresql
mssql : ms-sql-s ms-sql-m
tds : ms-sql-s
db2 : ddm-* drda
oracledb : ttc ttc-ssl
firebird : gds-db
mongo : mongodb
neo4j : bolt
resp valkey : redis
rabbitmq : amqp amqps
emqx mosquitto : mqtt secure-mqtt
cldap : ldap
ldap : msft-gc msft-gc-ssl
kubernetes : etcd-client etcd-server
# Networks and routing
ike ikev2 ipsec : isakmp ipsec-nat-t
isakmp udpencap : ipsec-nat-t
rip : router
route ripbi : router
router : ripng
cflow : ipfix ipfixs
snmp : snmptrap
squid : htcp icpv2
radacct : radius-acct
linuxrpc oncrpc portmap rpc rpcbind : sunrpc
dcerpc msrpc : epmap
vmps : vqp
heartbeat : ha-cluster
infiniband : roce
mip : mobileip-agent
mipv6 : pmip6-cntl
packetbb : manet
dlsw : dlsrpn dlswpn
llc : entext*
msproxy : remote-winsock
vines : banyan-*
cpha : cp-cluster
ipmi rmcp : asf-rmcp asf-secure-rmcp
rsp : asf-secure-rmcp
ups : nut
nagios : nrpe
xymon : bb
cmp : pkix-3-ca-ra
# Telephony and mobile networks
asterisk : iax h323hostcall mgcp-* sip sips
skinny : cisco-sccp
h225 : h323*
h501 : h2250-annex-g
a11 : accessnetwork
gtpc : gtp-control
gtpu : gtp-user
gtpprime : gprs-data gprs-sig
pktc : pkt-krb-ipsec pc-mta-addrmap
cops : pktcablemmcops
wsp wtls : wap-*
e1ap : e1-interface
f1ap : f1-control
ngap : ng-control
s1ap : s1-control
x2ap : x2-control
xnap : xn-control
# Media, games and devices
rtmp rtmpt : macromedia-fcs
rtsp : display
mms msmms : ms-streaming
slimp3 : slim-devices
ptpip : ptp
dicom : acr-nema
dpnet : directplay8
ardp : alljoyn-*
ajns : alljoyn
bvlc : bacnet
cipio enip : ethernet-ip-*
cnip : lontalk-*
ecatf : ethercat
kip knx knxip : efcp
mbtcp mbudp : mbap
pn : profinet-*
scop : zigbee-*
dtps : dof-tunnel
# Single cases
beep : blocks
ndps : broker-service event-listener notify-srvr resource-mgr srvc-registry
s5066sis : stanag-5066
"""


def _read(lines: str) -> dict[str, list[str]]:
    """The services by other name; a name may stand in several lines."""
    found: dict[str, list[str]] = {}
    for line in lines.splitlines():
        names, _, services = line.partition(" : ")
        for name in names.split() if services else ():
            found.setdefault(name, []).extend(services.split())
    return found


_OTHER_NAMES = _read(_LINES)
_GAPS = str.maketrans(dict.fromkeys("-_./:;,+()[]{}<>\"'!?*&|@#=\\", " "))
_TLS = frozenset(("tls", "dtls", "ssl"))
_PROTECTED = _TLS | {"secure", "https"}
_SHORTEST = 3  # letters of a telling word
_BEGINNING = 5  # letters that two names must begin with to be taken for one


class _Product(Record):
    """What a trace can be recognised by.

    The `letters` of its name, its `words`, the telling `stems` of these, and `runs` of
    neighbouring words written as one.
    """

    letters: str
    words: tuple[str, ...]
    stems: frozenset[str]
    runs: frozenset[str]


class _Service(Record):
    """What a service can be recognised by.

    `letters`, `words` and `stems` of its name; `runs`, neighbouring words of name or description
    written as one; `told`, the telling stems of its description; `initials` of words there;
    `protected`, whether the description speaks of TLS.
    """

    letters: str
    words: tuple[str, ...]
    stems: frozenset[str]
    runs: frozenset[str]
    told: frozenset[str]
    initials: frozenset[str]
    protected: bool


def match(assignment: Assignment, product: str, kind: str = "") -> str | None:
    """Why a trace of `product` names this service, in a few words; None when it does not.

    `kind` is the kind of source that the trace comes from.
    """
    if assignment.service is None:
        return None
    trace = _product(product)
    if kind == "exporter" or "exporter" in trace.words:
        return None  # what exports somebody's figures is not the service itself
    service = _service(assignment.service, assignment.description or "")
    if reason := _match_name(service, trace):
        return reason
    if kind in _WEB_KINDS and "-".join(service.words) in _HTTP:
        return "a web application answers with HTTP"
    if shared := trace.stems & service.told:
        return f"the description says {max(sorted(shared), key=len)}"
    if trace.letters in service.initials:
        return "the initials of the description"
    if service.protected and trace.letters in _TLS:
        return "the protected form of the service"
    for stem in sorted(trace.stems):
        for other in sorted(service.stems):
            short, long = (stem, other) if len(stem) < len(other) else (other, stem)
            if len(short) >= _BEGINNING and long.startswith(short):
                return f"both names begin with {short}"
    return None


def match_name(assignment: Assignment, product: str) -> str | None:
    """The same by the service's name and the table of other names alone.

    A process may have any name, so for one the description's words and initials prove nothing.
    """
    if assignment.service is None:
        return None
    return _match_name(
        _service(assignment.service, assignment.description or ""), _product(product)
    )


def _match_name(service: _Service, trace: _Product) -> str | None:
    letters = trace.letters
    if letters == service.letters:
        return SAME_NAME
    if shared := trace.stems & service.stems:
        return f"the service's name says {max(sorted(shared), key=len)}"
    if min(len(letters), len(service.letters)) > _SHORTEST and (
        letters in service.runs or service.letters in trace.runs
    ):
        return "the same words"
    if len(letters) < _SHORTEST and letters in service.words:
        return f"the service's name says {letters}"
    name = "-".join(service.words)
    for word in trace.words:
        for other in _OTHER_NAMES.get(word, ()):
            if name == other or (other[-1] == "*" and name.startswith(other[:-1])):
                return f"{word} is a name, a successor or a server of it"
    return None


@lru_cache(maxsize=4096)
def _product(product: str) -> _Product:
    text = product.casefold()
    first, slash, rest = text.partition("/")
    if slash and "." in first and " " not in text:
        text = rest  # the registry of a container image is no part of its name
    words = tuple(text.translate(_GAPS).split())
    return _Product("".join(words), words, _stems(words), _runs(words, 2, 4))


@lru_cache(maxsize=4096)
def _service(service: str, description: str) -> _Service:
    words = tuple(service.casefold().translate(_GAPS).split())
    # IANA's remark on names that it respelled is no description.
    told = description.casefold().partition("iana assigned")[0].translate(_GAPS).split()
    runs = _runs(words, 2, 4) | _runs(told, 2, 4)
    initials = _runs([word[0] for word in told], _SHORTEST, 6)
    protected = not _PROTECTED.isdisjoint(told)
    return _Service("".join(words), words, _stems(words), runs, _stems(told), initials, protected)


def _runs(parts: tuple[str, ...] | list[str], fewest: int, most: int) -> frozenset[str]:
    """Neighbouring parts, `fewest` to `most` of them, written as one."""
    return frozenset(
        "".join(parts[start:stop])
        for start in range(len(parts))
        for stop in range(start + fewest, min(len(parts), start + most) + 1)
    )


def _stems(words: tuple[str, ...] | list[str]) -> frozenset[str]:
    """The telling words among `words`, also without version, daemon's d and plural or TLS's s."""
    found = set()
    for word in words:
        if word in _GENERIC:
            continue
        bare = word.rstrip("0123456789")
        stems = {word, bare, bare if bare == word else bare.removesuffix("v")}
        stems |= {stem[:-1] for stem in stems if stem.endswith(("d", "s"))}
        found |= {stem for stem in stems if len(stem) >= _SHORTEST and not stem.isdigit()}
    return frozenset(found - _GENERIC)
