"""Well-known container images: what they speak, on which ports, and what they are for.

From the images' own documentation. An image that is missing is one of which nothing is known.
"""

from functools import cache

from portbook.model.record import Record

INSIDE = frozenset(("database", "cache", "queue", "search", "admin"))
"""Kinds that other programs of the same project ask, and hardly anybody from elsewhere."""


class Image(Record):
    """An image that many people run.

    `product` is its name without registry and tag. `services` are the registered names of what it
    serves, `speaks` the protocol of its first port where it is certain. `ports` are those it
    listens on unless told otherwise, the first one the main one. `kind` is what it is for:
    `database`, `cache`, `queue`, `search`, `admin`, `web`, `proxy`, `monitoring`, `storage`,
    `mail`, `dns`, `broker` (for devices outside), `runtime` (a program is added) or `other`.
    """

    product: str
    services: tuple[str, ...]
    speaks: str | None
    ports: tuple[int, ...]
    kind: str

    def speaks_on(self, port: int) -> str | None:
        """The protocol of one of its ports where that is certain."""
        if port not in self.ports:
            return None
        if port in (443, 8443) and "https" in self.services:
            return "https"
        if port == self.ports[0] or (self.kind in ("proxy", "web") and port in (80, 8080)):
            return self.speaks
        return None


# name(s) | registered services | speaks | ports | kind
_TABLE = """
postgres postgis/postgis bitnami/postgresql timescale/timescaledb pgvector/pgvector \
supabase/postgres \
timescale/timescaledb-ha cimg/postgres|postgresql|postgresql|5432|database
mysql bitnami/mysql mysql/mysql-server|mysql|mysql|3306,33060|database
mariadb percona bitnami/mariadb bitnami/mariadb-galera linuxserver/mariadb \
percona/percona-xtradb-cluster|mysql|mysql|3306,33060,4444,4567,4568|database
mongo bitnami/mongodb mongodb/mongodb-community-server percona/percona-server-mongodb|mongodb\
|mongodb|27017|database
redis bitnami/redis redis/redis-stack-server eqalpha/keydb valkey/valkey valkey bitnami/valkey \
dragonflydb/dragonfly|redis|redis|6379|cache
redis/redis-stack|redis|redis|6379,8001|cache
memcached bitnami/memcached|memcache|memcached|11211|cache
mssql/server mcr.microsoft.com/mssql/server azure-sql-edge|ms-sql-s||1433|database
gvenzl/oracle-xe gvenzl/oracle-free container-registry.oracle.com/database/free||oracle-tns|1521\
|database
cockroachdb/cockroach||postgresql|26257,8080|database
yugabytedb/yugabyte|postgresql|postgresql|5433,7000,9000,9042,15433|database
cassandra bitnami/cassandra|cql||9042,7000,7001,7199|database
scylladb/scylla|cql||9042,7000,9180,10000,19042|database
neo4j|http bolt|http|7474,7687,7473|database
arangodb|http|http|8529|database
couchdb bitnami/couchdb|http couchdb|http|5984|database
couchbase|http|http|8091,8092,8093,8094,11210|database
influxdb|http influxdb|http|8086|database
clickhouse/clickhouse-server yandex/clickhouse-server|http|http|8123,9000,9009|database
questdb/questdb|http|http|9000,8812,9009,9003|database
surrealdb/surrealdb|http|http|8000|database
rethinkdb|rethinkdb|rethinkdb|28015,29015,8080|database
dgraph/dgraph dgraph/standalone|http|http|8080,9080,8000|database
etcd-development/etcd bitnami/etcd coreos/etcd|etcd-client|http|2379,2380|database
consul hashicorp/consul bitnami/consul|http|http|8500,8501,8502,8503,8600,8300,8301,8302|other
zookeeper bitnami/zookeeper confluentinc/cp-zookeeper||zookeeper|2181,2888,3888,8080|queue
vault hashicorp/vault|http|http|8200,8201|other
rabbitmq bitnami/rabbitmq|amqp http|amqp|5672,5671,4369,15671,15672,15691,15692,25672|queue
bitnami/kafka apache/kafka confluentinc/cp-kafka wurstmeister/kafka|kafka|kafka|9092,9093,9094|queue
redpandadata/redpanda vectorized/redpanda|kafka|kafka|9092,9644,8081,8082,33145|queue
nats bitnami/nats|nats|nats|4222,6222,8222|queue
nsqio/nsq||nsq|4150,4151,4160,4161,4170,4171|queue
apachepulsar/pulsar|http||6650,8080|queue
apache/activemq-classic apache/activemq-artemis rmohr/activemq|openwire|openwire\
|61616,8161,5672,61613,1883,61614|queue
eclipse-mosquitto|mqtt|mqtt|1883|broker
emqx emqx/emqx|mqtt|mqtt|1883,8083,8084,8883,18083|broker
hivemq/hivemq4 hivemq/hivemq-ce|mqtt|mqtt|1883,8000,8080|broker
softwaremill/elasticmq softwaremill/elasticmq-native roribio16/alpine-sqs|http|http|9324,9325|queue
elasticsearch elasticsearch/elasticsearch bitnami/elasticsearch opensearchproject/opensearch\
|http|http|9200,9300,9600|search
kibana kibana/kibana opensearchproject/opensearch-dashboards|http|http|5601|admin
logstash logstash/logstash||beats|5044,9600|other
solr|http|http|8983,9983|search
getmeili/meilisearch|http|http|7700|search
typesense/typesense|http|http|8108|search
manticoresearch/manticore|mysql http|mysql|9306,9308,9312|search
qdrant/qdrant|http|http|6333,6334|search
semitechnologies/weaviate weaviate/weaviate|http|http|8080,50051|search
chromadb/chroma|http|http|8000|search
milvusdb/milvus||grpc|19530,9091|search
adminer|http|http|8080|admin
phpmyadmin phpmyadmin/phpmyadmin|http|http|80|admin
dpage/pgadmin4|http|http|80,443|admin
mongo-express|http|http|8081|admin
rediscommander/redis-commander|http|http|8081|admin
redis/redisinsight redislabs/redisinsight|http|http|5540,8001|admin
provectuslabs/kafka-ui kafbat/kafka-ui|http|http|8080|admin
redpandadata/console|http|http|8080|admin
obsidiandynamics/kafdrop|http|http|9000|admin
cloudbeaver dbeaver/cloudbeaver|http|http|8978|admin
sosedoff/pgweb|http|http|8081|admin
dbgate/dbgate|http|http|3000|admin
portainer/portainer portainer/portainer-ce portainer/portainer-ee|http|https|9443,9000,8000|web
nginx nginxinc/nginx-unprivileged bitnami/nginx|http https|http|80,443,8080,8443|proxy
openresty/openresty|http https|http|80,443|proxy
httpd bitnami/apache|http https|http|80,443,8080,8443|web
caddy|http https|http|80,443,2019|proxy
traefik|http https|http|80,443,8080|proxy
haproxy||http|80,443,8404|proxy
envoyproxy/envoy||http|10000,9901|proxy
kong kong/kong-gateway|http https|http|8000,8443,8001,8444,8002,8445|proxy
jc21/nginx-proxy-manager|http https|http|80,81,443|proxy
jwilder/nginx-proxy nginxproxy/nginx-proxy|http https|http|80,443|proxy
varnish|http|http|80,8443|proxy
squid ubuntu/squid|http-proxy|http|3128|proxy
cloudflare/cloudflared|||2000|proxy
oauth2-proxy/oauth2-proxy|http|http|4180|proxy
tomcat bitnami/tomcat|http|http|8080,8005,8009|runtime
jetty|http|http|8080|runtime
wildfly/wildfly|http|http|8080,9990|runtime
php|fastcgi||9000,80|runtime
node python ruby golang rust openjdk eclipse-temurin amazoncorretto alpine ubuntu debian busybox\
|||  |runtime
wordpress drupal joomla|http|http|80,9000|web
nextcloud owncloud|http|http|80,9000|web
ghost|http|http|2368|web
mediawiki|http|http|80,9000|web
matomo|http|http|80,9000|web
strapi/strapi directus/directus|http|http|1337,8055|web
metabase/metabase|http|http|3000|web
apache/superset|http|http|8088|web
redash/redash|http|http|5000|web
n8nio/n8n n8n|http|http|5678|web
nodered/node-red|http|http|1880|web
homeassistant/home-assistant home-assistant/home-assistant|http|http|8123|web
gitea/gitea forgejo/forgejo|http ssh|http|3000,22,2222|web
gitlab/gitlab-ce gitlab/gitlab-ee|http https ssh|http|80,443,22|web
jenkins/jenkins jenkins|http|http|8080,50000|web
sonarqube|http|http|9000|web
sonatype/nexus3|http|http|8081|web
registry|http|http|5000|web
verdaccio/verdaccio|http|http|4873|web
keycloak/keycloak jboss/keycloak|http https|http|8080,8443,9000|web
oryd/hydra|http|http|4444,4445|web
oryd/kratos|http|http|4433,4434|web
dexidp/dex|http|http|5556,5557,5558|web
hasura/graphql-engine|http|http|8080|web
postgrest/postgrest|http|http|3000,3001|web
prom/prometheus bitnami/prometheus|http|http|9090|monitoring
prom/alertmanager|http|http|9093,9094|monitoring
prom/node-exporter|http|http|9100|monitoring
prom/pushgateway|http|http|9091|monitoring
prom/blackbox-exporter|http|http|9115|monitoring
prometheuscommunity/postgres-exporter|http|http|9187|monitoring
oliver006/redis_exporter|http|http|9121|monitoring
cadvisor/cadvisor google/cadvisor|http|http|8080|monitoring
grafana/grafana grafana/grafana-oss grafana/grafana-enterprise|http|http|3000|monitoring
grafana/loki|http|http|3100,9095|monitoring
grafana/tempo|http|http|3200,4317,4318,9095|monitoring
grafana/promtail|http|http|9080|monitoring
grafana/alloy|http|http|12345|monitoring
victoriametrics/victoria-metrics|http|http|8428|monitoring
jaegertracing/all-in-one|http|http|16686,14268,14250,4317,4318,5778,5775,6831,6832,9411,14269\
|monitoring
openzipkin/zipkin|http|http|9411|monitoring
otel/opentelemetry-collector otel/opentelemetry-collector-contrib||grpc\
|4317,4318,8888,8889,13133,55679|monitoring
graphiteapp/graphite-statsd|http|http|80,2003,2004,2023,2024,8125,8126|monitoring
datadog/agent|||8125,8126|monitoring
louislam/uptime-kuma|http|http|3001|monitoring
netdata/netdata|http|http|19999|monitoring
minio/minio bitnami/minio|http|http|9000,9001|storage
localstack/localstack|http|http|4566,4571|storage
azure-storage/azurite mcr.microsoft.com/azure-storage/azurite|http|http|10000,10001,10002|storage
fsouza/fake-gcs-server|http|http|4443|storage
amazon/dynamodb-local|http|http|8000|database
axllent/mailpit mailhog/mailhog jcalonso/mailhog|http smtp|smtp|1025,8025,1110|mail
maildev/maildev djfarrelly/maildev|http smtp|smtp|1025,1080,25,80|mail
rnwood/smtp4dev|http smtp|http|80,25,110,143|mail
schickling/mailcatcher|http smtp|smtp|1025,1080|mail
pihole/pihole|domain http|domain|53,80,443,67|dns
adguard/adguardhome|domain http|domain|53,80,443,3000|dns
coredns/coredns|domain|domain|53|dns
wiremock/wiremock mockserver/mockserver|http|http|8080,8443,1080|other
selenium/standalone-chrome selenium/standalone-firefox selenium/standalone-edge \
selenium/standalone-chromium selenium/hub seleniarm/standalone-chromium \
seleniarm/standalone-firefox seleniarm/hub|http|http|4444,4442,4443,5900,7900|other
selenium/node-chrome selenium/node-firefox selenium/node-edge selenium/node-chromium \
seleniarm/node-chromium seleniarm/node-firefox|http|http|5555,5900,7900|other
browserless/chrome|http|http|3000|other
gotenberg/gotenberg|http|http|3000|other
temporalio/auto-setup temporalio/server||grpc|7233|other
ollama/ollama|http|http|11434|other
atmoz/sftp linuxserver/openssh-server|ssh|ssh|22,2222|other
osixia/openldap bitnami/openldap|ldap|ldap|389,636,1389,1636|database
coturn/coturn|turn||3478,5349|other
tor dockurr/tor osminogin/tor-simple|socks|socks|9050,9051|other
linuxserver/wireguard|||51820|other
"""


@cache
def _images() -> dict[str, Image]:
    found = {}
    for line in _TABLE.strip().splitlines():
        names, services, speaks, ports, kind = line.split("|")
        for name in names.split():
            found[name] = Image(
                name,
                tuple(services.split()),
                speaks or None,
                tuple(int(port) for port in ports.split(",") if port.strip()),
                kind,
            )
    return found


def image_name(text: str) -> str:
    """An image's name without registry, tag and digest: `grafana/grafana`, `postgres`."""
    name = text.strip().partition("@")[0]
    head, slash, tail = name.rpartition("/")
    name = head + slash + tail.partition(":")[0]
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        name = rest
    return name.removeprefix("library/")


def image_of(text: str) -> Image | None:
    """What is known of an image, whatever registry and tag it is named with.

    `somebody/postgres` and `registry.example/team/postgres` are taken for what they are named
    after; `node` and others to which a program is added tell nothing in somebody else's name.
    """
    name = image_name(text)
    known = _images()
    found = known.get(name)
    if found is None and "/" in name:
        found = known.get("/".join(name.split("/")[-2:])) or known.get(name.rpartition("/")[2])
        if found is not None and found.kind == "runtime":
            return None
    return found


def is_at_home(product: str | None, port: int) -> bool:
    """Whether a number is one that an image listens on unless told otherwise."""
    image = image_of(product) if product else None
    return image is not None and port in image.ports
