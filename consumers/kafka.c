#include "consumers/kafka.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/kafka_priv.h"
#include "engine/base/check.h"
#include "engine/base/clock.h"

enum {
    SAY_EVERY_S = 10,
    STATISTICS_MS = 1000, /* how soon the health line sees that a broker is back */
    NOTE_BYTES = 256,
    LINE_BYTES = 640,
};

#define NS_PER_S INT64_C(1000000000)

struct kafka {
    rd_kafka_conf_t *conf; /* the user's properties; every client starts from a copy */
    char *bootstrap;
    struct kafka_client admin; /* asks, makes and alters; thread-safe as librdkafka is */

    int64_t patience_ms;
    const atomic_bool *stop;
    void (*say)(void *context, const char *line);
    void *say_context;

    pthread_mutex_t lock;  /* over what follows; taken by callbacks of any client's thread */
    int64_t away_since_ns; /* 0: the cluster is there */
    char reason[NOTE_BYTES];
};

/* ---- Health ---------------------------------------------------------------------------------- */

void
kafka_note(struct kafka *kafka, const char *reason)
{
    pthread_mutex_lock(&kafka->lock);
    snprintf(kafka->reason, sizeof kafka->reason, "%s", reason);
    pthread_mutex_unlock(&kafka->lock);
}

static void
note_away(struct kafka *kafka)
{
    pthread_mutex_lock(&kafka->lock);
    if (kafka->away_since_ns == 0) kafka->away_since_ns = clock_monotonic_ns();
    pthread_mutex_unlock(&kafka->lock);
}

void
kafka_note_well(struct kafka *kafka)
{
    pthread_mutex_lock(&kafka->lock);
    kafka->away_since_ns = 0;
    kafka->reason[0] = '\0';
    pthread_mutex_unlock(&kafka->lock);
}

void
kafka_health(struct kafka *kafka, char *out_text, size_t size)
{
    /* The admin client has no loop of its own: its callbacks are served by those who ask. */
    rd_kafka_poll(kafka->admin.rk, 0);

    pthread_mutex_lock(&kafka->lock);
    if (kafka->away_since_ns != 0) {
        int64_t away_s = (clock_monotonic_ns() - kafka->away_since_ns) / NS_PER_S;
        snprintf(out_text, size, "broker %s away for %lld s, waiting%s%s%s", kafka->bootstrap,
                 (long long)away_s, kafka->reason[0] == '\0' ? "" : " (", kafka->reason,
                 kafka->reason[0] == '\0' ? "" : ")");
    } else if (kafka->reason[0] != '\0') {
        snprintf(out_text, size, "broker %s: %s", kafka->bootstrap, kafka->reason);
    } else if (size > 0) {
        out_text[0] = '\0';
    }
    pthread_mutex_unlock(&kafka->lock);
}

void
kafka_say(struct kafka *kafka, const char *format, ...)
{
    if (kafka->say == NULL) return;
    char line[LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    kafka->say(kafka->say_context, line);
}

bool
kafka_stopping(const struct kafka *kafka)
{
    return kafka->stop != NULL && atomic_load_explicit(kafka->stop, memory_order_relaxed);
}

/* @thread whoever polls the client */
static void
on_error(rd_kafka_t *rk, int error, const char *reason, void *opaque)
{
    (void)rk;
    struct kafka_client *client = opaque;
    if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
        note_away(client->kafka);
    } else if (error !=
               RD_KAFKA_RESP_ERR__FATAL) { /* fatal: the owner of the producer rebuilds it */
        kafka_note(client->kafka, reason);
    }
}

/* @thread whoever polls the client. A connected broker is the only state in capitals after this
 * name. */
static int
on_statistics(rd_kafka_t *rk, char *json, size_t size, void *opaque)
{
    (void)rk;
    (void)size;
    struct kafka_client *client = opaque;
    if (strstr(json, "\"state\":\"UP\"") != NULL) kafka_note_well(client->kafka);
    if (client->statistics != NULL) client->statistics(client, json);
    return 0; /* the library frees it */
}

/* @thread librdkafka's own. What its log says of a broker comes through on_error too; the log would
 * only repeat it, for every thread and every attempt. */
static void
on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk;
    (void)level;
    (void)facility;
    (void)text;
}

/* ---- Clients --------------------------------------------------------------------------------- */

rd_kafka_conf_t *
kafka_conf(struct kafka *kafka, struct kafka_client *client)
{
    client->kafka = kafka;
    rd_kafka_conf_t *conf = rd_kafka_conf_dup(kafka->conf);
    rd_kafka_conf_set_opaque(conf, client);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_stats_cb(conf, on_statistics);
    rd_kafka_conf_set_log_cb(conf, on_log);
    char interval[16];
    snprintf(interval, sizeof interval, "%d", STATISTICS_MS);
    kafka_conf_own(conf, "statistics.interval.ms", interval);
    /* A topic that does not answer is asked for again this long before it is called missing. */
    kafka_conf_own(conf, "topic.metadata.propagation.max.ms", "10000");
    return conf;
}

void
kafka_conf_own(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char reason[NOTE_BYTES];
    rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, name, value, reason, sizeof reason);
    CHECK_MSG(result == RD_KAFKA_CONF_OK, "%s", reason);
}

bool
kafka_client_start(struct kafka_client *client, rd_kafka_type_t type, rd_kafka_conf_t *conf,
                   struct fault *out_fault)
{
    char reason[512];
    client->rk = rd_kafka_new(type, conf, reason, sizeof reason);
    if (client->rk == NULL) {
        rd_kafka_conf_destroy(conf); /* not taken when the call fails */
        return fault_set(out_fault, FAULT_CONFIG, "kafka: %s", reason);
    }
    return true;
}

/* ---- Settings -------------------------------------------------------------------------------- */

static const struct {
    const char *name, *why;
} owned_properties[] = {
#define OWNED(name, why) {name, why},
#include "consumers/kafka_owned.def"
#undef OWNED
};

static const char *
owned_reason(const char *name)
{
    for (size_t i = 0; i < sizeof owned_properties / sizeof *owned_properties; i++) {
        if (strcmp(owned_properties[i].name, name) == 0) return owned_properties[i].why;
    }
    return NULL;
}

/* What the user may override: chosen for a ledger that answers soon. */
static const struct kafka_property defaults[] = {
    {"session.timeout.ms",
     "6000"}, /* the least a broker allows: another instance takes over soon */
    {"heartbeat.interval.ms", "2000"},
    {"client.id", "tallybook"},
    {"linger.ms", "2"}, /* an event is on its way at once; under load batches fill anyway */
    {"fetch.wait.max.ms",
     "10"}, /* below 20: what a refetch may stall (architecture.md, "Library versions") */
    {"fetch.error.backoff.ms", "100"},
    {"reconnect.backoff.max.ms", "1000"},
    {"socket.nagle.disable", "true"},
};

static bool
conf_fill(rd_kafka_conf_t *conf, const struct kafka_settings *settings, const char **out_bootstrap,
          struct fault *out_fault)
{
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) {
        kafka_conf_own(conf, defaults[i].name, defaults[i].value);
    }
    const char *bootstrap = NULL;
    for (size_t i = 0; i < settings->property_count; i++) {
        const struct kafka_property *property = &settings->properties[i];
        const char *why = owned_reason(property->name);
        if (why != NULL) {
            return fault_set(out_fault, FAULT_CONFIG,
                             "kafka.%s: not to be set, because %s: remove it", property->name, why);
        }
        char reason[512];
        if (rd_kafka_conf_set(conf, property->name, property->value, reason, sizeof reason) !=
            RD_KAFKA_CONF_OK) {
            return fault_set(out_fault, FAULT_CONFIG, "kafka.%s: %s", property->name, reason);
        }
        if (strcmp(property->name, "bootstrap.servers") == 0 ||
            strcmp(property->name, "metadata.broker.list") == 0) {
            bootstrap = property->value;
        }
    }
    if (bootstrap == NULL || bootstrap[0] == '\0') {
        return fault_set(out_fault, FAULT_CONFIG,
                         "kafka.bootstrap.servers: missing: say where a broker is, as host:port");
    }
    *out_bootstrap = bootstrap;
    return true;
}

bool
kafka_open(const struct kafka_settings *settings, struct kafka **out_kafka, struct fault *out_fault)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    const char *bootstrap;
    if (!conf_fill(conf, settings, &bootstrap, out_fault)) {
        rd_kafka_conf_destroy(conf);
        return false;
    }
    struct kafka *kafka = calloc(1, sizeof *kafka);
    CHECK(kafka != NULL);
    kafka->conf = conf;
    kafka->bootstrap = strdup(bootstrap);
    CHECK(kafka->bootstrap != NULL);
    kafka->patience_ms = settings->patience_ms;
    kafka->stop = settings->stop;
    kafka->say = settings->say;
    kafka->say_context = settings->say_context;
    pthread_mutex_init(&kafka->lock, NULL);

    /* A client at once, because some properties are judged only together. */
    if (!kafka_client_start(&kafka->admin, RD_KAFKA_PRODUCER, kafka_conf(kafka, &kafka->admin),
                            out_fault)) {
        kafka_close(kafka);
        return false;
    }
    *out_kafka = kafka;
    return true;
}

void
kafka_close(struct kafka *kafka)
{
    if (kafka == NULL) return;
    if (kafka->admin.rk != NULL) rd_kafka_destroy(kafka->admin.rk);
    rd_kafka_conf_destroy(kafka->conf);
    pthread_mutex_destroy(&kafka->lock);
    free(kafka->bootstrap);
    free(kafka);
}

const char *
kafka_bootstrap(const struct kafka *kafka)
{
    return kafka->bootstrap;
}

rd_kafka_t *
kafka_admin(struct kafka *kafka)
{
    return kafka->admin.rk;
}

/* ---- Waiting --------------------------------------------------------------------------------- */

bool
kafka_wait_more(struct kafka *kafka, struct kafka_wait *wait, const char *what,
                struct fault *out_fault)
{
    int64_t now_ns = clock_monotonic_ns();
    if (wait->began_ns == 0) wait->began_ns = now_ns;
    int64_t waited_ns = now_ns - wait->began_ns;

    char reason[NOTE_BYTES + 4];
    pthread_mutex_lock(&kafka->lock);
    snprintf(reason, sizeof reason, "%s%s", kafka->reason[0] == '\0' ? "" : ": ", kafka->reason);
    pthread_mutex_unlock(&kafka->lock);

    bool patience_over = kafka->patience_ms != 0 && waited_ns / 1000000 >= kafka->patience_ms;
    if (kafka_stopping(kafka) || patience_over) {
        return fault_set(
            out_fault, FAULT_UNAVAILABLE,
            "broker %s: no answer to %s within %.1f s%s; is it running, and is the address right?",
            kafka->bootstrap, what, (double)waited_ns / 1e9, reason);
    }
    bool due = wait->told_ns == 0 ? waited_ns >= NS_PER_S
                                  : now_ns - wait->told_ns >= SAY_EVERY_S * NS_PER_S;
    if (due) {
        kafka_say(kafka, "broker %s does not answer for %lld s, waiting (%s)%s", kafka->bootstrap,
                  (long long)(waited_ns / NS_PER_S), what, reason);
        wait->told_ns = now_ns;
    }
    rd_kafka_poll(kafka->admin.rk,
                  50); /* the pause between two attempts; serves callbacks meanwhile */
    return true;
}

bool
kafka_error_passes(rd_kafka_resp_err_t error)
{
    switch (error) {
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
    case RD_KAFKA_RESP_ERR__WAIT_CACHE:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR_NOT_CONTROLLER:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR:
    case RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT:
    case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS: return true;
    default: return false;
    }
}
