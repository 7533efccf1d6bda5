"""The rig keeps its promises: a test that blames Tallybook must not have been the rig's fault."""

import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

import rig

ORPHAN = """
import os, signal, sys
sys.path.insert(0, sys.argv[2])
import rig
broker = rig.Broker(sys.argv[1]).start()
print(broker.pid_file.read_text(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


class Rig(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="tally-rig-"))
        cls.broker = cls.enterClassContext(rig.Broker(cls.folder))

    def test_bytes_headers_and_times_come_back_as_sent(self):
        self.broker.create_topic("exact", partitions=3)
        headers = [("tb", bytes(range(32))), ("tb", b""), ("ce_id", b"\xff")]
        self.broker.produce("exact", b"\x00\xff\n{}", key=b"\x01stock/mug", headers=headers, partition=2,
                            timestamp_ms=1291191960000)
        self.assertEqual(self.broker.consume("exact"), [
            rig.Message("exact", 2, 0, b"\x01stock/mug", b"\x00\xff\n{}", headers, 1291191960000, rig.CREATE_TIME)])

    def test_append_time_is_the_brokers(self):
        self.broker.create_topic("append", config={"message.timestamp.type": "LogAppendTime"})
        self.broker.produce("append", b"x", timestamp_ms=1000)
        (message,) = self.broker.consume("append")
        self.assertEqual(message.timestamp_type, rig.LOG_APPEND_TIME)
        self.assertGreater(message.timestamp_ms, 1000)

    def test_order_and_number_are_kept_within_a_partition(self):
        self.broker.create_topic("many", partitions=4)
        self.broker.produce_all("many", (dict(value=b"%d" % at, partition=at % 4) for at in range(20_000)))
        found = self.broker.consume("many")
        self.assertEqual(self.broker.ends("many"), dict.fromkeys(range(4), 5000))
        for partition in range(4):
            self.assertEqual([int(each.value) for each in found if each.partition == partition],
                             list(range(partition, 20_000, 4)))
        self.assertEqual([each.offset for each in self.broker.consume("many", since={0: 4998, 1: 5000, 2: 5000, 3: 5000})],
                         [4998, 4999])

    def test_an_event_of_two_mebibytes_passes(self):
        self.broker.create_topic("big")
        self.broker.produce("big", b"z" * (2 << 20))
        self.assertEqual([len(each.value) for each in self.broker.await_messages("big", 1)], [2 << 20])

    def test_misuse_is_named(self):
        self.broker.create_topic("once")
        for what, misuse, text in [
            ("second topic of a name", lambda: self.broker.create_topic("once"), "already exists"),
            ("missing topic", lambda: self.broker.consume("never-made"), "never-made"),
            ("too few messages", lambda: self.broker.await_messages("once", 1, seconds=0.1), "0 of 1"),
            ("second start", self.broker.start, "running"),
            ("folder without a broker", lambda: rig.Broker(self.folder + "/none").bootstrap, "no broker"),
        ]:
            with self.subTest(what):
                with self.assertRaisesRegex(rig.RigError, text):
                    misuse()


class Life(unittest.TestCase):
    def test_data_and_address_outlive_restart_and_kill(self):
        with tempfile.TemporaryDirectory(prefix="tally-rig-") as folder, rig.Broker(folder) as broker:
            address = broker.bootstrap
            broker.create_topic("kept")
            for end in (broker.stop, broker.kill):
                broker.produce("kept", b"before")
                end()
                self.assertFalse(broker.pid_file.exists())
                broker.start()
                self.assertEqual(broker.bootstrap, address)
            self.assertEqual([each.value for each in broker.consume("kept")], [b"before", b"before"])

    def test_it_dies_with_the_test_that_started_it(self):
        with tempfile.TemporaryDirectory(prefix="tally-rig-") as folder:
            done = subprocess.run([sys.executable, "-c", ORPHAN, folder, str(pathlib.Path(rig.__file__).parent)],
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, -signal.SIGKILL, done.stderr)
            self.assertTrue(rig.await_exit(int(done.stdout)), "the broker lives on")

    def test_the_command_starts_and_stops_one_that_outlives_it(self):
        command = pathlib.Path(rig.__file__).with_name("broker")

        def call(*arguments):
            return subprocess.run([command, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True)

        with tempfile.TemporaryDirectory(prefix="tally-rig-") as folder:
            try:
                started = call("start", folder)
                self.assertEqual(started.returncode, 0, started.stderr)
                address, pid_file = started.stdout.split()
                self.assertEqual(address, rig.Broker(folder).bootstrap)
                self.assertEqual(call("topic", folder, "by-hand", "2", "cleanup.policy=compact").returncode, 0)
                self.assertEqual(rig.Broker(folder).ends("by-hand"), {0: 0, 1: 0})
                self.assertEqual(call("start", folder).returncode, 69)
            finally:
                self.assertEqual(call("stop", folder).returncode, 0)
            self.assertFalse(pathlib.Path(pid_file).exists())
        self.assertEqual(call("begin", folder).returncode, 64)
