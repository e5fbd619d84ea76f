"""What may happen in a world: a method for each verb of a schedule. What cannot be at that time does nothing; where
the client or the node that is named cannot, the next that can does it."""

from collections.abc import Callable
from typing import Any

from tests.simulation.checks import Checks
from tests.simulation.client import Client
from tests.simulation.node import Node
from tests.simulation.world import REST_SECONDS


class Steps(Checks):
    """A world in which a schedule's steps happen, one by one."""

    def step(self, verb: str, *arguments: Any) -> None:
        self.ticks.append((self.now, self.oracle.tick()))
        getattr(self, f"do_{verb}")(*arguments)
        self.settle()
        self.look()
        self.check()

    def do_connect(self, client: int, node: int) -> None:
        who, slots = self.clients[client], self.slots[node:] + self.slots[:node]
        for where in [each for each in slots if each is not None and each.serves][:1]:
            if who.wire is None:
                who.connect(where)

    def do_subscribe(self, client: int, channel: str) -> None:
        for who in [each for each in self._from(client) if not each.wants(channel)][:1]:
            who.subscribe(channel)

    def do_unsubscribe(self, client: int, channel: str) -> None:
        who = self.clients[client]
        if who.ready and channel in who.witness.stays:
            who.unsubscribe(channel)

    def do_publish(self, client: int, channel: str, size: int) -> None:
        for who in self._from(client)[:1]:
            who.publish(channel, size)

    def do_burst(self, client: int, one: str, other: str, count: int) -> None:
        """Publications to two channels by turns, all at once: of this client, or the next that is connected."""
        for who in self._from(client)[:1]:
            for number in range(count):
                who.publish(other if number % 2 else one)

    def do_miss(
        self, client: int, channel: str, publisher: int, count: int, meanwhile: Callable[[], object] = lambda: None
    ) -> None:
        """This client, or the next that is in a channel, leaves it; others go on there, and it comes back."""
        for who in [each for each in self._from(client) if channel in each.witness.stays][:1]:
            who.unsubscribe(channel)
            self.settle()
            meanwhile()
            self.settle()
            for other in self._from(publisher)[:1]:
                for _ in range(count):
                    other.publish(channel)
            self.settle()
            if who.ready and not who.wants(channel):
                who.subscribe(channel)

    def do_lapse(self, client: int, channel: str, publisher: int, count: int) -> None:
        """The same, and meanwhile the storage begins anew."""
        self.do_miss(client, channel, publisher, count, self.do_forget)

    def do_crowd(self, client: int, channel: str, publisher: int, count: int) -> None:
        """This client comes into a channel, or leaves it, while another one publishes there."""
        for other in self._from(publisher)[:1]:
            for who in [each for each in self._from(client) if each is not other][:1]:
                for _ in range(count):
                    other.publish(channel)
                if channel in who.witness.stays:
                    who.unsubscribe(channel)
                elif not who.wants(channel):
                    who.subscribe(channel)
                for _ in range(count):
                    other.publish(channel)

    def do_ahead(self, client: int, channel: str, node: int, drains: int) -> None:
        """This client, or the next that is connected, goes to a node that hears late what it has heard elsewhere.

        :param drains: 1: and that node is drained as soon as it has heard
        """
        nodes = [each for each in self.slots[node:] + self.slots[:node] if each in self.awake and each.serves]
        for who in self._from(client)[:1]:
            for where in [each for each in nodes if each is not None and each is not who.node][:1]:
                there = [each for each in self.clients if each.wire is None or (each.node is where and each.ready)]
                for other in sorted(there, key=lambda each: each.wire is None)[:1]:
                    self._enter(other, where, channel)
                    self._enter(who, who.node, channel)
                    self._go_ahead(who, where, channel)
                    if drains == 1:
                        where.drain()

    def _enter(self, client: Client, node: Any, channel: str) -> None:
        if client.wire is None:
            client.connect(node)
            self.settle()
        if client.ready and not client.wants(channel):
            client.subscribe(channel)
            self.settle()

    def _go_ahead(self, client: Client, node: Node, channel: str) -> None:
        if client.ready and channel in client.witness.stays:
            self.oracle.disturb()
            node.storage.slow(1)
            client.publish(channel)
            self.settle()
            client.abort()
            self.settle()
            if client.wire is None:  # the node that it was at is not frozen
                self._enter(client, node, channel)
                self.advance(2.5)
            node.storage.slow(0)

    def do_outage(self, node: int, channel: str, publisher: int, count: int) -> None:
        """A node does not reach the storage while much is published elsewhere."""
        self.do_away(node)
        self.settle()
        for other in [each for each in self._from(publisher) if each.node is not self.slots[node]][:1]:
            for _ in range(count):
                other.publish(channel)
        self.settle()
        self.do_back(node)

    def do_flood(self, client: int, publisher: int, count: int) -> None:
        """This client, or the next that is in a channel where slow ones lose what is old, does not read for a while."""
        for who in [each for each in self._from(client) if "plain:b" in each.witness.stays][:1]:
            who.stall()
            for other in [each for each in self._from(publisher) if each is not who][:1]:
                for _ in range(count):
                    if other.ready:
                        other.publish("plain:b", 900)
                        self.settle()
            who.read_on()

    def _from(self, client: int) -> list[Client]:
        """Those that are connected, this one and the ones behind it first."""
        return [each for each in self.clients[client:] + self.clients[:client] if each.ready]

    def do_stall(self, client: int) -> None:
        self.clients[client].stall()

    def do_read(self, client: int) -> None:
        self.clients[client].read_on()

    def do_silence(self, client: int) -> None:
        """It is there no more, and nobody tells."""
        self.clients[client].silent = True
        self.clients[client].stall()

    def do_close(self, client: int) -> None:
        self.clients[client].close()

    def do_abort(self, client: int) -> None:
        self.clients[client].abort()

    def do_start(self, node: int) -> None:
        self.start(node)

    def do_drain(self, node: int) -> None:
        where = self.slots[node]
        if where is not None and where.started:
            where.drain()

    def do_reload(self, node: int, tails: int) -> None:
        where = self.slots[node]
        if where is not None and where.serves and not where.frozen:
            where.reload(tails)

    def do_kill(self, node: int) -> None:
        where = self.slots[node]
        if where is not None:
            self.oracle.disturb()
            self.kill(where)

    def do_freeze(self, node: int) -> None:
        where = self.slots[node]
        if where is not None and len(self.awake) > 1:
            where.frozen = True

    def do_thaw(self, node: int) -> None:
        where = self.slots[node]
        if where is not None and where.frozen:
            self.oracle.disturb()  # only now it makes good what it was cut off from meanwhile
            where.frozen = False
            where.clock.rightNow = self.stood_still = self.now

    def do_wait(self, tenths: int) -> None:
        self.advance(tenths / 10)

    def do_jump(self, tenths: int) -> None:
        self.jump(tenths / 10)

    def do_away(self, node: int) -> None:
        self._to_storage(node, "go_away")

    def do_back(self, node: int) -> None:
        self._to_storage(node, "come_back")

    def do_cut(self, node: int) -> None:
        self._to_storage(node, "cut")

    def do_lose(self, node: int) -> None:
        where = self.slots[node]
        if where is not None:
            where.storage.tell_loss(self.oracle.disturb)
            where.storage.lose_answers += 1

    def do_slow(self, node: int, hundredths: int) -> None:
        where = self.slots[node]
        if where is not None:
            where.storage.slow(hundredths / 100)

    # What goes wrong with Redis alone.

    def do_cut_ear(self, node: int) -> None:
        self._to_storage(node, "cut_subscriber")

    def do_fail_over(self, lost: int) -> None:
        """Another Redis takes its place, which lacks so many of the last writes."""
        self.oracle.disturb()
        for name, position, top in self.storage.fail_over(lost):
            channel = self.oracle.channel(name)
            # What stood behind one that is lost is lost too, also where it was too many to be kept. One that nobody has
            # heard may have stood anywhere.
            behind = [each for offset, each in channel.epochs.get(position.epoch, {}).items() if offset > top]
            self.oracle.lost([*behind, *(each for each in channel.publications if each.position is None)])

    def do_set_clock(self, seconds: int) -> None:
        """Redis's clock jumps, by a minute less than this."""
        forward = seconds - 60
        self.storage.model.set_clock(forward)
        if forward > 0:
            self.oracle.disturb()
            for channel in self.oracle.channels.values():  # its history has ended
                self.oracle.lost(channel.publications)

    def do_freeze_storage(self) -> None:
        self.oracle.disturb()
        self.storage.model.freeze()

    def do_thaw_storage(self) -> None:
        self.storage.model.thaw()

    def do_forget(self) -> None:
        """The storage begins anew."""
        self.oracle.disturb()
        for channel in self.oracle.channels.values():
            if channel.kept:
                self.oracle.lost(channel.publications)
        self.storage.begin_anew()

    def _to_storage(self, node: int, what: str) -> None:
        where = self.slots[node]
        if where is not None:
            self.oracle.disturb()
            getattr(where.storage, what)()

    def do_rest(self) -> None:
        """All goes well for a while, and everything that can come has come."""
        for number, node in enumerate(self.slots):
            if node is not None:
                self.do_thaw(number)
                node.storage.slow(0)
                node.storage.lose_answers = 0
                if not node.storage.ready:
                    self.oracle.disturb()
                node.storage.come_back()  # one that was frozen may not know that it is away
        self.storage.be_well()
        for client in self.clients:
            if not client.silent:
                client.read_on()
        self.settle()
        self.advance(REST_SECONDS)
        self.look()
        if not self.nodes:
            self.start(0)
            self.settle()
            self.advance(REST_SECONDS)  # it sweeps dead nodes when it has been there for a whole lease
        self.rest()

    def end(self) -> None:
        """Everybody goes: nothing is left."""
        self.do_rest()
        for client in self.clients:
            client.close()
        self.settle()
        self.advance(10)
        for node in self.nodes:
            self.oracle.nothing_left(f"all clients of {node.name}", node.left)
            node.drain()
        self.settle()
        self.look()
        self.advance(10)
        for node in self.nodes:
            self.oracle.fault(f"{node.name} has not stopped")
