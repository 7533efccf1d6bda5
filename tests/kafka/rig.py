"""A real Apache Kafka for a test: one process, KRaft, loopback only, own ports and data folder.

    with rig.Broker(folder) as broker:
        broker.create_topic("orders", partitions=4)
        broker.produce("orders", b"{}", key=b"m1")
        for message in broker.consume("orders"):
            ...

Promises:
 1. Nothing is waited for by the clock alone: start returns when the broker answers a metadata request, consume
    when it has reached the ends that it asked for, stop when the process is gone. Every wait is bounded and ends
    in an error that says what was waited for.
 2. A broker started by a test dies with it, whatever happens to the test (the kernel's parent-death signal).
 3. Keys, values and headers are bytes, exactly as they stand in the topic.

Needs Debian's python3-confluent-kafka, a JDK and Maven; `./tallybook test` installs them. The jars are fetched once
into .kafka/libs at the top of the checkout and again only when pom.xml changes.
"""

import base64
import collections
import fcntl
import hashlib
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import time
import uuid

import confluent_kafka
import confluent_kafka.admin

HERE = pathlib.Path(__file__).resolve().parent
CACHE = HERE.parent.parent / ".kafka"

START_SECONDS = 90  # a cold JVM on a busy two-core machine; four seconds are usual
STOP_SECONDS = 30
ASK_SECONDS = 30
MESSAGE_MAX_BYTES = 8 << 20  # tests send events of 2 MiB, and a dead letter is a little larger than its source

Message = collections.namedtuple(
    "Message", "topic partition offset key value headers timestamp_ms timestamp_type"
)
CREATE_TIME = "CreateTime"
LOG_APPEND_TIME = "LogAppendTime"
_TIMESTAMP_TYPES = {
    confluent_kafka.TIMESTAMP_CREATE_TIME: CREATE_TIME,
    confluent_kafka.TIMESTAMP_LOG_APPEND_TIME: LOG_APPEND_TIME,
}


class RigError(Exception):
    """The rig itself failed; what it was about to do and what to look at stand in the text."""


def libs():
    """The folder of jars, fetched by Maven when missing. Several processes may ask at once."""
    folder = CACHE / "libs"
    stamp = folder / ".pom.sha256"
    wanted = hashlib.sha256((HERE / "pom.xml").read_bytes()).hexdigest()
    CACHE.mkdir(exist_ok=True)
    with open(CACHE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == wanted:
            return folder
        fresh = CACHE / "libs.new"
        shutil.rmtree(fresh, ignore_errors=True)
        command = ["mvn", "-q", "-B", "-Dstyle.color=never", "-f", str(HERE / "pom.xml"),
                   "dependency:copy-dependencies", f"-DoutputDirectory={fresh}"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise RigError(f"cannot fetch Kafka's jars: {' '.join(command)}\n{done.stdout}")
        (fresh / stamp.name).write_text(wanted)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
        return folder


def await_exit(pid):
    """Waits for a process, anybody's child, to end; False when it has not within the limit."""
    try:
        gone = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([gone], [], [], STOP_SECONDS)[0])
    finally:
        os.close(gone)


def _free_ports(count):
    """Ports nobody listens on now. Held open together, so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _properties(data, port, controller_port):
    return f"""\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
log.dirs={data}
# A test of history sends messages stamped years ago: the default retention of a week would remove them.
log.retention.ms=-1
# After a kill the controller refuses the broker's new life until the old one's session is over: not nine seconds.
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
message.max.bytes={MESSAGE_MAX_BYTES}
replica.fetch.max.bytes={MESSAGE_MAX_BYTES}
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=4
"""


class Broker:
    """One broker, its process and its data in `folder`.

    With `tied` (the default) the process dies with the thread that started it; without, it outlives this program and
    another Broker on the same folder can stop it.
    """

    def __init__(self, folder, tied=True):
        self.folder = pathlib.Path(folder).resolve()
        self.tied = tied
        self.pid_file = self.folder / "broker.pid"
        self._process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    @property
    def bootstrap(self):
        """host:port for clients; the same after a restart."""
        try:
            return (self.folder / "bootstrap").read_text().strip()
        except FileNotFoundError:
            raise RigError(f"no broker was ever started in {self.folder}") from None

    def log_tail(self, lines=20):
        try:
            return "\n".join((self.folder / "broker.log").read_text(errors="replace").splitlines()[-lines:])
        except FileNotFoundError:
            return "(no broker.log)"

    # ---- life ----

    def start(self):
        """Starts it, on the ports and data of the last time if there was one; returns when it answers."""
        if self._pid() is not None:
            raise RigError(f"a broker is running in {self.folder} already (pid {self._pid()})")
        jars = libs()
        if not (self.folder / "data" / "meta.properties").exists():
            self._format(jars)
        with open(self.folder / "broker.log", "ab") as log:
            self._process = subprocess.Popen(
                [*(["setpriv", "--pdeathsig", "KILL"] if self.tied else []), *_java(jars, "-Xmx1g"),
                 "kafka.Kafka", str(self.folder / "server.properties")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.pid_file.write_text(f"{self._process.pid}\n")
        try:
            self._await_ready()
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self):
        """Asks it to end in good order; one that does not within the limit is killed. Harmless when it is down."""
        self._end(signal.SIGTERM)

    def kill(self):
        """kill -9: what a power cut leaves. Harmless when it is down."""
        self._end(signal.SIGKILL)

    def restart(self):
        self.stop()
        return self.start()

    def _format(self, jars):
        shutil.rmtree(self.folder / "data", ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        port, controller_port = _free_ports(2)
        properties = self.folder / "server.properties"
        properties.write_text(_properties(self.folder / "data", port, controller_port))
        cluster = "T" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]
        done = subprocess.run([*_java(jars), "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(properties)],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise RigError(f"cannot format {self.folder}:\n{done.stdout}")
        (self.folder / "bootstrap").write_text(f"127.0.0.1:{port}\n")

    def _await_ready(self):
        """Asks for metadata until there is an answer; kcat itself waits for the connection, a second a round."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RigError(f"the broker ended with {self._process.returncode}:\n{self.log_tail()}")
            asked = subprocess.run(["kcat", "-L", "-q", "-m", "1", "-b", self.bootstrap],
                                   stdin=subprocess.DEVNULL, capture_output=True)
            if asked.returncode == 0:
                return
        raise RigError(f"the broker did not answer within {START_SECONDS} s:\n{self.log_tail()}")

    def _pid(self):
        """The process of the pid file if it is still ours: a pid can be given to somebody else."""
        if self._process is not None:
            return self._process.pid if self._process.poll() is None else None
        try:
            pid = int(self.pid_file.read_text())
            command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return None
        return pid if str(self.folder / "server.properties").encode() in command else None

    def _end(self, how):
        pid = self._pid()
        if pid is not None:
            os.kill(pid, how)
            if not await_exit(pid):
                os.kill(pid, signal.SIGKILL)
                await_exit(pid)
        if self._process is not None:
            self._process.wait()
            self._process = None
        self.pid_file.unlink(missing_ok=True)

    # ---- topics ----

    def create_topic(self, name, partitions=1, config=None):
        """Makes a topic and returns when every partition has a leader."""
        admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": self.bootstrap})
        topic = confluent_kafka.admin.NewTopic(name, partitions, 1, config=config or {})
        self._settle(admin.create_topics([topic], operation_timeout=ASK_SECONDS), f"create topic {name}")
        deadline = time.monotonic() + ASK_SECONDS
        while time.monotonic() < deadline:
            seen = admin.list_topics(name, timeout=ASK_SECONDS).topics[name].partitions
            if len(seen) == partitions and all(each.leader >= 0 for each in seen.values()):
                return
        raise RigError(f"topic {name} has no leaders within {ASK_SECONDS} s")

    def delete_topic(self, name):
        admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": self.bootstrap})
        self._settle(admin.delete_topics([name], operation_timeout=ASK_SECONDS), f"delete topic {name}")

    @staticmethod
    def _settle(futures, what):
        for future in futures.values():
            try:
                future.result(ASK_SECONDS)
            except Exception as error:
                raise RigError(f"cannot {what}: {error}") from error

    def ends(self, topic):
        """{partition: high watermark}: what a consumer can have read by now."""
        with _closing(self._consumer()) as consumer:
            return self._ends(consumer, topic)

    @staticmethod
    def _ends(consumer, topic):
        listed = consumer.list_topics(topic, timeout=ASK_SECONDS).topics[topic]
        if listed.error is not None:
            raise RigError(f"topic {topic}: {listed.error}")
        return {partition: consumer.get_watermark_offsets(confluent_kafka.TopicPartition(topic, partition),
                                                          timeout=ASK_SECONDS)[1]
                for partition in listed.partitions}

    # ---- messages ----

    def produce(self, topic, value, key=None, headers=None, partition=None, timestamp_ms=None):
        """Sends one message and returns when the broker has it. `headers` is a list of (name, bytes)."""
        self.produce_all(topic, [dict(value=value, key=key, headers=headers, partition=partition,
                                      timestamp_ms=timestamp_ms)])

    def produce_all(self, topic, records):
        """Sends many, in order; each a dict of produce's arguments, of which only `value` is needed."""
        failed = []
        producer = confluent_kafka.Producer({
            "bootstrap.servers": self.bootstrap, "acks": "all", "enable.idempotence": True, "linger.ms": 5,
            "message.max.bytes": MESSAGE_MAX_BYTES, "partitioner": "murmur2_random",
            "log_level": 3,  # errors only: a coordinator that is still loading is no news
            "on_delivery": lambda error, _: error is not None and failed.append(error)})
        for record in records:
            given = {"value": record["value"], "key": record.get("key"), "headers": record.get("headers") or []}
            if record.get("partition") is not None:
                given["partition"] = record["partition"]
            if record.get("timestamp_ms") is not None:
                given["timestamp"] = record["timestamp_ms"]
            while True:
                try:
                    producer.produce(topic, **given)
                    break
                except BufferError:  # the local queue is full: deliver some, then go on
                    producer.poll(1)
        left = producer.flush(ASK_SECONDS)
        if failed or left:
            raise RigError(f"produce to {topic}: {len(failed)} failed, {left} not sent: {failed[:1]}")

    def consume(self, topic, since=None, committed=True):
        """Every message from the start (or from offset since[partition]) to the end as it is now, in offset order
        within each partition. `committed` leaves out what aborted transactions wrote."""
        with _closing(self._consumer(committed)) as consumer:
            ends = self._ends(consumer, topic)
            return list(self._read(consumer, topic, dict(since or {}), ends))

    def await_messages(self, topic, count, seconds=ASK_SECONDS, committed=True):
        """The first messages of a topic, returned as soon as there are `count`; an error when they do not come."""
        with _closing(self._consumer(committed)) as consumer:
            partitions = self._ends(consumer, topic)
            found = []
            for message in self._read(consumer, topic, {}, dict.fromkeys(partitions), seconds):
                found.append(message)
                if len(found) == count:
                    return found
        raise RigError(f"{topic}: {len(found)} of {count} messages came within {seconds} s")

    def _consumer(self, committed=True):
        return confluent_kafka.Consumer({
            "bootstrap.servers": self.bootstrap, "group.id": "rig", "enable.auto.commit": False,
            "auto.offset.reset": "earliest", "enable.partition.eof": True, "fetch.wait.max.ms": 10,
            "isolation.level": "read_committed" if committed else "read_uncommitted"})

    @staticmethod
    def _read(consumer, topic, since, ends, seconds=None):
        """Yields messages until every partition has reached its end; an end of None is never reached. `seconds` limits
        the whole reading, otherwise only the wait for the next message is limited."""
        consumer.assign([
            confluent_kafka.TopicPartition(topic, partition, since.get(partition, confluent_kafka.OFFSET_BEGINNING))
            for partition in ends])
        open_partitions = {partition for partition, end in ends.items()
                           if end is None or since.get(partition, 0) < end}
        deadline = time.monotonic() + (seconds or ASK_SECONDS)
        while open_partitions:
            got = consumer.poll(max(0.0, deadline - time.monotonic()))
            if got is None:
                if seconds is None:
                    raise RigError(f"{topic}: nothing came for {ASK_SECONDS} s, partitions {open_partitions} unfinished")
                return
            partition = got.partition()
            if got.error() is not None:
                # End of partition: past markers that aborted or committed transactions left behind.
                if got.error().code() != confluent_kafka.KafkaError._PARTITION_EOF:
                    raise RigError(f"consume {topic}: {got.error()}")
                if ends[partition] is not None:
                    open_partitions.discard(partition)
                continue
            if partition not in open_partitions:
                continue  # written after the end was asked for
            if ends[partition] is not None and got.offset() >= ends[partition] - 1:
                open_partitions.discard(partition)
                if got.offset() >= ends[partition]:
                    continue
            if seconds is None:
                deadline = time.monotonic() + ASK_SECONDS
            kind, stamp = got.timestamp()
            yield Message(got.topic(), partition, got.offset(), got.key(), got.value(), got.headers() or [], stamp,
                          _TIMESTAMP_TYPES.get(kind))


def _java(jars, *options):
    """The JVM as every part of the rig uses it. The serial collector leaves a two-core machine to what is tested."""
    return ["java", *options, "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{jars}/*"]


def run_java(source, *arguments, text=""):
    """Runs a single-file Java program with Kafka's classes at hand and `text` to read; returns what it printed."""
    done = subprocess.run([*_java(libs()), str(source), *arguments], input=text, capture_output=True, text=True)
    if done.returncode != 0:
        raise RigError(f"{source} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


class _closing:
    def __init__(self, consumer):
        self._consumer = consumer

    def __enter__(self):
        return self._consumer

    def __exit__(self, *_):
        self._consumer.close()
